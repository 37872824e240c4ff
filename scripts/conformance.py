#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""What scripts/conformance knows of scenarios and results.

cases TREE NAMES RESULTS TABLE DRIVER [PATTERN...]
    the cases that have no result yet, nor one in the table, as scripts/guest.d/meet-scenarios takes them
forget TREE NAMES RESULTS [PATTERN...]
    forgets results
results TREE DRIVER
    reads lines of results, prints them for people
table TREE NAMES TABLE C RUST KERNEL QEMU
    the table of both drivers; what has no result has that of the table that is there

NAMES is a file with the names of all scenarios; RESULTS, C and RUST are files of results.
"""

import fnmatch
import json
import re
import sys
from collections import Counter
from pathlib import Path

HOSTILE_FILES = {"claims.rs", "deaf.rs", "hostile.rs", "moments.rs"}
PRIORITY = (
    "All of block devices: the C driver writes the priority of a request to a field of its header that 5.2.6 calls "
    "reserved, without a rule for its value. This is not counted."
)
MEANING = {
    "conforms": "the device does what it should, and so does the driver",
    "differs": "the driver does otherwise than ours, as the specification lets it; see below",
    "violates": "the driver broke a rule of the specification, which one is in parentheses",
    "works": "the device breaks a rule or is odd; it can be used all the same",
    "recovers": "the same, after the driver has reset it",
    "fails cleanly": "the device breaks a rule or is odd; it is refused, or who uses it gets errors, in bounded time, and "
    "the driver lets go of it",
    "wrong data": "who uses the device gets what it has not written",
    "does not work": "the device does what it should, and can not be used",
    "stuck process": "a process waits without an end; in parentheses, what it was about to do, and whether it "
    "could be killed",
    "guest hangs": "nothing goes on in the guest any more",
    "guest panics": "its kernel stops",
    "guest ends": "so does QEMU",
    "warns": "the kernel says that something is wrong with itself",
    "does not apply": "it was not run; see below",
}
FORMS = ["rng-split", "rng-packed", "blk-split", "blk-packed"]


class Scenarios:
    """What is known of the scenarios."""

    def __init__(self, tree, names):
        self.names = names
        self.rules = []
        for line in (tree / "scripts/conformance.d/scenarios").read_text().splitlines():
            if line and not line.startswith("#"):
                pattern, words, *reason = line.split("\t")
                self.rules.append((pattern, set(words.split()), " ".join(reason)))
        self.source = {
            file.name: file.read_text() for file in sorted((tree / "tests/host/vdev/src/scenarios").glob("*.rs"))
        }
        self.ids = self.find_ids(tree)

    def words(self, name):
        """What is to be done about a scenario."""
        words = set()
        for pattern, some, _ in self.rules:
            if fnmatch.fnmatchcase(name, pattern):
                words |= some
        if any(f'"{name}"' in self.source.get(file, "") for file in HOSTILE_FILES):
            words.add("hostile")
        return words

    def reason(self, name, word):
        """Why."""
        for pattern, words, reason in self.rules:
            if word in words and fnmatch.fnmatchcase(name, pattern):
                return reason
        return ""

    def forms(self, name):
        words = self.words(name)
        for form in FORMS:
            kind, ring = form.split("-")
            if words & {"rng", "blk"} and kind not in words:
                continue
            if ring == "split" or "packed" in words:
                yield form

    def is_run(self, name, driver):
        return not self.words(name) & {"none", f"{driver}-none"}

    def find_ids(self, tree):
        """The requirements that scenarios are for: those named above them, and above the checks of guest tests."""
        known = set()
        for line in (tree / "Documentation/conformance.tsv").read_text().splitlines()[1:]:
            known.add(line.split("\t")[0])
        ids = {name: set() for name in self.names}

        def mentioned(comments):
            return known & set(re.findall(r"[A-Z][A-Z0-9-]*-[0-9]{2}", " ".join(comments)))

        for text in self.source.values():
            comments = []
            for line in text.splitlines():
                line = line.strip()
                if line.startswith("//"):
                    comments.append(line)
                    continue
                name = re.search(r'"([a-z0-9-]+)"', line)
                if name and name[1] in ids:
                    ids[name[1]] |= mentioned(comments)
                # The name is on the line after the one that a scenario begins with.
                if line != "Scenario {":
                    comments = []
        for file in sorted((tree / "tests/selftests").glob("vdev*.sh")):
            comments, checked = [], False
            for line in file.read_text().splitlines():
                if line.startswith("# "):
                    comments = [line] if checked else [*comments, line]
                    checked = False
                elif line.startswith("check "):
                    checked = True
                    call = line.rpartition('"')[2].split()
                    words = [word.replace("_", "-") for word in call]
                    kind = ["blk-" + word for word in words[:1] if "blk" in file.name]
                    for word in kind + words:
                        if word in ids:
                            ids[word] |= mentioned(comments)
                            break
                else:
                    comments = []
        return ids


def read_results(lines):
    """What was seen, by scenario and form. The last one counts."""
    results = {}
    for line in lines:
        word, scenario, form, seen = line.split(" ", 3)
        if word == "end":
            results[scenario, form] = json.loads(seen)
    return results


def broken(verdict):
    """The rule that was broken, without what differs from run to run."""
    what = verdict.removeprefix("fail: ").removeprefix("violation ")
    return re.sub(r"0x[0-9a-f]{4,}|[0-9]{5,}", "…", what)


def differs(words, driver, verdict):
    """Whether this is no fault of this driver."""
    start = f"{driver}-differs="
    return any(word.startswith(start) and word[len(start) :].replace("_", " ") in verdict for word in words)


def result(scenarios, name, driver, seen):
    """What became of it, in a few words."""
    words = scenarios.words(name)
    verdict = seen.get("verdict", "")
    if seen.get("lost"):
        return f"guest {seen['lost']}"
    if seen["stuck"]:
        return f"stuck process ({seen['stuck']}{', until killed' if seen.get('killed') else ''})"
    if seen.get("warnings"):
        return "warns"
    if verdict.startswith("fail: violation"):
        return f"violates ({broken(verdict)})"
    if seen["used"] == "wrong data" and (seen["form"].startswith("rng") or "hostile" not in words):
        return "wrong data"
    works = seen["used"] == "yes" or seen["used"] == "wrong data"
    if "hostile" in words:
        if not works:
            return "fails cleanly"
        return "recovers" if seen.get("starts", 0) > 1 else "works"
    if verdict != "pass":
        return "differs" if differs(words, driver, verdict) else f"violates ({broken(verdict)})"
    return "conforms" if works or "errors" in words else "does not work"


def one(scenarios, name, form, driver, results, before):
    if not scenarios.is_run(name, driver):
        return "does not apply"
    seen = results.get((name, form))
    return result(scenarios, name, driver, {**seen, "form": form}) if seen else before


def device_of(form):
    return form.replace("-split", "").replace("-packed", ", packed")


def cases(tree, names, results, table, driver, *patterns):
    scenarios = Scenarios(Path(tree), Path(names).read_text().split())
    there = read_results(Path(results).read_text().splitlines())
    column = ("c", "rust").index(driver)
    before = {case for case, both in read_table(Path(table).read_text()).items() if both[column] != "not run"}
    found = []
    for name in scenarios.names:
        if patterns and not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            continue
        for form in scenarios.forms(name):
            done = (name, form) in there or (name, device_of(form)) in before
            if scenarios.is_run(name, driver) and not done:
                found.append((form.endswith("packed"), f"{name}:{form}:{','.join(sorted(scenarios.words(name)))}"))
    # Packed rings last.
    for _, case in sorted(found, key=lambda case: case[0]):
        print(case)


def forget(tree, names, results, *patterns):
    kept = []
    for line in Path(results).read_text().splitlines(True):
        name = line.split(" ")[1]
        if patterns and not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            kept.append(line)
    Path(results).write_text("".join(kept))


def results(tree, driver):
    scenarios = Scenarios(Path(tree), [])
    for line in sys.stdin:
        for (name, form), seen in read_results([line]).items():
            print(f"{name:28} {form:10} {result(scenarios, name, driver, {**seen, 'form': form})}", flush=True)


def read_table(text):
    """The results of a table, by scenario and device: C and Rust."""
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \|", text, re.MULTILINE)
    return {(name, device): both for name, device, *both in rows}


def table(tree, names, old, c, rust, kernel, qemu):
    scenarios = Scenarios(Path(tree), Path(names).read_text().split())
    before = read_table(Path(old).read_text())
    seen = {
        driver: read_results(Path(path).read_text().splitlines()) for driver, path in (("c", c), ("rust", rust))
    }
    rows = []
    for name in sorted(scenarios.names):
        run = any(scenarios.is_run(name, driver) for driver in seen)
        for form in scenarios.forms(name) if run else ["-"]:
            device = device_of(form)
            both = [
                one(scenarios, name, form, driver, seen[driver], past)
                for driver, past in zip(seen, before.get((name, device), ("not run", "not run")))
            ]
            rows.append((name, device, *both, " ".join(sorted(scenarios.ids[name]))))

    print(
        f"""# Drivers compared

Generated by `make conformance`; do not edit.

The driver under test: the C drivers `virtio_rng` and `virtio_blk` of Linux {kernel} with `virtio_pci`, against
`virtio_rng_rust` and `virtio_blk_rust`. Each meets the devices of `tests/host/vdev` on QEMU {qemu}, in
each of their scenarios; see [device-examples.md](device-examples.md#drivers-compared). What is random in a scenario comes from
fixed seeds, but when things happen does not: its result may be another one the next time.

| result | means | C | Rust |
| --- | --- | ---: | ---: |"""
    )
    counts = [Counter(row[column].partition(" (")[0] for row in rows) for column in (2, 3)]
    for word in [*MEANING, "not run"]:
        if any(count[word] for count in counts):
            print(f"| {word} | {MEANING.get(word, '')} | {counts[0][word]} | {counts[1][word]} |")
    print(f"\n{len(scenarios.names)} scenarios, {len(rows)} rows.\n")
    print("| scenario | device | C | Rust | requirements |\n| --- | --- | --- | --- | --- |")
    for name, device, in_c, in_rust, ids in rows:
        print(f"| `{name}` | {device} | {in_c} | {in_rust} | {ids} |")

    print("\n## Where the drivers may differ, and what was not run\n")
    reasons = {}
    for name in sorted(scenarios.names):
        for word in sorted(scenarios.words(name)):
            if re.match(r"none$|(c|rust)-(none$|differs=)", word):
                reasons.setdefault(scenarios.reason(name, word), []).append(f"`{name}`")
    for reason, some in reasons.items():
        print(f"- {', '.join(some)}: {reason}")
    print(f"- {PRIORITY}")


def main():
    {"cases": cases, "forget": forget, "results": results, "table": table}[sys.argv[1]](*sys.argv[2:])


main()

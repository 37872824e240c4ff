#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""What scripts/bench does with results.

report.py options WORKLOAD OUT          options of scripts/guest for its devices, one a line
report.py collect DIRECTORY MODULES KEY=VALUE...
                                        results of all guests to results.json and plot.svg
                                        there, and a table for people; MODULES is where our
                                        modules are, and values say where it was
report.py markdown JSON FILE            puts tables into FILE, between two comments
"""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import allocators
import layout
import plot
import results

# The columns of each table of a document.
TABLES = [["driver", "driver+memory", "kernel"], ["allocations", "kicks", "interrupts"], ["iops", "p50", "p99"]]
BEGIN, END = "<!-- results: written by make bench -->", "<!-- end of results -->"


def number(value):
    """Four digits, but for what is near to nothing."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if value >= 0.001 else "0"


def ratio(metric):
    """A ratio with its interval."""
    if "ratio" not in metric:
        return "-"
    text = f"{metric['ratio']:.3f}"
    if "low" in metric:
        text += f" [{metric['low']:.3f}, {metric['high']:.3f}]"
    return text


def rows(found):
    """The table: what is in its first line is over all."""
    yield ["device", "queue", "work", "figure", "C", "Rust", "Rust to C [95 %]"]
    for name, title in results.METRICS.items():
        for point in found:
            metric = point["metrics"].get(name)
            if metric:
                what = title.replace("instructions:", f"instructions per {point['unit']}:")
                work = [point["workload"], point["form"], point["load"], what]
                yield [*work, number(metric["c"]), number(metric["rust"]), ratio(metric)]


def plain(table):
    """Columns for a terminal."""
    table = list(table)
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        cells = zip(row, widths, [str.ljust] * 4 + [str.rjust] * 2 + [str.ljust])
        yield "  ".join(align(cell, width) for cell, width, align in cells).rstrip()


def markdown_tables(found):
    """The same for a document: a line a point, and a column a figure, C and Rust and their ratio."""
    for names in TABLES:
        shown = [point for point in found if any(name in point["metrics"] for name in names)]
        if not shown:
            continue
        yield "| device | queue | work | " + " | ".join(results.METRICS[name] for name in names) + " |"
        yield "| --- " * (3 + len(names)) + "|"
        for point in shown:
            cells = [point["workload"], point["form"], point["load"]]
            for name in names:
                metric = point["metrics"].get(name)
                cells.append(f"{number(metric['c'])}, {number(metric['rust'])}: {ratio(metric)}" if metric else "")
            yield "| " + " | ".join(cells) + " |"
        yield ""


def verdicts(report):
    """Each bar, met or missed, and where."""
    for workload, bars in report["bars"].items():
        for bar in bars:
            what = f"{workload}: {results.METRICS[bar['metric']]}: {bar['wanted']}"
            if not bar["missed"]:
                yield f"met: {what} ({bar['points']} points)"
                continue
            ratios = sorted(point["ratio"] for point in bar["missed"] if point["ratio"])
            where = f"{len(bar['missed'])} of {bar['points']} points"
            where += f", {ratios[0]:.3f} to {ratios[-1]:.3f}" if ratios else ""
            if len(bar["missed"]) <= 3:
                where += ": " + "; ".join(f"{point['form']}, {point['load']}" for point in bar["missed"])
            yield f"missed: {what} (at {where})"
    for workload, found in report["allocators"].items():
        what = f"{workload}: calls of an allocator by the Rust modules: none"
        where = f"{found['places']} places, {found['runs']} runs"
        yield f"met: {what} ({where})" if found["calls"] == 0 else f"missed: {what} ({found['calls']}; {where})"


def sizes(report):
    """Bytes of code and of memory."""
    for workload, text in report["text"].items():
        yield f"{workload}: code of driver, ring and transport: C {text['c']:,} bytes, Rust {text['rust']:,}"
    for workload, forms in report["memory"].items():
        for form, sides in forms.items():
            c, rust = sides["c"], sides["rust"]
            line = f"{workload}, {form}: memory of a device with a queue: C {c['device']:,} bytes, Rust {rust['device']:,}"
            if rust["request"]:
                line += f"; of a request: C {c['request']:,.0f}, Rust {rust['request']:,.0f}"
            yield line


def functions(report):
    """Where the instructions of each point are, by function."""
    lines = []
    for point in report["points"]:
        if point.get("functions"):
            lines.append(f"{point['workload']}, {point['form']}, {point['load']}, per {point['unit']}:")
            for driver in layout.DRIVERS:
                lines += [f"  {driver:4} {n:8.1f}  {name}" for name, _, n in point["functions"][driver]]
    # With the names that they have in the source, without hashes.
    names = subprocess.run(["c++filt"], input="\n".join(lines) + "\n", check=True, stdout=subprocess.PIPE, text=True).stdout
    return re.sub(r"\[[0-9a-f]{12,16}\]", "", names)


def collect(directory, modules, values):
    """All guests' results; see above."""
    directory = Path(directory)
    environment = dict(value.split("=", 1) for value in values)
    report = {"environment": environment, "text": {}, "memory": {}, "allocators": {}, "bars": {}, "points": []}
    code = allocators.read(modules)
    for path in sorted(directory.glob("count-*")):
        workload = importlib.import_module("workloads." + path.name.split("-", 1)[1])
        counted = results.counted(path, workload.TYPE, workload.UNIT, code)
        name = workload.TYPE
        found, report["text"][name], report["memory"][name], report["allocators"][name] = counted
        report["points"] = results.merge(report["points"], found)
    for path in sorted(directory.glob("time-*")):
        workload = importlib.import_module("workloads." + path.name.split("-", 1)[1])
        report["points"] = results.merge(report["points"], results.timed(path, workload.TYPE, workload.UNIT))
    for name in dict.fromkeys(point["workload"] for point in report["points"]):
        report["bars"][name] = results.bars(report["points"], name)
    (directory / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    (directory / "plot.svg").write_text(plot.svg(report["points"]))
    (directory / "functions").write_text(functions(report))
    print("\n".join(plain(rows(report["points"]))), end="\n\n")
    print("\n".join(sizes(report)), end="\n\n")
    print("\n".join(verdicts(report)))


def markdown(source, target):
    """The same in a document."""
    report = json.loads(Path(source).read_text())
    lines = [", ".join(f"{key} {value}" for key, value in report["environment"].items()) + ".", ""]
    lines += [f"* {line}" for line in verdicts(report)] + [""]
    lines += [f"* {line}" for line in sizes(report)]
    lines += ["", "Each cell: C, Rust: ratio [95 %]. Instructions of disks are per request, of rng per byte.", ""]
    lines += markdown_tables(report["points"])
    before, rest = Path(target).read_text().split(BEGIN)
    after = rest.split(END)[1]
    Path(target).write_text(before + BEGIN + "\n\n" + "\n".join(lines) + "\n" + END + after)


def main():
    """See above."""
    match sys.argv[1:]:
        case ["options", name, out]:
            print("\n".join(layout.guest_options(importlib.import_module(f"workloads.{name}"), out)))
        case ["collect", directory, modules, *values]:
            collect(directory, modules, values)
        case ["markdown", source, target]:
            markdown(source, target)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()

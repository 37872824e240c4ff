# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""From what a guest of the bench has left to ratios and bars."""

import json
import zlib
from pathlib import Path

from allocators import calls as allocator_calls
from stats import compare
from symbols import CALLS, Profile, Symbols

# name: what it is, for people. Instructions and calls are per unit of the workload.
METRICS = {
    "driver": "instructions: driver, ring, transport",
    "driver+memory": "the same and the allocator",
    "kernel": "instructions: whole kernel",
    "allocations": "calls of kmalloc and kfree",
    "kicks": "doorbells per operation",
    "interrupts": "interrupts per operation",
    "iops": "operations per second",
    "p50": "latency, median (us)",
    "p99": "latency, 99th percentile (us)",
}
TOP = 15


def read_symbols(disk):
    """The symbols that a guest has written to a disk of its own."""
    # What follows is the empty part of the disk.
    return Symbols(zlib.decompressobj(wbits=31).decompress(Path(disk).read_bytes()).decode())


def figures(run, profile):
    """The metrics of one counted run."""
    units = run["units"]
    driver = profile.total("c", "rust")
    # Without counters of its own, the driver's calls of the transport are counted.
    if run["kicks"] is None:
        kicks = sum(
            times
            for index, times in profile.entries.items()
            if profile.symbols.names[index][0] in ("vp_notify", "vp_notify_with_data")
        ) / run["operations"]
    else:
        kicks = run["kicks"] / run["requests"]
    return {
        "driver": driver / units,
        "driver+memory": (driver + profile.total("memory")) / units,
        "kernel": profile.total() / units,
        "allocations": profile.calls(CALLS) / units,
        "kicks": kicks,
        "interrupts": run["interrupts"] / run["requests"],
    }


def points(workload, unit, runs):
    """Runs with their metrics, as points: each metric compared in the pairs of turns."""
    grouped = {}
    for run, values in runs:
        grouped.setdefault((run["form"], run["load"]), {}).setdefault(run["turn"], {})[run["driver"]] = values
    result = []
    for (form, load), turns in grouped.items():
        pairs = [turn for turn in turns.values() if len(turn) == 2]
        metrics = {
            name: compare([(pair["c"][name], pair["rust"][name]) for pair in pairs])
            for name in METRICS
            if all(name in pair[driver] for pair in pairs for driver in pair)
        }
        result.append({"workload": workload, "unit": unit, "form": form, "load": load, "metrics": metrics})
    return result


def top_functions(samples):
    """Where the instructions are: for each driver, functions and instructions per unit."""
    result = {}
    for driver, (profile, units) in samples.items():
        result[driver] = [
            [name, module, round(n / units, 1)] for name, module, n in profile.functions(driver)[:TOP]
        ]
    return result


def counted(directory, workload, unit, code):
    """The points of a guest that has counted, the size of the code of its modules, the memory that they
    take, and how often ours, of which this is the code, called an allocator."""
    directory = Path(directory)
    symbols = read_symbols(directory / "out")
    runs, text, samples, memory = [], {"c": symbols.core_bytes(), "rust": 0}, {}, {}
    places = sum(len(module.places) for name, module in code.items() if module.base(symbols, name) is not None)
    allocators = {"places": places, "runs": 0, "calls": 0}
    index = 0
    for line in (directory / "results").read_text().splitlines():
        run = json.loads(line)
        if "module" in run:
            text["rust" if run["module"].endswith("_rust") else "c"] += run["text"]
            continue
        if "memory" in run:
            memory.setdefault(run["form"], {})[run["driver"]] = {"device": run["memory"], "request": run["request"]}
            continue
        lines = (directory / f"count.{index}").read_text().splitlines()
        profile = Profile(symbols, lines)
        if run["driver"] == "rust":
            allocators["runs"] += 1
            allocators["calls"] += allocator_calls(code, symbols, lines)
        index += 1
        runs.append((run, figures(run, profile)))
        samples.setdefault((run["form"], run["load"]), {})[run["driver"]] = (profile, run["units"])
    found = points(workload, unit, runs)
    for point in found:
        point["functions"] = top_functions(samples[point["form"], point["load"]])
    return found, text, memory, allocators


def timed(directory, workload, unit):
    """The points of a guest that has measured time."""
    runs = [json.loads(line) for line in (Path(directory) / "results").read_text().splitlines()]
    return points(workload, unit, [(run, run["values"]) for run in runs])


def merge(some, others):
    """Points of two guests as one list."""
    result = {(point["workload"], point["form"], point["load"]): point for point in some}
    for point in others:
        key = point["workload"], point["form"], point["load"]
        if key in result:
            result[key]["metrics"].update(point["metrics"])
        else:
            result[key] = point
    return list(result.values())


def _not_more(metric):
    """Doorbells of both drivers are not counted in quite the same work, which may make a
    difference of some in a thousand."""
    return metric["rust"] <= metric["c"] * 1.005 or metric.get("low", metric.get("ratio", 2)) <= 1


def _not_slower(metric):
    """A ratio is not below 1 if its interval has 1."""
    return metric.get("high", metric["ratio"]) >= 1 and metric["ratio"] >= 0.98


# Metric, what is wanted of it, and whether it is so.
BARS = [
    ("driver", "at most 0.60 of C's", lambda m: m["ratio"] <= 0.60),
    ("kernel", "at most 0.95 of C's", lambda m: m["ratio"] <= 0.95),
    ("kicks", "at most C's, within the interval", _not_more),
    ("interrupts", "at most C's, within the interval", _not_more),
    ("iops", "1.00 within the interval or above, and not below 0.98", _not_slower),
]


def bars(found, workload):
    """What is wanted of a workload, and at which points it holds."""
    result = []
    for metric, wanted, holds in BARS:
        relevant = [point for point in found if point["workload"] == workload and metric in point["metrics"]]
        missed = [point for point in relevant if not holds(point["metrics"][metric])]
        if relevant:
            result.append(
                {
                    "metric": metric,
                    "wanted": wanted,
                    "points": len(relevant),
                    "missed": [
                        {"form": point["form"], "load": point["load"], "ratio": point["metrics"][metric].get("ratio")}
                        for point in missed
                    ],
                }
            )
    return result

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""What the bench runs in its guest.

guest.py count WORKLOAD REPEATS    work between marks, which a plugin of QEMU counts
guest.py time WORKLOAD PAIRS MILLISECONDS
    work in time, by fio, each run as long

A line of JSON for each run goes to standard output, in the order of the runs.
"""

import glob
import gzip
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import layout
import memory

LOAD = Path(__file__).parent.parent / "load"


class Device:
    """A device under test."""

    every = []

    def __init__(self, form, driver, slot):
        self.form = form
        self.driver = driver
        self.address = layout.address(slot)
        self.path = Path("/sys/bus/pci/devices") / self.address
        self.bound = True
        Device.every.append(self)

    def write(self, path, text, may_fail=False):
        """Writes to a file of the kernel's."""
        try:
            Path(path).write_text(text)
        except OSError:
            if not may_fail:
                raise

    def disk(self):
        """Its name, for example vda. That of the C driver is a virtio device's, below."""
        (path,) = glob.glob(f"{self.path}/block/vd*") + glob.glob(f"{self.path}/virtio[0-9]*/block/vd*")
        return os.path.basename(path)

    def unbind(self):
        """Takes it from its driver."""
        self.write(self.path / "driver/unbind", self.address)
        self.bound = False

    def alone(self):
        """Gives it to its driver, and no other device under test."""
        for device in Device.every:
            if device.bound and device is not self:
                device.unbind()
        if not self.bound:
            self.bind()

    def bind(self):
        """Gives it to its driver."""
        self.write("/sys/bus/pci/drivers_probe", self.address)
        self.bound = True

    def interrupts(self):
        """How many there were, of all vectors."""
        total = 0
        for irq in os.listdir(self.path / "msi_irqs"):
            counts = Path(f"/sys/kernel/irq/{irq}/per_cpu_count").read_text()
            total += sum(int(count) for count in counts.split(","))
        return total

    def kicks(self):
        """Doorbells that were rung, where the driver tells."""
        if self.driver != "rust":
            return None
        for irq in os.listdir(self.path / "msi_irqs"):
            names = Path(f"/sys/kernel/irq/{irq}/actions").read_text().strip()
            directory = Path("/sys/kernel/debug/virtio_rust") / names.split("-")[0]
            if names and directory.is_dir():
                lines = [line.split() for file in directory.glob("queue*") for line in file.read_text().splitlines()]
                return sum(int(value) for key, value in lines if key == "kicks")
        raise RuntimeError(f"no counters of {self.address}")


def say(result):
    """A result for the host."""
    print(json.dumps(result), flush=True)


def executable_bytes(path):
    """The size of the sections of a module that hold code."""
    data = Path(path).read_bytes()
    start = int.from_bytes(data[0x28:0x30], "little")
    size, count = (int.from_bytes(data[at : at + 2], "little") for at in (0x3A, 0x3C))
    total = 0
    for at in range(start, start + size * count, size):
        flags = int.from_bytes(data[at + 8 : at + 16], "little")
        # SHF_ALLOC and SHF_EXECINSTR
        if flags & 6 == 6:
            total += int.from_bytes(data[at + 32 : at + 40], "little")
    return total


def modules(workload):
    """Code of the modules of both drivers of this type."""
    ours = {path.stem: path for path in Path("/run/virtio-rust/modules").glob("*.ko")}
    with open("scripts/guest.d/devices", encoding="utf-8") as table:
        names = next(line.split()[1:] for line in table if line.startswith(workload.TYPE + "\t"))
    stock = Path("/lib/modules", os.uname().release).rglob("*.ko")
    paths = {path.stem.replace("-", "_"): path for path in stock} | ours
    for name in ["virtio_rust", *names]:
        say({"module": name, "text": executable_bytes(paths[name])})


def take_memory():
    """What each driver takes for each form of queue."""
    for device in Device.every:
        if device.bound:
            device.unbind()
        requests, others = memory.taken(device.bind)
        depth = [int(path.read_text()) for path in device.path.glob("**/block/vd*/queue/nr_requests")]
        say(
            {
                "memory": others,
                "form": device.form,
                "driver": device.driver,
                "request": requests / depth[0] if depth else None,
            }
        )


def hand_out_symbols():
    """Addresses of the kernel's functions and its modules'."""
    for serial in glob.glob("/sys/block/vd*/serial"):
        if Path(serial).read_text().strip() == layout.OUT_SERIAL:
            disk = "/dev/" + serial.split("/")[3]
            with gzip.open(disk, mode="wb", compresslevel=1) as out:
                out.write(Path("/proc/kallsyms").read_bytes())
            return
    raise RuntimeError("no disk for results")


def in_turns(workload, turns):
    """Each load with each form, both drivers one after the other, in changing order."""
    for turn in range(turns):
        for form in layout.FORMS:
            pair = [device for device in Device.every if device.form == form]
            for name, load in workload.LOADS.items():
                for device in pair if turn % 2 == 0 else reversed(pair):
                    yield turn, device, name, load


def count(workload, repeats):
    """Work between marks."""
    for turn, device, name, load in in_turns(workload, repeats):
        arguments, units = workload.command(device, load)
        before = device.interrupts(), device.kicks()
        output = subprocess.run([LOAD, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout
        after = device.interrupts(), device.kicks()
        say(
            {
                "form": device.form,
                "driver": device.driver,
                "load": name,
                "turn": turn,
                "units": units,
                "operations": workload.COUNT,
                "requests": int(output),
                "interrupts": after[0] - before[0],
                "kicks": None if after[1] is None else after[1] - before[1],
            }
        )
    hand_out_symbols()
    modules(workload)
    take_memory()


def fio(jobs, milliseconds):
    """Runs jobs one after the other in one process: results of fio in their order."""
    lines = ["[global]", "thread", "norandommap", "time_based", "lat_percentiles=1", f"runtime={milliseconds}ms"]
    for index, job in enumerate(jobs):
        lines += [f"[{index}]", "stonewall"] + [f"{key}={value}" for key, value in job.items()]
    Path("/tmp/jobs").write_text("\n".join(lines) + "\n")
    command = ["fio", "--output-format=json", "/tmp/jobs"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output[output.index("{") :])["jobs"]


def measured(job):
    """What is compared of a result of fio: the direction that was used."""
    side = max(job["read"], job["write"], key=lambda side: side["total_ios"])
    percentile = side["lat_ns"]["percentile"]
    return {"iops": side["iops"], "p50": percentile["50.000000"] / 1000, "p99": percentile["99.000000"] / 1000}


def time(workload, pairs, milliseconds):
    """Work in time, all points of a turn by one fio: its start takes longer than a point."""
    runs = list(in_turns(workload, pairs))
    # The first requests of a device are others' too, such as those for partitions.
    fio([workload.jobs(device, load) for turn, device, _, load in runs if turn == 0], 20)
    for turn in range(pairs):
        these = [run for run in runs if run[0] == turn]
        jobs = fio([workload.jobs(device, load) for _, device, _, load in these], milliseconds)
        for (_, device, name, _), job in zip(these, jobs):
            say({"form": device.form, "driver": device.driver, "load": name, "turn": turn, "values": measured(job)})


def main():
    """See above."""
    stage, name, turns = sys.argv[1:4]
    workload = importlib.import_module(f"workloads.{name}")
    for form, driver, slot in layout.devices():
        Device(form, driver, slot)
    for device in Device.every:
        workload.prepare(device)
    if stage == "count":
        count(workload, int(turns))
    else:
        time(workload, int(turns), int(sys.argv[4]))


main()

# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""Disks that do nothing: requests of 4 KiB at random, and of 128 KiB in sequence."""

TYPE = "blk"
UNIT = "request"
COUNT = 1000
TIMED = True

# operation, order, size, requests in flight
LOADS = {
    f"{name}, depth {depth}": (operation, order, size, depth)
    for name, operation, order, size in [
        ("random read 4 KiB", "read", "random", 4096),
        ("random write 4 KiB", "write", "random", 4096),
        ("sequential read 128 KiB", "read", "sequential", 131072),
    ]
    for depth in (1, 32)
}


def device(name):
    """A disk of 1 GiB without a memory of what is written, and one queue."""
    return f"-blockdev driver=null-co,node-name={name},size=1073741824,read-zeroes=on", [f"drive={name}", "num-queues=1"]


def prepare(dev):
    """Nothing between the driver and who asks."""
    dev.write(f"/sys/block/{dev.disk()}/queue/scheduler", "none")


def command(dev, load):
    """As fio does it by default, see load.c."""
    operation, order, size, depth = load
    arguments = ["aio", f"/dev/{dev.disk()}", operation, order, str(size), str(depth), str(COUNT)]
    return arguments, COUNT


def jobs(dev, load):
    """The same by fio."""
    operation, order, size, depth = load
    return {
        "filename": f"/dev/{dev.disk()}",
        "rw": ("rand" if order == "random" else "") + operation,
        "bs": size,
        "iodepth": depth,
        "ioengine": "libaio",
        "direct": 1,
    }

# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""Entropy devices: reading /dev/hwrng."""

TYPE = "rng"
UNIT = "byte"
COUNT = 500
# It is the device that takes its time.
TIMED = False

# size of a read
LOADS = {"read 64 bytes": 64, "read 4 KiB": 4096}


def device(name):
    """A device that gives what the machine has, at once."""
    return f"-object rng-builtin,id={name}", [f"rng={name}"]


def prepare(dev):
    """Nobody else is to ask a device."""
    dev.write("/sys/module/rng_core/parameters/current_quality", "0", may_fail=True)
    dev.unbind()


def command(dev, load):
    """All generators are called alike, so there is but one at a time."""
    dev.alone()
    return ["read", "/dev/hwrng", str(load), str(COUNT)], COUNT * load

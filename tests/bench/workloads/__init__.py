# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""What the bench has drivers do: a type of device a file, found by its name.

A workload has

TYPE        the type of device, as in scripts/guest.d/devices
UNIT        what is done: figures are per UNIT
LOADS       what is measured: by name, anything that the functions below understand
COUNT       operations that are counted in one turn
TIMED       whether it is timed, too

device(id)               on the host: more arguments for QEMU, and properties of the device
prepare(device)          in the guest, once a device, when all are bound
command(device, load)    in the guest: arguments of the program load.c, and its UNITs between marks
jobs(device, load)       in the guest, if TIMED: options of fio for the same

`device` in the guest is guest.Device.
"""

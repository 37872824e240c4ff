# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""Which devices a guest of the bench has: what starts it and what runs in it agree on that."""

FORMS = ["split", "packed"]
DRIVERS = ["c", "rust"]
# What is too much for a serial line leaves the guest by this disk.
OUT_SERIAL = "bench-out"


def devices():
    """All devices under test: form, driver, and slot on the root bus."""
    slot = 0x10
    for form in FORMS:
        for driver in DRIVERS:
            yield form, driver, slot
            slot += 1


def address(slot):
    """The PCI address of a slot."""
    return f"0000:00:{slot:02x}.0"


def guest_options(workload, out):
    """The options of scripts/guest for two devices of each form, one for each driver."""
    options = []
    for form, driver, slot in devices():
        qemu, properties = workload.device(f"b{slot:x}")
        if qemu:
            options += ["--qemu", qemu]
        packed = "on" if form == "packed" else "off"
        spec = f"virtio-{workload.TYPE}-pci,addr={slot:#x},disable-legacy=on,event_idx=on,packed={packed}"
        options += ["--driver", driver, "--device", ",".join([spec] + properties)]
    options += ["--qemu", f"-drive if=none,id=out,format=raw,file={out}"]
    return options + ["--driver", "c", "--device", f"virtio-blk-pci,drive=out,serial={OUT_SERIAL},addr=0x1e"]

# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""Whose code an address of the kernel is.

The C ring and PCI code is built into the stock kernel: it is what the linker has put in one
place with virtqueue_add_split, as far as names tell (drivers/virtio). The drivers are modules.

Ours are modules, and what they call that is there for Rust: helpers, which are C functions
for what is inline in C (rust_helper_*), and the kernel crate.
"""

import re
from bisect import bisect_right
from collections import Counter

VIRTIO = re.compile(r"^(__)?(virtio_|virtqueue_|vring_|vp_|is_virtio|(un)?register_virtio)")
# Functions between those whose names say nothing, such as del_vq.
GAP = 6
ANCHORS = ["virtqueue_add_split", "virtqueue_add_split.cold"]
ALLOCATE = re.compile(r"^_{0,3}(kmalloc_|kmem_cache_alloc|slab_alloc)")
RELEASE = re.compile(r"^_{0,3}(kfree$|kmem_cache_free|slab_free)")
# What is called to have memory, and to give it back.
CALLS = re.compile(r"^(__kmalloc(_cache|_node|_cache_node|_node_track_caller)?_noprof|kfree)$")


class Symbols:
    """Functions of a kernel that ran, from /proc/kallsyms."""

    def __init__(self, kallsyms):
        found = []
        for line in kallsyms.splitlines():
            address, kind, name, *module = line.split()
            if kind in "tTwW" and not name.startswith("__pfx_"):
                found.append((int(address, 16), name, module[0].strip("[]") if module else ""))
        found.sort()
        self.addresses = [address for address, _, _ in found]
        self.names = [(name, module) for _, name, module in found]
        self.core = set()
        for index, (name, module) in enumerate(self.names):
            if name in ANCHORS and not module:
                self._extend(index, 1)
                self._extend(index, -1)

    def _extend(self, index, step):
        """Adds what is around a function of drivers/virtio."""
        pending, gap = [], 0
        while 0 <= index < len(self.names) and gap <= GAP:
            name, module = self.names[index]
            if module:
                break
            pending.append(index)
            gap += 1
            if VIRTIO.match(name):
                self.core.update(pending)
                pending, gap = [], 0
            index += step

    def find(self, address):
        """The function at an address."""
        return max(bisect_right(self.addresses, address) - 1, 0)

    def kind(self, index):
        """What it belongs to: c, rust, memory (the kernel's allocator) or other."""
        name, module = self.names[index]
        if module.endswith("_rust"):
            return "rust"
        if module.startswith("virtio_") or index in self.core:
            return "c"
        if module:
            return "other"
        if name.startswith("rust_helper_") or (name.startswith("_R") and "6kernel" in name):
            return "rust"
        if ALLOCATE.match(name) or RELEASE.match(name):
            return "memory"
        return "other"

    def core_bytes(self):
        """The size of the C code that is built in."""
        return sum(self.addresses[i + 1] - self.addresses[i] for i in self.core if i + 1 < len(self.addresses))


class Profile:
    """What was executed between two marks, from a file of the plugin."""

    def __init__(self, symbols, lines):
        self.symbols = symbols
        self.instructions = Counter()
        self.entries = Counter()
        for line in lines:
            address, instructions, times = line.split()
            address, times = int(address, 16), int(times)
            index = symbols.find(address)
            self.instructions[index] += int(instructions) * times
            if symbols.addresses[index] == address:
                self.entries[index] += times

    def total(self, *kinds):
        """Instructions of these kinds of code; without any: all."""
        return sum(n for index, n in self.instructions.items() if not kinds or self.symbols.kind(index) in kinds)

    def calls(self, pattern):
        """How often functions of such names were called."""
        return sum(n for index, n in self.entries.items() if pattern.match(self.symbols.names[index][0]))

    def functions(self, kind):
        """Functions of one kind: name, module, and instructions, the most first."""
        return [
            (*self.symbols.names[index], n)
            for index, n in self.instructions.most_common()
            if self.symbols.kind(index) == kind
        ]

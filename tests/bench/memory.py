# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""The memory that a driver takes when it is given a device, by the kernel's trace events.

What the process that binds the device allocates, and does not free, is the device's: objects of
kmalloc, and pages. Objects of other caches and of percpu memory are those of the layers above, and the
same for each driver.
"""

import os
import re
from pathlib import Path

TRACING = Path("/sys/kernel/tracing/instances/bench")
EVENTS = ["kmalloc", "kfree", "mm_page_alloc", "mm_page_free"]
PAGE = 4096
LINE = re.compile(r": (" + "|".join(EVENTS) + r"): (.*)")


class Held:
    """What was allocated and not freed."""

    def __init__(self, lines):
        self.objects, self.pages, self.requests = {}, {}, {}
        for line in lines:
            if found := LINE.search(line):
                self._event(found[1], dict(re.findall(r"(\w+)=(\S+)", found[2])))

    def _event(self, name, fields):
        if name == "kmalloc":
            self.objects[fields["ptr"]] = int(fields["bytes_alloc"])
        elif name == "kfree":
            self.objects.pop(fields["ptr"], None)
        else:
            first = int(fields["pfn"], 16)
            pages = range(first, first + (1 << int(fields["order"])))
            for page in pages:
                self.pages.pop(page, None)
                self.requests.pop(page, None)
            # Compound pages are those that objects are in. The block layer would rather have smaller
            # ones for its requests than wait.
            if name == "mm_page_alloc" and "__GFP_COMP" not in fields["gfp_flags"]:
                requests = "__GFP_NORETRY" in fields["gfp_flags"]
                (self.requests if requests else self.pages).update(dict.fromkeys(pages, PAGE))

    def bytes(self):
        """Of requests, and of all else."""
        return sum(self.requests.values()), sum(self.objects.values()) + sum(self.pages.values())


def taken(do):
    """What is taken by what a function does in this process."""
    TRACING.mkdir(exist_ok=True)
    try:
        (TRACING / "buffer_size_kb").write_text("16384")
        (TRACING / "set_event_pid").write_text(str(os.getpid()))
        for event in EVENTS:
            (TRACING / "events/kmem" / event / "enable").write_text("1")
        do()
        (TRACING / "tracing_on").write_text("0")
        return Held((TRACING / "trace").read_text().splitlines()).bytes()
    finally:
        TRACING.rmdir()

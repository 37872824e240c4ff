# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""How often our modules called an allocator.

The places are found in the modules' code: calls, or jumps in the place of one, that are relocated
to a symbol which is named like an allocator. Names of Rust functions do not count: they contain those
of types, and what allocates is called by its C name in the end. A block of the plugin's ends where
something is called.
"""

import re
import subprocess
from bisect import bisect_left
from collections import Counter
from pathlib import Path

NAME = re.compile(r"^(?!_R)\w*alloc|^_*(k|kv|v|dma_|kmem_cache_)free")


class Code:
    """The code of a module that ran, from objdump -dr."""

    def __init__(self, dump):
        self.addresses = []
        self.functions = {}
        self.places = set()
        section = ""
        for line in dump.splitlines():
            if found := re.match(r"Disassembly of section (\S+):", line):
                section = found[1]
            elif section != ".text":
                continue
            elif found := re.match(r"([0-9a-f]+) <(.+)>:$", line):
                self.functions[found[2]] = int(found[1], 16)
            elif found := re.match(r"\s+([0-9a-f]+):\s+(call|j)?", line):
                if "R_X86_64_" not in line:
                    self.addresses.append(int(found[1], 16))
                    calls = bool(found[2])
                elif calls and NAME.match(line.split()[-1]):
                    self.places.add(self.addresses[-1])

    def base(self, symbols, module):
        """Where the code was; None if the module did not run."""
        bases = Counter(
            address - self.functions[name]
            for address, (name, owner) in zip(symbols.addresses, symbols.names)
            if owner == module and name in self.functions
        )
        return bases.most_common(1)[0][0] if bases else None

    def last(self, address, instructions):
        """The last instruction of a block, if it is in this code."""
        index = bisect_left(self.addresses, address)
        if index >= len(self.addresses) or self.addresses[index] != address:
            return None
        return self.addresses[min(index + instructions, len(self.addresses)) - 1]


def read(directory):
    """The code of all our modules below a directory, by the names of the modules."""
    result = {}
    for path in sorted(Path(directory).glob("**/*_rust.ko")):
        command = ["objdump", "-dr", "--no-show-raw-insn", str(path)]
        dump = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        result[path.stem] = Code(dump)
    return result


def calls(code, symbols, lines):
    """How often the places in the code were executed, by a file of the plugin."""
    based = [(module.base(symbols, name), module) for name, module in code.items()]
    count = 0
    for line in lines:
        address, instructions, times = line.split()
        for base, module in based:
            if base is not None and module.last(int(address, 16) - base, int(instructions)) in module.places:
                count += int(times)
    return count

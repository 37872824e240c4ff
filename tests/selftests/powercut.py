#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Who writes while the power goes, and who looks afterwards.
#
#   powercut.py write DIRECTORY DISK   writes, syncs and says what is safe, until there is an error
#   powercut.py compare DIRECTORY LIST whether all is there that was said to be safe, by the lines of
#                                      a file; prints how much that is
#   powercut.py replay LOG IMAGE SEED  makes the image that there may be after the writes and flushes
#                                      of a log of QEMU's (blklogwrites): all that was flushed, and of
#                                      the rest what the seed says
#
# What is said, one a line:
#   + PATH OFFSET LENGTH SEED   these bytes are safe: those that the seed gives
#   ? PATH OFFSET               what was safe there is about to be overwritten
#   - PATH                      the file is about to go

import mmap
import os
import random
import struct
import sys
import termios
import threading


def content(length, seed):
    return random.Random(seed).randbytes(length)


class Writer:
    """One of those that write, each in its own way, in files of its own."""

    def __init__(self, directory, disk, number):
        self.directory = directory
        # Aligned, which reads and writes past the page cache have to be.
        self.page = mmap.mmap(-1, 4096)
        self.disk = os.open(disk, os.O_RDONLY | os.O_DIRECT)
        self.name = f"{number}-"
        self.dice = random.Random()
        self.written = 0

    def path(self, name):
        return os.path.join(self.directory, self.name + str(name))

    def seed(self):
        self.written += 1
        return f"{self.name}{self.written}"

    def say(self, line):
        line = f"{line}\n".encode()
        while line:
            line = line[os.write(1, line):]
        # Where that is a terminal, it has not left yet.
        if os.isatty(1):
            termios.tcdrain(1)

    # There is still power, or the file system may not have seen yet that there is none: it takes a
    # transaction that failed, but is over, for one that was written.
    def safe(self, name, offset, length, seed):
        os.preadv(self.disk, [self.page], 0)
        self.say(f"+ {self.name}{name} {offset} {length} {seed}")

    def run(self):
        try:
            self.work()
        except OSError as error:
            print(f"{self.name}: {error}", file=sys.stderr)


class Appender(Writer):
    """Records of all lengths at the end of a file, each with fdatasync."""

    def work(self):
        file = os.open(self.path("log"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self.sync_directory()
        offset = 0
        while True:
            length, seed = self.dice.randint(1, 6000), self.seed()
            os.pwrite(file, content(length, seed), offset)
            os.fdatasync(file)
            self.safe("log", offset, length, seed)
            offset += length
            if offset > 4 << 20:
                return

    def sync_directory(self):
        directory = os.open(self.directory, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)


class Renamer(Appender):
    """New files that get their names when they are safe; the oldest ones go."""

    KEPT = 8

    def work(self):
        for number in range(100000):
            length, seed = self.dice.randint(1, 20000), self.seed()
            file = os.open(self.path("new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.write(file, content(length, seed))
            os.fsync(file)
            os.close(file)
            os.rename(self.path("new"), self.path(number))
            self.sync_directory()
            self.safe(number, 0, length, seed)
            if number >= self.KEPT:
                self.say(f"- {self.name}{number - self.KEPT}")
                os.unlink(self.path(number - self.KEPT))


class Overwriter(Appender):
    """Places in a file, overwritten past the page cache, each write safe when it is done."""

    PLACES = 64
    SIZE = 4096

    def work(self):
        file = os.open(self.path("places"), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(file, bytes(self.PLACES * self.SIZE))
        os.fsync(file)
        self.sync_directory()
        os.close(file)
        file = os.open(self.path("places"), os.O_WRONLY | os.O_DIRECT | os.O_DSYNC)
        page = mmap.mmap(-1, self.SIZE)
        while True:
            offset, seed = self.dice.randrange(self.PLACES) * self.SIZE, self.seed()
            page[:] = content(self.SIZE, seed)
            self.say(f"? {self.name}places {offset}")
            os.pwritev(file, [page], offset)
            self.safe("places", offset, self.SIZE, seed)


def write(directory, disk):
    kinds = Appender, Renamer, Overwriter, Appender
    writers = [kind(directory, disk, number) for number, kind in enumerate(kinds)]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def wanted(lines):
    """What is to be there: length and seed, by path and offset."""
    records = {}
    for line in lines:
        # The end may be missing.
        if not line.endswith("\n"):
            continue
        match line.split():
            case "+", path, offset, length, seed:
                records[path, int(offset)] = int(length), seed
            case "?", path, offset:
                records.pop((path, int(offset)), None)
            case "-", path:
                records.pop((path, 0), None)
            case _:
                sys.exit(f"what is '{line}'?")
    return records


def compare(directory, name):
    with open(name, encoding="ascii", newline="\n") as lines:
        records = wanted(lines)
    lost = 0
    for (path, offset), (length, seed) in records.items():
        try:
            with open(os.path.join(directory, path), "rb") as file:
                file.seek(offset)
                got = file.read(length)
        except OSError as error:
            got = str(error).encode()
        if got != content(length, seed):
            lost += 1
            print(f"lost: {path} at {offset}, {length} bytes; there are {len(got)}: {got[:32]}")
    print(f"{len(records)} records, {lost} of them lost")
    sys.exit(1 if lost else 0)


# The log is that of dm-log-writes: after a sector with a header come entries, each a sector with these
# numbers of 64 bits and the bytes that were written. What is written and not flushed may be lost
# block by block.
SECTOR = 512
BLOCK = 4096
FLUSH, DISCARD = 1, 4


def entries(log):
    """Offset and bytes of each write; None for a flush."""
    log.seek(SECTOR)
    while len(header := log.read(SECTOR)) == SECTOR:
        sector, sectors, flags, _ = struct.unpack_from("<4Q", header)
        if flags & DISCARD:
            # What is there then is anything: what was.
            continue
        data = log.read(sectors * SECTOR)
        # The end of QEMU may have been that of the log, or there is a hole in it.
        if len(data) != sectors * SECTOR or not sectors and not flags:
            return
        if data:
            yield sector * SECTOR, data
        if flags & FLUSH:
            yield None


def replay(log, image, seed):
    dice = random.Random(seed)
    with open(log, "rb") as file:
        events = list(entries(file))
    flushed = max((at for at, event in enumerate(events) if event is None), default=-1)
    with open(image, "r+b") as file:
        for at, event in enumerate(events):
            if event is None:
                continue
            offset, data = event
            while data:
                length = BLOCK - offset % BLOCK
                if at < flushed or dice.random() < 0.5:
                    file.seek(offset)
                    file.write(data[:length])
                offset, data = offset + length, data[length:]
    print(f"{events.count(None)} flushes, {len(events) - 1 - flushed} writes behind the last one")


if __name__ == "__main__":
    {"write": write, "compare": compare, "replay": replay}[sys.argv[1]](*sys.argv[2:])

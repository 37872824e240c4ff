#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""Has drivers meet devices of our own in one scenario after the other.

vdev-hostile.py OUTCOME:SLOT:SCENARIO... with the outcome refused, works or any. Prints a line
for each: ok or not, the seconds that it took, and what is wrong.

Whatever the device does, the driver takes it or does not within ten seconds, whoever uses
it is done in bounded time, and the driver lets go of it within ten seconds. What is read of
a generator is what the device has written. At the end of each, nobody has the device.
"""

import glob
import os
import signal
import sys
import time

# Seconds for the steps. Emulation on a busy machine takes its time, a hang has no end.
BIND, USE, UNBIND = 10, 25, 10
SLOW = 3
SYSFS = "/sys/bus/pci"
CURRENT = "/sys/class/misc/hw_random/rng_current"


class Wrong(Exception):
    """Something is not as it is to be."""


def child(seconds, function):
    """Has a process do something within its time. Whether it did not fail; None: it hangs."""
    pid = os.fork()
    if pid == 0:
        try:
            status = 0 if function() else 1
        except OSError as error:
            status = error.errno or 1
        os._exit(min(status, 255))
    end = time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.005)
    with open(f"/proc/{pid}/stack") as stack:
        sys.stderr.write(stack.read())
    os.kill(pid, signal.SIGKILL)
    return None


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return True


def generators():
    with open("/sys/class/misc/hw_random/rng_available") as file:
        return set(name for name in file.read().split() if name.startswith("virtio_rng"))


class Device:
    """A device of our own."""

    def __init__(self, slot):
        self.address = f"0000:00:{slot}.0"
        self.path = f"{SYSFS}/devices/{self.address}"

    def bound(self):
        return os.path.exists(f"{self.path}/driver")

    def bind(self):
        # That the driver refuses it is no error of the file.
        return child(BIND, lambda: write(f"{SYSFS}/drivers_probe", self.address))

    def unbind(self):
        return child(UNBIND, lambda: write(f"{self.path}/driver/unbind", self.address))

    def ask(self, command):
        """Gives the device a command, and returns its answer."""
        with open(f"{self.path}/config", "r+b", buffering=0) as config:
            config.seek(192)
            config.write(command.encode().ljust(64))
            answer = b""
            while True:
                config.seek(192)
                piece = config.read(64)
                if piece[0] == 0:
                    return answer.decode()
                answer += piece.rstrip(b"\0")

    def disk(self):
        for path in glob.glob(f"{self.path}/block/vd*"):
            return "/dev/" + os.path.basename(path)
        return None


def draw():
    """Bytes of the generator that is chosen. They are letters."""
    with open("/dev/hwrng", "rb", buffering=0) as file:
        drawn = b"".join(file.read(64) for _ in range(10))
    if drawn.strip(bytes(range(ord("a"), ord("p") + 1))):
        sys.stderr.write(f"drawn: {drawn}\n")
        os._exit(99)
    return True


def copy(disk):
    """Writes to a disk and reads."""
    file = os.open(disk, os.O_RDWR)
    for at in range(0, 65536, 16384):
        os.pwrite(file, os.urandom(16384), at)
    os.fsync(file)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    for at in range(0, 65536, 16384):
        os.pread(file, 16384, at)
    os.close(file)
    return True


def meet(outcome, device, scenario):
    if device.bound() and not device.unbind():
        raise Wrong("is not unbound from before")
    answer = device.ask(f"scenario {scenario}")
    if answer != "ok":
        raise Wrong(answer)
    others = generators()
    if device.bind() is None:
        raise Wrong("the driver neither takes it nor refuses it")
    bound = device.bound()
    if outcome != "any" and bound != (outcome == "works"):
        raise Wrong(f"bound: {bound}")
    if bound:
        new = generators() - others
        disk = device.disk()
        used = False
        if new:
            child(5, lambda: write(CURRENT, min(new)))
            used = child(USE, draw)
        elif disk:
            used = child(USE, lambda: copy(disk))
        if used is None:
            raise Wrong("whoever uses it does not come back")
        if outcome == "works" and not used:
            raise Wrong("it does not work")
        if not device.unbind():
            raise Wrong("the driver does not let go of it")
    verdict = device.ask("verdict")
    if verdict != "pass":
        raise Wrong(f"{verdict}; the log:\n" + device.ask("log"))


def main():
    stuck = set()
    for argument in sys.argv[1:]:
        outcome, slot, scenario = argument.split(":")
        start = time.monotonic()
        result, why = "ok", ""
        try:
            if slot in stuck:
                raise Wrong("the device is still in use")
            meet(outcome, Device(slot), scenario)
        except Wrong as error:
            result, why = "not", str(error)
            if not why.startswith(("fail", "bound", "it does")):
                stuck.add(slot)
        took = time.monotonic() - start
        print(f"{result} {argument} {took:.1f} s {why}", flush=True)


main()

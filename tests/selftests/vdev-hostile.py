#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""Has drivers meet devices of our own that are not as they should be.

vdev-hostile.py OUTCOME:SLOT:SCENARIO...
    One scenario after the other. The outcome is refused, works, errors (its driver takes it,
    and who uses it gets an error) or any.

vdev-hostile.py --campaign SEED SECONDS ROUNDS
    Devices that do anything at random, from seeds in a row, until the time is over or there were
    so many rounds (0: any number). SEED and 1 do again what one of them did.

Prints a line for each: ok or not, OUTCOME:SLOT:SCENARIO, the seconds that it took, and what is
wrong; and before each, begin. Lines that begin otherwise are remarks.

Whatever the device does, the driver takes it or does not, whoever uses it is done, and the driver
lets go of it, all in bounded time (in a scenario: in ten seconds), and the kernel has nothing to
say of it (FAULTS is what it might). What is read of a generator is what the device has written.
At the end of each, nobody has the device.
"""

import errno
import glob
import mmap
import os
import re
import select
import signal
import sys
import threading
import time
import traceback

# Seconds for the steps. Emulation on a busy machine takes its time, and a kernel that looks for
# faults takes SLOWNESS as long; a hang has no end.
BIND, USE, UNBIND, RETURN = 10, 25, 10, 10
SLOWNESS = int(os.environ.get("SLOWNESS", "1"))
SLOW = 3 * SLOWNESS
# Seconds for all of a scenario. Most take one; those that wait for a reset that never comes, six.
BOUND = 10 * SLOWNESS
# Seconds for who uses a device that need not work, until its driver lets go of it.
LEAVE = 4
# Seconds for which a device of a campaign is used, by whether it goes on for long, breaks soon or
# breaks at once; and how long is waited for that to end before the driver has to let go of a device
# that is in use.
LONG, SHORT, TOUCH = 1.0, 0.3, 0.03
PATIENCE = 1.0
# Seconds after which a device of a campaign is not given to its driver once more.
ROUND = 2
# Seconds between remarks of a campaign.
REMARK = 15
# Bytes that a generator is asked for at a time.
PIECE = 64
SYSFS = "/sys/bus/pci"
CURRENT = "/sys/class/misc/hw_random/rng_current"
DEBUGFS = "/sys/kernel/debug/virtio_rust"
IO_TIMEOUT = "/sys/module/virtio_blk_rust/parameters/io_timeout"
FAULTS = re.compile(os.environ.get("FAULTS", "WARNING|BUG[: ]|Oops|Call Trace"))
SLOTS = (10, 11, 12, 13)
# How children end whose test itself failed, and who read what the device has not written.
FAILED, UNLIKE = 98, 99
LETTERS = bytes(range(ord("a"), ord("p") + 1))


class Wrong(Exception):
    """Something is not as it is to be."""


class Hang(Wrong):
    """Something does not end, and nothing can be said of what comes after it."""


class Child:
    """A process that does something that may never end."""

    def __init__(self, function):
        self.pid = os.fork()
        if self.pid == 0:
            status = FAILED
            try:
                status = 0 if function() else 1
            except Wrong as error:
                sys.stderr.write(f"{error}\n")
                status = UNLIKE
            except OSError as error:
                status = min(error.errno or 1, FAILED - 1)
            except BaseException:
                traceback.print_exc()
            sys.stderr.flush()
            os._exit(status)
        self.file = os.pidfd_open(self.pid)
        self.status = None

    def wait(self, seconds):
        """Whether it did not fail; None if it has not ended."""
        if self.status is None:
            if not select.select([self.file], [], [], seconds)[0]:
                return None
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            os.close(self.file)
            if self.status == FAILED:
                raise Wrong("the test itself failed")
        return self.status == 0

    def expect(self):
        """It was using a device that its driver has let go of, and comes back."""
        if self.wait(RETURN * SLOW) is None:
            self.give_up()
            raise Hang("whoever uses it does not come back")
        if self.status == UNLIKE:
            raise Wrong("what was read is not what the device wrote")

    def give_up(self):
        """It hangs: says where, and leaves it behind."""
        with open(f"/proc/{self.pid}/stack") as stack:
            sys.stderr.write(stack.read())
        os.kill(self.pid, signal.SIGKILL)


def bounded(seconds, function):
    """Has a process do something within its time. Whether it did not fail; None: it hangs."""
    child = Child(function)
    done = child.wait(seconds * SLOW)
    if done is None:
        child.give_up()
    if child.status == UNLIKE:
        raise Wrong("what was read is not what the device wrote")
    return done


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return True


def generators():
    with open("/sys/class/misc/hw_random/rng_available") as file:
        return set(name for name in file.read().split() if name.startswith("virtio_rng"))


def shown():
    """What debugfs has a directory of."""
    return set(glob.glob(f"{DEBUGFS}/*"))


class KernelLog:
    """What the kernel says from now on."""

    def __init__(self):
        self.file = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.file, 0, os.SEEK_END)

    def check(self):
        """Fails if it said that something is wrong since the last call."""
        found = []
        while True:
            try:
                record = os.read(self.file, 8192).decode(errors="replace")
            except BlockingIOError:
                break
            except BrokenPipeError:
                # There was more than it keeps. What is lost is said by its taint.
                continue
            text = record.partition(";")[2].partition("\n")[0]
            if FAULTS.search(text) or found:
                found.append(text)
        if found:
            raise Wrong("the kernel says:\n" + "\n".join(found[:40]))


def waiting():
    """Processes that wait and can not be killed."""
    found = set()
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path) as file:
                if file.read().rpartition(")")[2].split()[0] == "D":
                    found.add(path.split("/")[2])
        except OSError:
            pass
    return found


def check_waiting():
    """Fails if somebody waits for good."""
    end = time.monotonic() + RETURN * SLOW
    found = waiting()
    while found:
        if time.monotonic() > end:
            for pid in found:
                with open(f"/proc/{pid}/stack") as stack:
                    sys.stderr.write(f"{pid}:\n{stack.read()}")
            raise Hang(f"in D state: {' '.join(found)}")
        time.sleep(0.02)
        found &= waiting()


class Device:
    """A device of our own."""

    def __init__(self, slot):
        self.slot = int(slot)
        self.address = f"0000:00:{slot}.0"
        self.path = f"{SYSFS}/devices/{self.address}"

    def bound(self):
        return os.path.exists(f"{self.path}/driver")

    def taken(self):
        """Whether its driver has it; the platform device that a PCI device became has its own."""
        made = glob.glob(f"{self.path}/virtio-mmio.*")
        return any(os.path.exists(f"{path}/driver") for path in made or [self.path])

    def bind(self):
        """Gives it to its driver. That the driver refuses it is no error of the file."""
        if bounded(BIND, lambda: write(f"{SYSFS}/drivers_probe", self.address)) is None:
            raise Hang("the driver neither takes it nor refuses it")
        return self.taken()

    def unbind(self):
        if not bounded(UNBIND, lambda: write(f"{self.path}/driver/unbind", self.address)):
            raise Hang("the driver does not let go of it")

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

    def begin(self, scenario):
        """Nobody has it, and it is in a scenario."""
        if self.bound():
            self.unbind()
        answer = self.ask(f"scenario {scenario}")
        if answer != "ok":
            raise Wrong(answer)

    def judge(self):
        """Fails if the device has something to say of its driver."""
        verdict = self.ask("verdict")
        if verdict != "pass":
            raise Wrong(f"{verdict}; the log:\n" + self.ask("log"))

    def disk(self):
        # Below the PCI device, the platform device, or what the C core makes of either.
        for below in ("", "/virtio*", "/virtio-mmio.*/virtio*"):
            for path in glob.glob(f"{self.path}{below}/block/vd*"):
                return "/dev/" + os.path.basename(path)
        return None

    def altered(self):
        """How much was altered, by kind."""
        words = self.ask("altered").split()
        return dict(zip(words[::2], map(int, words[1::2])))


# Generators
# ----------


def runs(drawn):
    """How many bytes there are of each letter in turn."""
    return [len(run.group()) for run in re.finditer(rb"(.)\1*", drawn, re.DOTALL)]


def check_drawn(drawn, sources=1):
    """They are letters, and no more of each than there was room for in an answer. Where one generator
    follows another, the last letter of the one may be the first of the next."""
    junk = drawn.translate(None, LETTERS)
    long = [count for count in runs(drawn) if count > PIECE]
    if junk or len(long) >= sources or sum(long) > sources * PIECE:
        raise Wrong(f"drawn: {long} of one letter, {len(junk)} bytes that are none: {junk[:64]}")


def draw(strict):
    """Bytes of the generator that is chosen."""
    with open("/dev/hwrng", "rb", buffering=0) as file:
        # The kernel may have some left of another device.
        file.read(PIECE)
        drawn = b"".join(file.read(PIECE) for _ in range(10))
    if strict:
        check_drawn(drawn)
    # A device that lies may have its driver give away what it wrote before.
    return not drawn.translate(None, LETTERS)


def draw_on(span, strict, sources):
    """Draws for some time, whatever comes, from so many generators at most. Where it is strict, bytes
    are those of devices."""
    end = time.monotonic() + span
    file = os.open("/dev/hwrng", os.O_RDONLY)
    drawn = []
    while time.monotonic() < end:
        try:
            drawn.append(os.read(file, 16 * PIECE))
        except OSError as error:
            if error.errno == errno.ENODEV:
                break
    if strict:
        # The kernel may have had some left of another device.
        check_drawn(b"".join(drawn)[PIECE:], sources)
    return True


# Disks
# -----


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


class Worker(threading.Thread):
    """Reads and writes sectors of its own, one at a time, for some time."""

    def __init__(self, disk, number, span, strict):
        super().__init__()
        self.span = span
        self.file = os.open(disk, os.O_RDWR | os.O_DIRECT)
        self.number = number
        self.strict = strict
        self.wrong = None

    def run(self):
        end = time.monotonic() + self.span
        buffer = mmap.mmap(-1, 4096)
        sector = memoryview(buffer)[:512]
        count, contents = 0, {}
        while time.monotonic() < end:
            count += 1
            at = self.number * 8192 + count * 7 % 16 * 512
            try:
                if count % 3 == 0:
                    text = f"{self.number} {count} ".encode()
                    contents[at] = text.ljust(512, text[:1])
                    sector[:] = contents[at]
                    os.pwritev(self.file, [sector], at)
                elif count % 31 == 0:
                    os.fsync(self.file)
                else:
                    done = os.preadv(self.file, [sector], at)
                    known = contents.get(at)
                    if self.strict and known and bytes(sector[:done]) != known[:done]:
                        self.wrong = f"at {at}: {bytes(sector)}, which was {known}"
                        return
            except OSError as error:
                # Whether it was written is not known.
                contents.pop(at, None)
                # The disk, or that part of it, may be gone.
                if error.errno in (errno.ENODEV, errno.ENXIO, errno.ENOSPC):
                    return


def exercise(disk, span, strict):
    """Has some threads use a disk for some time, whatever comes. Where it is strict, what is read is
    what was written."""
    workers = [Worker(disk, number, span, strict) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        if worker.wrong:
            raise Wrong(worker.wrong)
    return True


# Scenarios
# ---------


def counter(path, key):
    """The sum of a counter of all queues of a device."""
    total = 0
    for queue in glob.glob(f"{path}/queue*"):
        with open(queue) as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith(f"{key} "))
    return total


def clamped(path):
    """Its driver has noticed lengths that cannot be."""
    if counter(path, "clamped") == 0:
        raise Wrong("no length was clamped")


# Devices that are wrong about lengths only: each answer is another letter.
HONEST = {"good", "length-0", "length-1", "length-short", "length-over", "length-all"}

# What is seen of a driver in the end, where it has taken the device.
SEEN = {"length-over": clamped, "length-all": clamped}


def meet(outcome, device, scenario):
    device.begin(scenario)
    others, directories = generators(), shown()
    bound = device.bind()
    if outcome != "any" and bound == (outcome == "refused"):
        raise Wrong(f"bound: {bound}")
    if bound:
        new = generators() - others
        disk = device.disk()
        user, used = None, False
        if new:
            bounded(5, lambda: write(CURRENT, min(new)))
            user = Child(lambda: draw(scenario in HONEST))
        elif disk:
            user = Child(lambda: copy(disk))
        if user:
            used = user.wait(LEAVE * SLOWNESS if outcome == "any" else USE * SLOW)
        if outcome == "works" and not used:
            raise Hang("it does not work") if used is None else Wrong("it does not work")
        if outcome == "errors" and used is not False:
            raise Wrong("who uses it gets no error")
        if scenario in SEEN:
            for path in shown() - directories:
                SEEN[scenario](path)
        device.unbind()
        if user:
            user.expect()
    if device.bound():
        device.unbind()
    device.judge()


def attempt(*steps):
    """Does things. What is wrong, and whether something hangs."""
    why, hangs = [], False
    for step in steps:
        try:
            step()
        except Wrong as error:
            why.append(str(error))
            hangs |= isinstance(error, Hang)
    return "; ".join(why), hangs


def report(case, start, why):
    """Says how something ended, and returns the seconds that it took."""
    took = time.monotonic() - start
    print(f"{'not' if why else 'ok'} {case} {took:.1f} s {why}", flush=True)
    return took


def scenarios(arguments):
    log = KernelLog()
    stuck = set()
    for argument in arguments:
        outcome, slot, scenario = argument.split(":")
        print(f"begin {argument}", flush=True)
        start = time.monotonic()
        if slot in stuck:
            why = "the device is still in use"
        else:
            why, hangs = attempt(
                lambda: meet(outcome, Device(slot), scenario), log.check, check_waiting
            )
            if hangs:
                stuck.add(slot)
            if time.monotonic() - start > BOUND:
                why = "; ".join(filter(None, [why, f"it took more than {BOUND} s"]))
        report(argument, start, why)


# Campaigns
# ---------


def use(device, new, span, rude, strict):
    """Has a device used for some time, or, to be rude, until its driver lets go of it."""
    disk = device.disk()
    if new:
        bounded(5, lambda: write(CURRENT, min(new)))
        # Who still draws when the driver has let go of it does so from another generator.
        user = Child(lambda: draw_on(span, strict, 2 if rude else 1))
    elif disk:
        user = Child(lambda: exercise(disk, span, strict))
    else:
        return
    user.wait(span / 2 if rude else span + PATIENCE)
    device.unbind()
    user.expect()


def encounter(device, seed):
    """Has a driver meet the device of a seed: see campaign.rs of tests/host/vdev."""
    start = time.monotonic()
    temper = seed // 4 % 8
    device.begin(f"campaign-{seed}")
    # Most of those that begin with nonsense are refused at once, and registers are read most when a
    # driver begins.
    tries = (1, 1, 1, 1, 24, 24, 6, 6)[temper]
    span = (LONG, LONG, LONG, SHORT, TOUCH, TOUCH, SHORT, SHORT)[temper]
    for _ in range(tries):
        others = generators()
        if device.bind():
            use(device, generators() - others, span, seed // 32 % 2, temper < 2)
        if device.bound():
            device.unbind()
        if time.monotonic() - start > ROUND:
            break
    device.judge()


def total(devices, before):
    """How much was altered since then, by kind."""
    now = [device.altered() for device in devices]
    return {kind: sum(some[kind] - old[kind] for some, old in zip(now, before)) for kind in now[0]}


def in_words(numbers):
    return " ".join(f"{kind} {count}" for kind, count in numbers.items())


def campaign(first, seconds, rounds):
    log = KernelLog()
    devices = [Device(slot) for slot in SLOTS]
    for device in devices:
        if device.bound():
            device.unbind()
    before = [device.altered() for device in devices]
    # Disks are waited for, as they may be slow: not for so long here.
    with open(IO_TIMEOUT) as file:
        usual = file.read().strip()
    write(IO_TIMEOUT, "300")

    begun = remarked = time.monotonic()
    end = begun + seconds
    seed, longest, slow = first, 0, 0
    while (not seconds or time.monotonic() < end) and (not rounds or seed < first + rounds):
        device = devices[seed % len(devices)]
        case = f"any:{device.slot}:campaign-{seed}"
        print(f"begin {case}", flush=True)
        start = time.monotonic()
        why, hangs = attempt(lambda: encounter(device, seed), log.check)
        # Looking at all processes takes longer than most rounds.
        if not why and (seed % 16 == 0 or time.monotonic() - start > 2):
            why, hangs = attempt(check_waiting)
        took = report(case, start, why)
        longest, slow = max(longest, took), slow + (took > 10)
        seed += 1
        if hangs:
            print("ends early, as something hangs")
            break
        if time.monotonic() - remarked > REMARK:
            remarked = time.monotonic()
            numbers = in_words(total(devices, before))
            print(f"after {remarked - begun:.0f} s: rounds {seed - first} {numbers}", flush=True)
    took = time.monotonic() - begun
    write(IO_TIMEOUT, usual)
    # Each works as if nothing had been, in the end.
    numbers = total(devices, before)
    scenarios([f"works:{slot}:good" for slot in SLOTS])
    print(f"rounds {seed - first} first {first} seconds {took:.0f} longest {longest:.1f} above-10s {slow}")
    print(f"altered {in_words(numbers)}", flush=True)


if sys.argv[1] == "--campaign":
    campaign(*map(int, sys.argv[2:5]))
else:
    scenarios(sys.argv[1:])

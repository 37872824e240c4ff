#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices that ask for a reset (DEVICE_NEEDS_RESET) under load: they come back, and the data
# are right. QEMU's do so when they are told, behind the driver's back, of rings where there
# is no memory.
#
# boot: life
# timeout: 240

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./load-lib.sh

# Where the device believes the rings to be is nothing: queue 0 is told another high half of
# queue_desc (disks) or queue_driver (generators), and enabled again. The next request is an
# error then, or its doorbell, if it is told to ring (notify=0): the index that it finds is not
# the one that it has seen last.
confuse() { # slot, [notify=0]
	local high=44
	[[ $(driver_of "$1") != *blk* ]] || high=36
	./registers "$(address "$1")" 22=0 $high=0x7fffffff 28=1 "${@:2}"
}

# Asks for a reset, and has been restarted.
confused() { # slot, [notify=0]
	local before
	before=$(shown "$1" state restarts)
	confuse "$@"
	eventually 15 eval "greater \$(shown $1 state restarts) $before"
	eventually 5 works "$1"
}

# Nobody waits for the device or asks it for anything, as the kernel reads from the generator of
# its choice only: its doorbell is rung by us. That it asks for a reset, its driver hears only by
# the interrupt for changes of the configuration. QEMU's disks are not to be confused like that: they
# do not look how far the index has come, and carry out the requests of old again that the
# descriptors still tell of, in memory that is others' by then. vdev-blk.sh has idle disks.
idle_generator() { # slot, another
	generator_works "$1"
	choose "$2"
	confused "$1" notify=0
	generator_works "$1"
}

# Five in a minute are too many; a slow machine may get as many in the next. Everything
# ends, with an error.
gives_up() { # slot
	local i load before restarts begin=$SECONDS
	before=$(shown "$1" state restarts)
	start_load "$1"
	for ((i = 0; i < 30; i++)); do
		[ "$(shown "$1" state state)" != failed ] || break
		confuse "$1"
		sleep 0.3
	done
	eventually 10 eval "equal failed \$(shown $1 state state)"
	within 30 tail --pid="$load" -f /dev/null
	refused grep 'err= 0' "$scratch/fio"
	fails_with 'Input/output error' dd if="/dev/$(disk "$1")" of=/dev/null bs=4k count=1 iflag=direct
	greater "$(log_lines "$(address "$1").*too often")" 0 "lines that say why"
	# Those of the minute before count as well.
	restarts=$(($(shown "$1" state restarts) - before))
	greater "$restarts" 0 "restarts"
	greater $((5 * ((SECONDS - begin) / 60 + 1) + 1)) "$restarts" "bound of the restarts"
}

# It is like a new one with its driver bound anew.
comes_back() { # slot
	within 10 unbind "$1"
	probe "$1"
	works "$1"
	equal 0 "$(shown "$1" state restarts)" "restarts"
	verify "$(disk "$1")" 16 4
}

# STAT-04, STAT-06, CFG-11
check "a disk asks for a reset three times under load, and comes back" disk_under 10 3 confused
check "a disk on the interrupt line: the same" disk_under 12 3 confused
check "a generator asks for a reset three times under load, and comes back" generator_under 11 3 confused
check "a generator on the interrupt line: the same" generator_under 13 3 confused
# STAT-07
check "a generator that nobody uses asks for a reset, which is heard at once" idle_generator 11 13
check "a generator on the interrupt line: the same, without load" idle_generator 13 11
check "a disk asks for resets all the time: it fails, and all requests end" gives_up 12
check "that disk works with its driver bound anew" comes_back 12
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Disks of our own that do not answer. Nobody waits for them for ever: they are reset and
# asked again, some times, and what they never answer is an error.
#
# boot: vdev
# timeout: 300

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh

POLL_QUEUES=/sys/module/virtio_blk_rust/parameters/poll_queues
PARAMETER=/sys/module/virtio_blk_rust/parameters/io_timeout

# A disk, bound in a scenario, of which each request is to be answered in two seconds.
bound_in() { # slot, scenario
	disk_in "$1" "$2"
	equal 30000 "$(disk_attribute "$1" queue/io_timeout)" "milliseconds"
	echo 2000 >"/sys/block/$(disk "$1")/queue/io_timeout"
}

restarts() { # slot
	shown "$1" state restarts
}

works() { # slot
	bound_in "$1" good
	within 30 round_trip "$(disk "$1")"
	verdict "$1"
}

# The probe looks for partitions, and gets no answer. It does not wait for ever, and neither does
# who unbinds the driver.
never_answers() { # slot
	echo 3000 >$PARAMETER
	scenario "$1" nothing-answered
	within 60 probe "$1" || echo "not bound"
	within 20 udevadm settle --timeout=20
	! bound "$1" || fails_with 'Input/output error' \
		within 20 dd if="/dev/$(disk "$1")" of=/dev/null bs=4k count=1 iflag=direct status=none
	verdict "$1"
	! bound "$1" || within 20 unbind "$1"
	greater "$(log_lines "$(address "$1").*does not answer a request; failing it")" 0 "lines that say why"
	echo 0 >$PARAMETER
	works "$1"
}

# The data are right, and nobody hears of it but the device.
recovers() { # slot, scenario
	bound_in "$1" "$2"
	within 60 round_trip "$(disk "$1")"
	verdict "$1"
	greater "$(restarts "$1")" 0 "restarts"
	within 60 round_trip "$(disk "$1")"
	works "$1"
}

# One request is never answered; all others are, and go on.
one_fails() { # slot
	local disk
	bound_in "$1" blk-never-12k
	disk=$(disk "$1")
	fails_with 'timed out' within 60 dd if=/dev/zero of="/dev/$disk" bs=12k count=1 oflag=direct status=none
	verdict "$1"
	equal working "$(shown "$1" state state)"
	# It was asked as often as it is to be.
	greater "$(vdev "$1" 'count request 1 sector 0 out 12288')" 2 "tries"
	greater 4 "$(vdev "$1" 'count request 1 sector 0 out 12288')" "tries"
	within 60 round_trip "$disk"
}

# The same with one that is polled for, by a queue without interrupts.
polled_fails() { # slot
	local disk
	echo 1 >"$POLL_QUEUES"
	bound_in "$1" blk-never-12k
	echo 0 >"$POLL_QUEUES"
	disk=$(disk "$1")
	equal "0 1" "$(shown "$1" queue0 polled) $(shown "$1" queue1 polled)" "polled"
	fails_with 'timed out' within 60 fio --name=polled --filename="/dev/$disk" --direct=1 \
		--ioengine=io_uring --hipri=1 --rw=write --bs=12k --size=12k --number_ios=1
	verdict "$1"
	equal working "$(shown "$1" state state)"
	greater "$(shown "$1" queue1 kicks)" 2 "kicks of the polled queue"
	equal 0 "$(shown "$1" queue1 interrupts)" "interrupts of the polled queue"
	within 60 round_trip "$disk"
}

# Everything ends, and the driver lets go of it.
dies() { # slot
	local disk
	bound_in "$1" blk-dies
	disk=$(disk "$1")
	refused within 90 dd if=/dev/zero of="/dev/$disk" bs=4k count=1 oflag=direct status=none
	refused within 90 dd if=/dev/zero of="/dev/$disk" bs=4k count=1 oflag=direct status=none
	equal failed "$(shown "$1" state state)"
	verdict "$1"
	within 20 unbind "$1"
	works "$1"
}

# Who writes when the driver goes is not waited for any longer.
removed() { # slot
	local disk writer
	bound_in "$1" blk-dies
	disk=$(disk "$1")
	echo 30000 >"/sys/block/$disk/queue/io_timeout"
	dd if=/dev/zero of="/dev/$disk" bs=4k count=1 oflag=direct status=none &
	writer=$!
	eventually 10 eval "greater \$(vdev $1 count request\ 1) 0"
	within 20 unbind "$1"
	within 10 tail --pid="$writer" -f /dev/null
	works "$1"
}

for slot in 12 13; do
	check "a disk at $slot that answers nothing does not keep its probe" never_answers $slot
	check "a disk at $slot that loses a request is reset and asked again" recovers $slot blk-loses-one
	check "a disk at $slot that answers too late is reset and asked again" recovers $slot blk-late-once
done
check "a request that is never answered is an error after some tries" one_fails 12
check "the same on a packed ring" one_fails 13
check "a polled request that is never answered is an error after some tries" polled_fails 13
# STAT-06
check "a disk that answers nothing any more is given up" dies 12
check "a disk that does not answer while its driver goes is not waited for" removed 13
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Disks of our own: what is asked of them is what they can do, and what they answer is
# looked at.
#
# boot: vdev
# timeout: 300

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh

# Data come back, and nothing is wrong with the driver.
works() { # slot, [scenario]
	disk_in "$1" "${2:-good}"
	within 30 round_trip "$(disk "$1")"
	verdict "$1"
}

# Bound or not, the driver lets go of it, and takes it when it is well again.
survives() { # slot, scenario
	scenario "$1" "$2"
	within 20 probe "$1" || echo "not bound"
	verdict "$1"
	works "$1"
}

refuses() { # slot, scenario
	scenario "$1" "$2"
	refused within 20 probe "$1"
	verdict "$1"
	works "$1"
}

limited() { # slot
	disk_in "$1" blk-limited
	within 30 round_trip "$(disk "$1")"
	verdict "$1"
	equal 6 "$(disk_attribute "$1" queue/max_segments)" "segments"
}

headers() { # slot
	local disk
	disk_in "$1" blk-headers
	disk=$(disk "$1")
	dd if=/dev/zero of="/dev/$disk" bs=64k count=4 conv=fsync status=none
	equal vdev-with-20-letters "$(disk_attribute "$1" serial)"
	verdict "$1"
}

# A write fails with an error.
write_fails() { # slot, scenario, error
	disk_in "$1" "$2"
	fails_with "$3" within 20 dd if=/dev/zero of="/dev/$(disk "$1")" bs=4k count=1 oflag=direct status=none
	verdict "$1"
}

short_id() { # slot
	disk_in "$1" blk-short-id
	equal vdev-wi "$(disk_attribute "$1" serial)" "serial number of 7 bytes"
	verdict "$1"
}

# What the disk says of its medium's wear.
wear() { # slot, scenario, reserve, cells
	disk_in "$1" "$2"
	equal "$3" "$(disk_attribute "$1" pre_eol_info)" "what is consumed of the reserve"
	equal "$4" "$(disk_attribute "$1" life_time)" "what is used up of the cells"
	verdict "$1"
}

wear_fails() { # slot, scenario, error
	local attribute
	disk_in "$1" "$2"
	for attribute in pre_eol_info life_time; do
		fails_with "$3" cat "/sys/block/$(disk "$1")/$attribute"
	done
	verdict "$1"
}

no_wear() { # slot
	local disk
	disk_in "$1" bare
	disk=$(disk "$1")
	[ -e "/sys/block/$disk/serial" ]
	refused test -e "/sys/block/$disk/pre_eol_info"
	refused test -e "/sys/block/$disk/life_time"
	verdict "$1"
}

lost_interrupt() { # slot
	local since
	disk_in "$1" blk-lost-interrupt
	since=$SECONDS
	within 20 dd if=/dev/zero of="/dev/$(disk "$1")" bs=4k count=1 oflag=direct status=none
	verdict "$1"
	echo "$(elapsed "$since") s"
	greater 11 "$(elapsed "$since")" "seconds"
}

requests() { # slot
	awk '{ print $1 + $5 }' "/sys/block/$(disk "$1")/stat"
}

restarts() { # slot, more than
	[ "$(shown "$1" state restarts)" -gt "$2" ]
}

# Nobody wants anything of the disk when it asks for a reset: its driver hears of it by the
# interrupt for changes of the configuration, and by nothing else.
idle() { # slot, times, scenario, vectors
	local i before
	for ((i = 0; i < $2; i++)); do
		# A driver bound anew does not count the restarts of the one before.
		if [ $((i % 4)) = 0 ]; then
			[ $i = 0 ] || verdict "$1"
			disk_in "$1" "$3"
			equal "$4" "$(find "$(device "$1")/msi_irqs" -type f 2>/dev/null | wc -l)" "vectors"
			read_apart "$(disk "$1")" 2
		fi
		before=$(requests "$1")
		vdev "$1" "do needs-reset"
		eventually 15 restarts "$1" $((i % 4))
		equal "$before" "$(requests "$1")" "requests meanwhile"
	done
	verdict "$1"
	within 30 round_trip "$(disk "$1")"
}

# Whatever the device could use while its driver was there, it can not any more.
unmapped() { # slot
	local before
	scenario "$1" good
	before=$(vdev "$1" mapped)
	works "$1"
	greater "$(vdev "$1" mapped)" "$before" "bytes mapped"
	within 20 unbind "$1"
	equal "$before" "$(vdev "$1" mapped)" "bytes mapped in the end"
}

for slot in 12 13; do
	check "data come back from the disk at $slot" works $slot
done
# BLK-OP-04 BLK-OP-08 BLK-OP-18
check "headers of flushes and of the serial number are as they are to be" headers 12
check "headers on a packed ring are as they are to be" headers 13
# BLK-INIT-15 VQ-PACKED-11
check "no request has more segments, or longer ones, than the disk takes" limited 12
check "the same on a packed ring" limited 13
# BLK-INIT-14
check "a disk without queues is refused" refuses 12 blk-no-queues
# BLK-INIT-16
check "a disk with absurd limits works" works 12 blk-absurd
check "a disk with limits of zero works" works 13 blk-zeroes
check "segments of no byte are refused" refuses 12 blk-size-max-0
check "segments of one byte are refused" refuses 13 blk-size-max-1
check "a disk without a sector does no harm" survives 12 blk-capacity-0
check "a disk with all sectors does no harm" survives 13 blk-capacity-all
# BLK-OP-20
check "an error is one" write_fails 12 blk-status-error 'Input/output error'
# BLK-OP-21
check "what is not supported is an error" write_fails 13 blk-status-unsupported 'not supported'
# BLK-OP-20
check "a status that is not defined is an error" write_fails 12 blk-status-unknown 'Input/output error'
check "a status that was not written is an error" write_fails 13 blk-status-unwritten 'Input/output error'
# BLK-OP-23
check "of a serial number only what was written is shown" short_id 12
check "the wear of a medium is shown as eMMC has it" wear 12 blk-lifetime 0x02 "0x03 0x0b"
check "the wear on a packed ring" wear 13 blk-lifetime 0x02 "0x03 0x0b"
check "of the wear only what was written is shown" wear 13 blk-short-lifetime 0x02 "0x03 0x00"
# BLK-OP-20
check "wear that is not supported is an error" wear_fails 12 blk-status-unsupported 'not supported'
check "wear that was not written is an error" wear_fails 13 blk-status-unwritten 'Input/output error'
# FEAT-06
check "a disk that knows of no wear has no files for it" no_wear 12
# VQ-SPLIT-27
check "an answer of a disk without an interrupt is found" lost_interrupt 12
# STAT-07
check "a disk that nobody uses asks for a reset 20 times, each of which is heard at once" idle 12 20 idle 3
check "a disk with a packed ring that nobody uses: the same" idle 13 4 idle 3
check "a disk whose queues share a vector, which nobody uses: the same" idle 12 4 idle-shared 2
check "a disk on the interrupt line that nobody uses: the same" idle 12 4 idle-line 0
check "nothing is left mapped when the driver has gone" unmapped 12
check "nothing is left mapped of a packed ring" unmapped 13
check "the disks work in the end" works 12
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices of our own: what is done to them and in which order, what is accepted of what they
# offer, and which addresses they are given. All of that is asserted on by the devices.
#
# boot: vdev
# timeout: 200
# debug: no, it looks at the device only

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh

# A generator, bound in a scenario, from which is drawn, and nothing is wrong with its driver, nor
# when that has gone.
draws() { # slot, scenario
	scenario "$1" "$2"
	select_new "$1"
	draw 640
	all_letters "$scratch/drawn"
	verdict "$1"
	within 20 unbind "$1"
	verdict "$1"
}

# The same of a disk, to which data are written.
works() { # slot, scenario
	scenario "$1" "$2"
	within 20 probe "$1"
	eventually 10 disk "$1"
	udevadm settle --timeout=20
	within 30 round_trip "$(disk "$1")"
	verdict "$1"
	within 20 unbind "$1"
	verdict "$1"
}

# The device has a buffer when its driver goes, and never answers.
kept() { # slot
	local reader
	scenario "$1" kept
	select_new "$1"
	head -c 64 /dev/hwrng >/dev/null 2>&1 &
	reader=$!
	eventually 10 taken "$1"
	within 20 unbind "$1"
	kill $reader 2>/dev/null || :
	verdict "$1"
}

taken() { # slot
	[ "$(vdev "$1" count taken)" -gt 0 ]
}

# The device can not reach what it is given: it is not expected to answer.
physical() { # slot
	scenario "$1" physical-addresses
	within 20 probe "$1" || echo "not bound"
	verdict "$1"
	! bound "$1" || within 20 unbind "$1"
	verdict "$1"
}

# The page of shared memory is not mapped; what is before it is.
shared_memory() { # slot
	local start
	scenario "$1" shared-memory
	select_new "$1"
	draw 64
	verdict "$1"
	start=$(head -n 1 "$(device "$1")/resource" | cut -d ' ' -f 1)
	grep "phys=0x0*$(printf '%x' "$((start >> 12))")000" /proc/vmallocinfo
	refused grep "phys=0x0*$(printf '%x' "$(((start >> 12) + 8))")000" /proc/vmallocinfo
}

# The kernel finds the device anew, with the revision and the numbers that it has then.
other_ids() { # slot
	local path override
	path=$(device "$1")
	override=$(cat "$path/driver_override")
	scenario "$1" other-ids
	echo 0 >/sys/bus/pci/drivers_autoprobe
	echo 1 >"$path/remove"
	echo 1 >/sys/bus/pci/rescan
	echo 1 >/sys/bus/pci/drivers_autoprobe
	equal "0xff 0x1234 0x5678" \
		"$(cat "$path"/{revision,subsystem_vendor,subsystem_device} | paste -sd ' ')" "numbers"
	! bound "$1" || within 20 unbind "$1"
	echo "$override" >"$path/driver_override"
	select_new "$1"
	draw 640
	all_letters "$scratch/drawn"
	verdict "$1"
}

discards() { # slot
	local disk
	scenario "$1" disk-offers-all
	within 20 probe "$1"
	eventually 10 disk "$1"
	udevadm settle --timeout=20
	disk=$(disk "$1")
	within 30 round_trip "$disk"
	within 20 blkdiscard --length 64k "/dev/$disk"
	within 20 blkdiscard --secure --length 64k "/dev/$disk"
	within 20 blkdiscard --zeroout --length 64k "/dev/$disk"
	equal none "$(disk_attribute "$1" queue/zoned)" "kind of zones"
	verdict "$1"
}

# STAT-01 INIT-01 INIT-03 INIT-08 INIT-11 CFG-07 PCI-CAP-08 PCI-INIT-01 PCI-ISR-01
for slot in 10 11; do
	check "all is done in order to a generator at $slot" draws $slot order
done
# BLK-INIT-04
for slot in 12 13; do
	check "all is done in order to a disk at $slot" works $slot order
done
# CLEAN-02
check "what a device has is unmapped when it was reset" kept 10
check "what a device has is unmapped when it was reset: a packed ring" kept 11
# FEAT-06
check "a generator that offers nothing works" draws 10 bare
check "a disk that offers nothing works" works 12 bare
# RNG-06 PCI-COM-18
check "a generator that offers everything is taken for what it is" draws 10 generator-offers-all
# BLK-INIT-05 BLK-INIT-06 BLK-OP-09 BLK-OP-10 BLK-OP-11
check "a disk that offers everything is asked for what is known" discards 12
# PCI-VND-02
check "data of an unknown vendor are left alone" draws 10 vendor-data
# SHM-02
check "shared memory is left alone" shared_memory 10
# PCI-COM-03
check "a split ring is of a power of two, whatever is offered" draws 10 odd-size
check "a packed ring is as large as is offered" draws 11 odd-size
# PCI-DISC-03 PCI-DISC-04
check "a device of any revision and subsystem is driven" other_ids 10
# RSV-04
check "with ACCESS_PLATFORM a ring is where it is mapped" draws 10 bus-addresses
check "with ACCESS_PLATFORM a packed ring is where it is mapped" draws 11 bus-addresses
# RSV-05
check "without ACCESS_PLATFORM a ring is where the memory is, although there is an IOMMU" physical 10
# VQ-SPLIT-20
check "what a disk is to read, it could not write" works 12 blk-directions
# VQ-PACKED-35
check "what a disk is to read, it could not write: a packed ring" works 13 blk-directions
check "the devices work in the end" draws 10 good
finish

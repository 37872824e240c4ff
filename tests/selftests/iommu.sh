#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# With ACCESS_PLATFORM a device is given addresses of the DMA API, without it
# addresses of memory, even where there is an IOMMU.
#
# boot: iommu
# timeout: 150

cd "$(dirname "$0")" || exit 1
. ./lib.sh

ACCESS_PLATFORM=33

there() {
	[ -e "$(device 10)/iommu_group" ]
	grep -q DMA "$(device 10)/iommu_group/type"
	dmesg | grep -q 'DMAR: Intel(R) Virtualization Technology for Directed I/O'
}

# The first queue's descriptors: bus addresses are given out from the top of 4 GiB down,
# memory ends at 1 GiB.
descriptors() { # slot
	registers "$1" | sed -nE 's/^queue 0 .*desc ([0-9]+).*/\1/p'
}

bus_address() { # slot
	accepted "$1" "$ACCESS_PLATFORM"
	greater "$(descriptors "$1")" "$(end_of_memory)" "address"
}

memory_address() { # slot
	[[ " $(registers "$1" device_feature) " != *" $ACCESS_PLATFORM "* ]]
	greater "$(end_of_memory)" "$(descriptors "$1")" "end of memory, address"
	greater "$(descriptors "$1")" 0 "address"
}

# What the driver leaves behind, the IOMMU would see.
rebind() { # slot
	local disk load i
	disk=$(disk "$1")
	for ((i = 0; i < 10; i++)); do
		disk=$(disk "$1")
		dd if=/dev/zero of="/dev/$disk" bs=64k count=1000 oflag=direct conv=nocreat 2>/dev/null &
		load=$!
		sleep 0.2
		unbind "$1"
		wait "$load" || :
		probe "$1"
	done
	round_trip "$(disk "$1")"
}

# The firmware, which drives disks too, has had its own when the kernel took over.
faults() {
	! kernel_log | grep -E 'DMAR:.*(fault|ERROR)'
}

check "the devices are behind an IOMMU" there
# RSV-04
check "a disk with ACCESS_PLATFORM: bus addresses" bus_address 10
check "a disk with ACCESS_PLATFORM: fio verifies at depth 32" verify "$(disk 10)" 32
check "a disk with ACCESS_PLATFORM: fio verifies at depth 1" verify "$(disk 10)" 1 4
check "a disk with ACCESS_PLATFORM: a file system" file_system 10
check "a small queue without indirect descriptors: fio verifies" verify "$(disk 12)" 32 8
# RSV-04
check "a generator with ACCESS_PLATFORM: bus addresses" bus_address 11
check "a generator with ACCESS_PLATFORM: works" generator_works 11
# RSV-05
check "a disk without ACCESS_PLATFORM: addresses of memory" memory_address 13
check "a disk without ACCESS_PLATFORM: fio verifies" verify "$(disk 13)" 32 8
check "unbound under load ten times" rebind 10
# RSV-04
check "the IOMMU saw no fault" faults
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# virtio-mmio devices of our own with the drivers of this project: what they do, and what they do
# about devices that lie.
#
# guest: --cpus 2
# guest: --driver rust --vdev rng,mmio,event_idx,indirect_desc,addr=0x14
# guest: --vdev rng,mmio,packed,event_idx,in_order,indirect_desc,addr=0x15
# guest: --vdev blk,mmio,event_idx,indirect_desc,addr=0x16
# guest: --vdev blk,mmio,packed,event_idx,addr=0x17
# timeout: 150

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh
. ./vdev-mmio-lib.sh

# The device is refused, in so long at most, and one line says why.
refused_in() { # slot, scenario, seconds, line
	local begin=$SECONDS
	scenario "$1" "$2"
	probe "$1"
	refused test -e "$(platform "$1")/driver"
	greater "$(($3 * slowness))" "$(elapsed $begin)" "seconds, and it took"
	verdict "$1"
	kernel_log | tail -n 20 | grep -E -- "$4"
}

for slot in 14 15; do
	check "a generator works at $slot" generator $slot
	check "registers are accessed in order at $slot" in_order $slot mmio-order
	check "causes that are not defined are left alone at $slot" in_order $slot mmio-causes
	check "reserved features are not accepted at $slot" in_order $slot mmio-reserved
done
check "the registers are read as they should be" first_accesses 14 0x2
for slot in 16 17; do
	check "a disk works at $slot" works $slot
	check "a disk says that it has grown at $slot" grows $slot
	check "a disk works by the interrupt line at $slot" by_line $slot works
done
for scenario in magic version-0 version-9 placeholder other-type; do
	check "mmio-$scenario: the device is left alone" left_alone 14 "mmio-$scenario"
done
check "nobody complains of them" equal 0 "$(log_lines 'virtio-mmio.*(fail|error)')"
check "a queue that is in use is not used" unused 14 mmio-queue-ready
check "a queue that is not there is not used" unused 14 mmio-queue-none
check "a device that does not reset is refused" refused_in 14 mmio-status-stuck 9 'does not reset'
check "a configuration that is never the same is refused" refused_in 16 mmio-generation 9 'configuration'
check "a generator works after all that" generator 14
check "a disk works after all that" works 16
finish

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
# guest: --vdev blk,mmio,event_idx,indirect_desc,addr=0x12
# timeout: 200

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

# A request that is not answered has its queue reset, by the register for it.
queue_reset() { # slot
	local status=0
	scenario "$1" mmio-queue-reset
	select_new "$1"
	# The kernel's own reader may be the first.
	within 25 head -c 64 /dev/hwrng >/dev/null || status=$?
	draw 640
	all_letters "$scratch/drawn"
	echo "status $status"
	verdict "$1"
}

# Two disks on one line, at work at the same time: each answers for its own interrupts, and has all
# of them.
share() { # slot, slot
	local slot irq load disk
	echo 1 >/sys/module/virtio_mmio_glue/parameters/line
	for slot; do
		scenario "$slot" good
		within 20 probe "$slot"
	done
	echo 0 >/sys/module/virtio_mmio_glue/parameters/line
	for slot; do eventually 10 disk "$slot"; done
	udevadm settle --timeout=20
	irq=$(irqs "$1")
	equal "$irq" "$(irqs "$2")" "line"
	equal 2 "$(irq_names "$irq" | tr , '\n' | grep -c '^virtio')" "devices on it"
	disk=$(disk "$2")
	dd if="/dev/$disk" of=/dev/null bs=4k count=1000 iflag=direct status=none &
	load=$!
	within 60 round_trip "$(disk "$1")"
	within 60 tail --pid="$load" -f /dev/null
	wait "$load"
	within 60 round_trip "$disk"
	for slot; do
		within 20 unbind "$slot"
		verdict "$slot"
	done
}

# The interrupt of a device that is described so wakes the machine up, as long as it has a driver.
wakes() { # slot
	local irq device
	echo 1 >/sys/module/virtio_mmio_glue/parameters/wakeup
	scenario "$1" good
	within 20 probe "$1"
	echo 0 >/sys/module/virtio_mmio_glue/parameters/wakeup
	irq=$(irqs "$1")
	equal enabled "$(cat "/sys/kernel/irq/$irq/wakeup")" "wake-up"
	device=$(platform "$1")
	basename "$device" >"$device/driver/unbind"
	equal disabled "$(cat "/sys/kernel/irq/$irq/wakeup")" "wake-up without a driver"
	scenario "$1" good
	within 20 probe "$1"
	equal disabled "$(cat "/sys/kernel/irq/$(irqs "$1")/wakeup")" "wake-up of another device"
}

for slot in 14 15; do
	check "a generator works at $slot" generator $slot
	check "registers are accessed in order at $slot" in_order $slot mmio-order
	check "causes that are not defined are left alone at $slot" in_order $slot mmio-causes
	check "reserved features are not accepted at $slot" in_order $slot mmio-reserved
	# MMIO-REG-21 MMIO-REG-22
	check "a queue is reset alone at $slot" queue_reset $slot
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
# MMIO-REG-11
check "nobody complains of them" equal 0 "$(log_lines 'virtio-mmio.*(fail|error)')"
check "a queue that is in use is not used" unused 14 mmio-queue-ready
check "a queue that is not there is not used" unused 14 mmio-queue-none
check "a device that does not reset is refused" refused_in 14 mmio-status-stuck 9 'does not reset'
check "a configuration that is never the same is refused" refused_in 16 mmio-generation 9 'configuration'
# MMIO-REG-27
check "two disks share a line" share 12 16
check "an interrupt wakes the machine up where it is said to" wakes 14
check "a generator works after all that" generator 14
check "a disk works after all that" works 16
finish

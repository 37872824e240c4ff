#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices of our own with a legacy interface that do what they should: what the drivers of this project
# do to them, and by which interface they drive those that have two.
#
# boot: vdev-legacy
# timeout: 250

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh
. ./vdev-legacy-lib.sh

# The driver says why it does not take it.
refused_with() { # slot, line
	scenario "$1" good
	reserve "$1" virtio_rng_rust
	refused probe "$1"
	kernel_log | grep "0000:00:$1" | tail -n 5
	kernel_log | grep -E "virtio_rng_rust 0000:00:$1.*$2"
}

# PCI-LEG-02 PCI-LEG-03 PCI-LEG-09 PCI-LEG-10 PCI-LEG-13 INIT-10 FEAT-12 FEAT-13 VQ-SPLIT-05
for slot in 10 16; do
	check "a generator is driven in order: $slot" draws $slot legacy-order
done
# VQ-SPLIT-09 BLK-LEG-10
check "a disk is driven in order" works 11 legacy-order
# MMIO-LEG-01 MMIO-LEG-02 MMIO-LEG-03 MMIO-LEG-04 MMIO-LEG-05 MMIO-LEG-06 MMIO-LEG-07 MMIO-LEG-08
# MMIO-LEG-09 MMIO-LEG-10 MMIO-LEG-12 MMIO-LEG-13
check "a generator of virtio-mmio is driven in order" draws 12 mmio-legacy-order
check "a disk of virtio-mmio is driven in order" works 13 mmio-legacy-order
# PCI-LEG-05 PCI-LEG-06
check "the configuration is behind the vectors" works 11 legacy-moves
check "the configuration is elsewhere without vectors" works 11 legacy-line
for slot in 10 12; do
	# RSV-18 RSV-19
	check "a generator is offered more than is good: $slot" draws $slot legacy-offers
	# VQ-SPLIT-03
	check "a queue has the size that the device says: $slot" draws $slot legacy-size-2
	# MMIO-LEG-11
	check "a queue that is in use is not used: $slot" unused $slot legacy-page-stuck
	check "a queue that is not there is not used: $slot" unused $slot legacy-size-0
	check "a generator works in the end: $slot" draws $slot good
done
check "a queue has the size that the device says, however large" draws 10 legacy-size-1024
for slot in 11 13; do
	check "a disk is offered more than is good: $slot" works $slot legacy-offers
	# CFG-09
	check "a capacity that changes while it is read is read again: $slot" works $slot legacy-capacity '130816|131072'
	check "a capacity that always changes is not believed: $slot" unused $slot legacy-capacity-never
	# VQ-SPLIT-34 BLK-LEG-04
	for scenario in length-0 length-1 length-all; do
		check "lengths of answers are not relied on: $slot, $scenario" works $slot $scenario
	done
	check "a disk works in the end: $slot" works $slot good
done
# PCI-LEG-01
check "a transitional generator is driven as one of today" draws 14 transitional-modern
check "a transitional disk is driven as one of today" works 15 transitional-modern
# PCI-LEG-12
check "registers that are too few are refused" refused_with 17 'BAR 0 has 16 bytes'
check "registers that are not there are refused" refused_with 18 'BAR 0 has 0 bytes'
# PCI-LEG-11
for slot in 10 11; do
	check "a device of another revision is not driven: $slot" not_found $slot legacy-revision-1
	check "a device of a type that there is not is not driven: $slot" not_found $slot legacy-subsystem-42
	check "a device of another type than its id says is not driven: $slot" not_found $slot legacy-subsystem-1
done
check "a generator works when it is found as it was" found_again 10 0x0004 draws
check "a disk works when it is found as it was" found_again 11 0x0002 works
finish

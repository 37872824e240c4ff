#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# virtio-mmio devices of our own that do what they should, of both versions, with the
# kernel's C drivers, which did not know them.
#
# boot: vdev-transports
# timeout: 100
# debug: no, that kernel has no C drivers of these devices

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh
. ./vdev-mmio-lib.sh

mmio_driver=virtio-mmio

# What is acknowledged is what was asked about, not what comes after it: a device looks for
# buffers by itself as long as it finds some, so that requests in a row meet interrupts.
again() { # slot
	local disk round
	disk=$(disk "$1")
	for round in $(seq 8); do
		within 30 round_trip "$disk" || { echo "round $round" && return 1; }
	done
}

check "a generator of version 2 works with the C driver" generator 14
check "the registers of version 2 are read as they should be" first_accesses 14 0x2
check "a generator with a packed ring works with the C driver" generator 15
check "a disk of version 2 works with the C driver" works 16
check "a disk with a packed ring works with the C driver" works 17
check "a disk with a packed ring works on and on" again 17
check "a disk says that it has grown" grows 16
check "a disk of version 2 works by the interrupt line" by_line 16 works
check "registers are accessed in order" in_order 14 mmio-order
check "reserved features are not accepted" in_order 14 mmio-reserved
for scenario in magic version-0 version-9 placeholder; do
	check "mmio-$scenario: the device is left alone" left_alone 14 "mmio-$scenario"
done
check "a queue that is in use is not used" unused 14 mmio-queue-ready
check "a queue that is not there is not used" unused 14 mmio-queue-none
check "a generator of version 1 works with the C driver" generator 18
check "the registers of version 1 are read as they should be" first_accesses 18 0x1
for scenario in magic version-0 version-9 placeholder; do
	check "version 1, mmio-$scenario: the device is left alone" left_alone 18 "mmio-$scenario"
done
check "a page that is in use is not used" unused 18 mmio-queue-page
check "a queue of version 1 that is not there is not used" unused 18 mmio-queue-none
check "a disk of version 1 works with the C driver" works 19
check "a disk of version 1 works by the interrupt line" by_line 19 works
finish

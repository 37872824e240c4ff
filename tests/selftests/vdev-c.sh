#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices of our own that do what they should, with the kernel's C drivers: whoever wrote
# these did not know ours, so that both are checked.
#
# boot: vdev-c
# timeout: 100
# debug: no, that kernel has no C drivers of these devices

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh

generator() { # slot
	scenario "$1" good
	select_new "$1"
	equal virtio-pci "$(driver_of "$1")"
	draw 640
	all_letters "$scratch/drawn"
	verdict "$1"
}

works() { # slot
	scenario "$1" good
	within 20 probe "$1"
	equal virtio-pci "$(driver_of "$1")"
	eventually 10 disk "$1"
	udevadm settle --timeout=20
	within 30 round_trip "$(disk "$1")"
	equal vdev-with-20-letters "$(disk_attribute "$1" serial)"
	# It has a priority in a field of headers that is reserved. Nothing else is wrong.
	vdev "$1" verdict | grep -E '^pass$|^fail: violation reserved field'
}

check "a generator works with the C driver" generator 14
check "a generator with a packed ring works with the C driver" generator 15
check "a disk works with the C driver" works 16
check "a disk with a packed ring works with the C driver" works 17
finish

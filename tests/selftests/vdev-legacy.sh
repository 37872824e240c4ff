#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# PCI devices of our own that have the legacy interface only, with the kernel's C drivers,
# which did not know them.
#
# boot: vdev-transports
# timeout: 60
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
	verdict "$1"
}

# The registers are in I/O space, and the ids are those of legacy devices (4.1.2.3).
is_legacy() { # slot, device, subsystem
	equal 0x1af4 "$(cat "$(device "$1")/vendor")"
	equal "$2" "$(cat "$(device "$1")/device")"
	equal "$3" "$(cat "$(device "$1")/subsystem_device")"
	equal 0x00 "$(cat "$(device "$1")/revision")"
	# The first region: beginning, end, flags, of which 0x100 is I/O space.
	read -r _ _ flags <"$(device "$1")/resource"
	equal $((0x100)) $((flags & 0x300)) "flags of BAR 0"
}

seen() { # slot, line
	greater "$(vdev "$1" "count $2")" 0 "lines '$2'"
}

# With MSI-X the configuration is at 24, which the device knows; it is read byte by byte.
by_bytes() { # slot
	seen "$1" 'read device 0x0 1'
	equal 0 "$(vdev "$1" 'count read device 0x0 4')" "reads of 4 bytes"
	seen "$1" 'write legacy 0x16 2'
}

check "a generator has the ids and the BAR of a legacy device" is_legacy 1a 0x1005 0x0004
check "a generator works with the C driver" generator 1a
check "a disk has the ids and the BAR of a legacy device" is_legacy 1b 0x1001 0x0002
check "a disk works with the C driver" works 1b
check "its configuration is read by bytes, behind the vectors" by_bytes 1b
finish

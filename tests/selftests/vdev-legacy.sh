#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices of our own with a legacy interface, with the kernel's C drivers, which did not know
# them: that they behave as such devices do, and which of their hostile scenarios C drivers live
# through. vdev-legacy-rust.sh and vdev-legacy-hostile.sh have the drivers of this project meet them.
#
# boot: vdev-transports
# timeout: 200
# debug: no, that kernel has no C drivers of these devices

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh
. ./vdev-legacy-lib.sh

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

# The C driver has a priority in a field of headers that is reserved, but for legacy devices. Nothing
# else is wrong.
prioritized() { # slot, scenario
	but='reserved field of a header' works "$@"
}

check "a generator has the ids and the BAR of a legacy device" is_legacy 1a 0x1005 0x0004
check "a disk has the ids and the BAR of a legacy device" is_legacy 1b 0x1001 0x0002
check "a transitional disk has them as well" is_legacy 1d 0x1001 0x0002
check "a generator is driven in order" draws 1a legacy-order
check "a disk is driven in order" works 1b legacy-order
check "its configuration is behind the vectors" works 1b legacy-moves
check "it is read by bytes" seen 1b 'read device 0x0 1'
check "and elsewhere without vectors" works 1b legacy-line
check "a queue has the size that the device says" draws 1a legacy-size-2
check "a queue has the size that the device says, however large" works 1b legacy-size-1024
check "a generator of virtio-mmio is driven in order" draws 18 mmio-legacy-order
check "a disk of virtio-mmio is driven in order" works 19 mmio-legacy-order
check "a transitional generator is driven as one of today" draws 1c transitional-modern
check "a transitional disk is driven as one of today" prioritized 1d transitional-modern
check "registers may be in memory" draws 1e legacy-order
for slot in 18 1a; do
	check "a queue that is in use is not used: $slot" unused $slot legacy-page-stuck
	check "a queue that is not there is not used: $slot" unused $slot legacy-size-0
done

# What C drivers live through. There is more that they do not: they wait for ever, or warn.
cases=()
for slot in 18 19 1a 1b; do
	for scenario in legacy-page-stuck legacy-page-stays legacy-size-0 legacy-vectors-random legacy-deaf-vectors; do
		cases+=("any:$slot:$scenario")
	done
	cases+=("works:$slot:good")
done
meet "${cases[@]}"
finish

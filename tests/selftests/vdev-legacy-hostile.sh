#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices of our own with a legacy interface that lie, change their mind, do not listen or go. Whatever
# they do, the guest lives, and so do who drives and who uses them: see vdev-hostile.py.
#
# boot: vdev-legacy
# timeout: 600

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh

refused=(legacy-page-stuck legacy-size-0 legacy-status-stuck legacy-status-all all-ones)
# By PCI they are what the queue has. By memory-mapped I/O they are what it has at most, of which a
# driver may take less, unless that is too little for it.
sizes=(legacy-size-3 legacy-size-65535 queue-size-1000)
working=(legacy-reset-slow interrupts-at-each-access legacy-size-32768 out-of-order)
# Of queues and registers.
any=(
	legacy-page-stays legacy-page-forgotten legacy-size-changes legacy-size-grows legacy-status-zero
	legacy-status-failed legacy-status-random legacy-reset-never-ends legacy-deaf-reset legacy-cause-stays
	legacy-cause-none legacy-vectors-random legacy-features-of-ones legacy-features-change
	legacy-deaf-features legacy-deaf-select legacy-deaf-page legacy-deaf-status legacy-deaf-vectors
	legacy-gone-at-features legacy-gone-at-queues legacy-gone-at-start legacy-gone-at-request
	legacy-gone-at-answer legacy-gone-at-removal
	queue-size-1 all-zeroes features-all registers-random-1 registers-random-2 registers-random-3
)
# Of rings, which are the same with any transport.
rings=(
	id-out-of-range id-all-ones id-free id-with-high-bits index-jumps-1 index-jumps-1000 index-jumps-back
	used-twice descriptors-overwritten one-not-answered answers-random-1 available-overwritten never-content
)
cases=()
add() { # outcome, slot, scenarios...
	local outcome=$1 slot=$2
	shift 2
	cases+=("${@/#/$outcome:$slot:}")
}
# By both transports, and by both drivers; where all takes longer, not by each driver with each.
slots=(10 11 12 13)
[ "$slowness" = 1 ] || slots=(10 13)
for slot in "${slots[@]}"; do
	add refused $slot "${refused[@]}"
	case $slot in
	10 | 11) add refused $slot "${sizes[@]}" ;;
	*) add any $slot "${sizes[@]}" ;;
	esac
	add works $slot "${working[@]}"
	add any $slot "${any[@]}"
	add works $slot good
done
for slot in 11 12; do
	add any $slot "${rings[@]}"
	add works $slot good
done
for slot in 11 13; do
	add any $slot configuration-of-ones configuration-of-zeroes configuration-changes
	add errors $slot blk-status-error
	add works $slot good
done
for slot in 14 15; do
	add any $slot transitional-unversioned all-ones
	add works $slot good
done

# Disks are waited for, as they may be slow, and more than once: not for so long here.
echo 1000 >/sys/module/virtio_blk_rust/parameters/io_timeout
meet "${cases[@]}"
echo 0 >/sys/module/virtio_blk_rust/parameters/io_timeout
check "each of the ${#cases[@]} scenarios has come" equal "${cases[*]}" "${came[*]}"

# Devices that do anything at random, always the same; each of the four works in the end.
came=() rounds=32
meet --campaign 1 0 $rounds
check "$rounds devices that do anything have come" equal $((rounds + 4)) "${#came[@]}"
finish

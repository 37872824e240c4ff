#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices of our own that lie, change their mind or say nothing. Whatever they do, the guest
# lives, and so do who drives and who uses them: see vdev-hostile.py.
#
# boot: vdev
# timeout: 600

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh

refused=(
	features-none features-no-version features-refused queues-none queue-size-0
	status-all status-needs-reset common-bar-7 common-bar-5 common-length-0 common-length-55 common-outside
	common-wraps common-unaligned common-missing notify-missing notify-length-0
	notify-short-cap isr-missing all-missing all-the-same all-ones status-stuck
)
working=(features-unknown queues-many queue-size-1 interrupts-at-each-access)
any=(
	queue-size-3 queue-size-1000 queue-size-65535 queue-size-changes queue-enabled notify-far notify-wraps notify-multiplier-3
	notify-multiplier-all isr-length-0 device-missing device-outside vectors-refused vectors-random
	isr-always all-zeroes gone-at-work status-failed status-random
	registers-random-1 registers-random-2 registers-random-3
	id-out-of-range id-all-ones id-free id-with-high-bits index-jumps-1 index-jumps-1000 index-jumps-back used-twice
	descriptors-overwritten one-not-answered nothing-answered answers-random-1
	answers-random-2 answers-random-3 never-content features-all
)
# Of moments, claims and capabilities: a generator needs less than a disk.
bearable=(
	reset-slow interrupts-at-removal interrupts-before-answers changes-at-each-request changes-at-each-access
	out-of-order queue-size-32768 common-length-56 queue-never-enabled length-short length-over length-all
)
unbearable=(
	notify-bar-7 notify-outside isr-bar-7 isr-outside caps-of-no-length features-of-all-ones
	gone-at-features gone-at-queues needs-reset-at-features
)
strange=(device-bar-7 device-length-0 configuration-of-zeroes notify-at-odd-places queue-size-2)
more=(
	gone-at-start gone-at-request gone-at-answer reset-never-ends status-forgotten needs-reset-at-start
	needs-reset-at-answer forged-at-start forged-at-each-notification length-0 length-1 id-0-always
	all-used-twice all-overwritten index-jumps-always configuration-of-ones configuration-changes
)
# Those that hear nothing, those that are others after a restart, and those that come and go.
refusable=(
	deaf-status deaf-device-feature-select deaf-driver-feature common-other-id notify-bar-1
)
livable=(
	deaf-vectors unknown-capability second-common interrupts-scarce gone-at-removal changes-at-removal
	slow-registers answers-in-batches restart-with-more-features common-too-long
)
last=(
	deaf-queue-select deaf-queue-size deaf-queue-address deaf-queue-enable deaf-notifications deaf-reset
	restart-without-features restart-with-smaller-queues restart-with-enabled-queues restart-without-vectors
	restart-refused restart-gone restart-stuck gone-for-a-moment status-flickers status-failed-at-work
	needs-reset-quietly never-settled notify-in-common device-in-common isr-in-common available-overwritten
)
rings=(short empty too-long longest lost-interrupt storm)
cases=()
add() { # outcome, slot, scenarios...
	local outcome=$1 slot=$2
	shift 2
	cases+=("${@/#/$outcome:$slot:}")
}
add refused 10 "${refused[@]}"
add works 10 "${working[@]}"
add any 10 "${any[@]}"
add any 11 "${rings[@]}" id-out-of-range id-all-ones id-free index-jumps-1 used-twice descriptors-overwritten \
	answers-random-1 answers-random-2 answers-random-3
add works 10 good
add works 11 good
add refused 12 generation-changes status-stuck all-ones
add works 12 features-unknown interrupts-at-each-access
add any 12 "${any[@]}"
add any 13 one-not-answered nothing-answered
for slot in 10 12; do
	add works $slot "${bearable[@]}"
	add refused $slot "${unbearable[@]}"
	add any $slot "${more[@]}"
	add refused $slot "${refusable[@]}"
	add works $slot "${livable[@]}"
	add any $slot "${last[@]}"
done
add works 10 "${strange[@]}" notify-multiplier-0
add any 11 available-overwritten
add errors 12 blk-status-error blk-status-unsupported blk-status-unknown blk-status-unwritten
add refused 12 "${strange[@]}"
add works 12 good
add works 13 good

# Disks are waited for, as they may be slow: not for so long here.
echo 3000 >/sys/module/virtio_blk_rust/parameters/io_timeout
meet "${cases[@]}"
echo 0 >/sys/module/virtio_blk_rust/parameters/io_timeout
check "each of the ${#cases[@]} scenarios has come" equal "${cases[*]}" "${came[*]}"
finish

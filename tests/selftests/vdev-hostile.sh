#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices of our own that lie, change their mind or say nothing. Whatever they do, the guest
# lives, and so do who drives and who uses them: see vdev-hostile.py.
#
# boot: vdev
# timeout: 400

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
add works 12 good
add works 13 good

# Disks are waited for, as they may be slow: not for so long here.
echo 3000 >/sys/module/virtio_blk_rust/parameters/io_timeout
./vdev-hostile.py "${cases[@]}" >"$scratch/results" 2>"$scratch/errors"
echo 0 >/sys/module/virtio_blk_rust/parameters/io_timeout
# A check for each, without the cost of one. Lines that begin otherwise say what is wrong.
came=()
while read -r result case rest; do
	case $result in
	ok)
		points=$((points + 1))
		came+=("$case")
		echo "ok $points - $case"
		;;
	not)
		points=$((points + 1)) failures=$((failures + 1))
		came+=("$case")
		echo "not ok $points - $case # $rest"
		;;
	*) echo "# $result $case $rest" ;;
	esac
done <"$scratch/results"
check "each of the ${#cases[@]} scenarios has come" equal "${cases[*]}" "${came[*]}"
sed 's/^/# /' "$scratch/errors"
awk '{ sub(/ s.*/, ""); print $3, $2 }' "$scratch/results" | sort -rn | head -n 5 | sed 's/^/# longest: /'
finish

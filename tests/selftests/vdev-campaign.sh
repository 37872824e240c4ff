#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices of our own that do anything at random, from seeds: registers, answers, interrupts,
# configuration. Whatever they do, the guest lives, and so do who drives and who uses them: see
# vdev-hostile.py. A seed that fails is tried again by
# tests/selftests/vdev-hostile.py any:SLOT:campaign-SEED in a guest.
#
# boot: vdev
# timeout: 600

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh

slots=(10 11 12 13)
cases=()
for seed in {1..40}; do
	cases+=("any:${slots[seed % 4]}:campaign-$seed")
done
# Each works as if nothing had been, in the end.
cases+=(works:10:good works:11:good works:12:good works:13:good)

# Disks are waited for, as they may be slow: not for so long here.
echo 1000 >/sys/module/virtio_blk_rust/parameters/io_timeout
./vdev-hostile.py "${cases[@]}" >"$scratch/results" 2>"$scratch/errors"
echo 0 >/sys/module/virtio_blk_rust/parameters/io_timeout
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
check "each of the ${#cases[@]} devices has come" equal "${cases[*]}" "${came[*]}"
sed 's/^/# /' "$scratch/errors"

# What was altered, of registers and of requests.
registers=0 requests=0
for slot in "${slots[@]}"; do
	read -r some others < <(vdev "$slot" altered && echo)
	registers=$((registers + some)) requests=$((requests + others))
done
echo "# altered: $registers answers of registers, $requests of requests"
check "answers were altered" [ $((registers * requests)) -gt 0 ]
stuck() {
	local state
	state=$(sed -s 's/.*) //' /proc/[0-9]*/stat 2>/dev/null | grep -c '^D' || :)
	equal 0 "$state" "processes in D state"
}
check "nobody waits for good" stuck
finish

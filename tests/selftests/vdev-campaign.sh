#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices of our own that do anything at random, from seeds: registers, answers, interrupts,
# configuration, capabilities. Whatever they do, the guest lives, and so do who drives and who uses
# them: see vdev-hostile.py. make hostile has this go on for minutes, by way of these variables:
#
#   HOSTILE_SEED      the first seed
#   HOSTILE_SECONDS   how long; 0: until there were all rounds
#   HOSTILE_ROUNDS    how many seeds; 0: until the time is over
#   HOSTILE_WANTED    answers that are to be altered at least: of requests, and of registers
#
# Without, there are always the same seeds. One that fails is tried again by
# make hostile SEED=... ROUNDS=1.
#
# boot: vdev
# timeout: 600

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh

first=${HOSTILE_SEED:-1} seconds=${HOSTILE_SECONDS:-0} rounds=${HOSTILE_ROUNDS:-32}
wanted=${HOSTILE_WANTED:-500 50}

meet --campaign "$first" "$seconds" "$rounds"

# A number of what is said in the end: altered completions
said() { # line, word
	awk -v line="$1" -v word="$2" '$1 == line { for (i = 1; i < NF; i++) if ($i == word) print $(i + 1) }' \
		"$scratch/remarks"
}

complete() {
	local count
	count=$(said rounds rounds)
	[ "$rounds" = 0 ] || equal "$rounds" "$count" "rounds"
	# The devices work in the end.
	equal "$((count + 4))" "${#came[@]}" "devices"
}

enough() {
	grep '^altered' "$scratch/remarks"
	[ "$(said altered completions)" -ge "${wanted% *}" ]
	[ "$(said altered registers)" -ge "${wanted#* }" ]
}

check "all of them have come" complete
check "at least ${wanted% *} answers of requests and ${wanted#* } of registers were altered" enough
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# DMA by bounce buffers: requests are no longer than they can be, data are the same, and
# no buffer is lost.
#
# boot: swiotlb
# timeout: 120

cd "$(dirname "$0")" || exit 1
. ./lib.sh

ACCESS_PLATFORM=33

used() {
	cat /sys/kernel/debug/swiotlb/io_tlb_used
}

limits() {
	greater $((256 * 1024 + 1)) "$(disk_attribute 10 queue/max_segment_size)" "limit of max_segment_size"
}

in_use() {
	echo 0 >/sys/kernel/debug/swiotlb/io_tlb_used_hiwater
	verify "$(disk 10)" 32
	# A request of 1 MiB is 512 of them; how much is on its way at once is a matter of speed.
	greater "$(cat /sys/kernel/debug/swiotlb/io_tlb_used_hiwater)" 128 "slots in use, at most"
}

rebind() {
	local load i
	for ((i = 0; i < 10; i++)); do
		dd if=/dev/zero of="/dev/$(disk 10)" bs=64k count=1000 oflag=direct conv=nocreat 2>/dev/null &
		load=$!
		sleep 0.2
		unbind 10
		wait "$load" || :
		probe 10
	done
	round_trip "$(disk 10)"
}

none_lost() {
	unbind 10
	unbind 11
	eventually 5 none_used
	probe 10
	probe 11
}

none_used() {
	equal 0 "$(used)" "slots in use"
}

check "ACCESS_PLATFORM is accepted" accepted 10 $ACCESS_PLATFORM
check "segments are no longer than a bounce buffer" limits
check "fio verifies at depth 32, by bounce buffers" in_use
check "fio verifies at depth 1" verify "$(disk 10)" 1 4
check "a file system" file_system 10
check "the generator works" generator_works 11
check "unbound under load ten times" rebind
check "no bounce buffer is lost" none_lost
finish

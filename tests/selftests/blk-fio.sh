#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# fio writes, reads and compares blocks of 512 bytes to 1 MiB, at depth 1 and 32,
# on 1 to 4 queues.
#
# boot: blk
# timeout: 300

cd "$(dirname "$0")" || exit 1
. ./lib.sh

queues() { # wanted, slot
	equal "$1" "$(find "/sys/block/$(disk "$2")/mq" -mindepth 1 -maxdepth 1 | wc -l)" "queues"
}

# Each hardware queue has CPUs, and each CPU is one queue's.
mapping() { # slot
	local list
	list=$(cat "/sys/block/$(disk "$1")"/mq/*/cpu_list | tr -d ' ' | tr ',' '\n' | sort -n | paste -sd ' ')
	equal "0 1 2 3" "$list" "CPUs of all queues"
}

# BLK-INIT-14
check "one queue: the disk has 1" queues 1 11
check "one queue: fio verifies at depth 1" verify "$(disk 11)" 1 8
# BLK-OP-06 BLK-OP-17
check "one queue: fio verifies at depth 32" verify "$(disk 11)" 32
check "two queues: the disk has 2" queues 2 12
check "two queues: each CPU has its queue" mapping 12
check "two queues: fio verifies at depth 1" verify "$(disk 12)" 1 8
check "two queues: fio verifies at depth 32" verify "$(disk 12)" 32
# BLK-INIT-14
check "three queues: the disk has 3" queues 3 13
check "three queues: each CPU has its queue" mapping 13
check "three queues: fio verifies at depth 32" verify "$(disk 13)" 32
# BLK-INIT-14
check "four queues: the disk has 4" queues 4 10
check "four queues: each CPU has its queue" mapping 10
check "four queues: fio verifies at depth 1" verify "$(disk 10)" 1 8
check "four queues: fio verifies at depth 32" verify "$(disk 10)" 32
finish

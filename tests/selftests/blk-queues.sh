#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Queues of 4 to 1024 entries, without indirect descriptors, without the event index.
#
# boot: blk
# timeout: 300

cd "$(dirname "$0")" || exit 1
. ./lib.sh
open_monitor

INDIRECT_DESC=28 EVENT_IDX=29 RING_PACKED=34

not_offered() { # slot, feature
	[[ " $(registers "$1" device_feature) " != *" $2 "* ]]
	! accepted "$1" "$2"
}

depth() { # slot, at most
	local tags
	tags=$(disk_attribute "$1" mq/0/nr_tags)
	greater "$tags" 0 "tags"
	greater "$(($2 + 1))" "$tags" "limit of tags"
}

works() { # slot
	verify "$(disk "$1")" 32 8
}

# QEMU does not make a block device with a queue of two.
refuses() { # size
	fails_with 'queue-size' qmp device_add \
		'{"driver": "virtio-blk-pci", "bus": "port0", "id": "small", "drive": "size8", "queue-size": '"$1"'}'
}

check "QEMU makes no queue of 2 entries" refuses 2
check "a queue of 4 entries: depth" depth 14.0 4
check "a queue of 4 entries: fio verifies" works 14.0
check "a queue of 8 entries without indirect descriptors: not accepted" not_offered 14.1 $INDIRECT_DESC
check "a queue of 8 entries without indirect descriptors: depth" depth 14.1 8
check "a queue of 8 entries without indirect descriptors: fio verifies" works 14.1
check "a queue of 64 entries without event index: not accepted" not_offered 14.2 $EVENT_IDX
check "a queue of 64 entries without event index: depth" depth 14.2 64
check "a queue of 64 entries without event index: fio verifies" works 14.2
check "a queue of 1024 entries: depth" depth 14.3 1024
check "a queue of 1024 entries: fio verifies" works 14.3
check "indirect descriptors are accepted where offered" accepted 14.3 $INDIRECT_DESC
check "the event index is accepted where offered" accepted 14.3 $EVENT_IDX
# FEAT-06
# FEAT-06
check "a queue without either: fio verifies" works 14.4
# RSV-06
check "packed rings are used where they are offered" accepted 14.5 $RING_PACKED
check "packed rings: fio verifies" works 14.5
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# The write cache: what the disk says of it, switching it, and that flushes reach the
# device where they must, by QEMU's count.
#
# boot: blk
# timeout: 60

cd "$(dirname "$0")" || exit 1
. ./lib.sh
open_monitor

disk=$(disk 10)
cache=/sys/block/$disk/cache_type
CONFIG_WCE=11

# QEMU's count, which stands before the name of the device.
flushes() { # id
	qmp query-blockstats | grep -oE '"(flush_operations": [0-9]+|qdev": "[^"]*")' |
		grep -B 1 "/$1/" | sed -n 's/.*operations": //p'
}

# The number of flushes that a command causes.
flushed() { # id, command...
	local id=$1 before after
	shift
	before=$(flushes "$id")
	"$@" >&2
	after=$(flushes "$id")
	echo $((after - before))
}

write_and_sync() { # disk
	dd if=/dev/zero of="/dev/$1" bs=4k count=4 conv=fsync status=none
}

# A write that must be on the medium when it completes.
write_through() { # disk
	dd if=/dev/zero of="/dev/$1" bs=4k count=4 oflag=direct,dsync status=none
}

set_cache() { # type
	echo "$1" >"$cache"
	equal "$1" "$(cat "$cache")" "cache_type"
}

bad_word() {
	local before
	before=$(cat "$cache")
	fails_with 'Invalid argument' bash -c "echo 'write sideways' >$cache"
	fails_with 'Invalid argument' bash -c "echo >$cache"
	equal "$before" "$(cat "$cache")" "cache_type"
}

back_syncs() {
	greater "$(flushed main write_and_sync "$disk")" 0 "flushes of an fsync"
}

back_dsyncs() {
	greater "$(flushed main write_through "$disk")" 3 "flushes of 4 writes with O_DSYNC"
}

through_syncs() {
	equal 0 "$(flushed main write_and_sync "$disk")" "flushes of an fsync"
}

fixed_back() {
	equal "write back" "$(disk_attribute 16.5 cache_type)" "cache_type"
	equal "write back" "$(disk_attribute 16.5 queue/write_cache)" "write_cache"
	refused bash -c "echo 'write through' >/sys/block/$(disk 16.5)/cache_type"
	greater "$(flushed cache write_and_sync "$(disk 16.5)")" 0 "flushes of an fsync"
}

fixed_through() {
	equal "write through" "$(disk_attribute 16.3 cache_type)" "cache_type"
	equal "write through" "$(disk_attribute 16.3 queue/write_cache)" "write_cache"
	refused bash -c "echo 'write back' >/sys/block/$(disk 16.3)/cache_type"
	equal 0 "$(flushed nocache write_and_sync "$(disk 16.3)")" "flushes of an fsync"
}

check "CONFIG_WCE is accepted" accepted 10 $CONFIG_WCE
check "the disk has a write cache" equal "write back" "$(cat "$cache")"
check "the block layer knows of it" equal "write back" "$(disk_attribute 10 queue/write_cache)"
# BLK-INIT-01
check "write back: an fsync flushes the device" back_syncs
check "write back: a write with O_DSYNC flushes the device" back_dsyncs
# BLK-OP-12
# BLK-OP-12
check "the cache is switched to write through" set_cache "write through"
check "the block layer follows" equal "write through" "$(disk_attribute 10 queue/write_cache)"
check "write through: an fsync does not flush the device" through_syncs
check "a word that is none is refused" bad_word
check "the cache is switched to write back" set_cache "write back"
check "write back again: an fsync flushes the device" back_syncs
# BLK-INIT-03
check "a cache that is fixed is used, and cannot be switched off" fixed_back
# BLK-INIT-02
# BLK-INIT-02
check "a disk without a cache has none, and none can be switched on" fixed_through
finish

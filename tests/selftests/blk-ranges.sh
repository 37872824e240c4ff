#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Requests about ranges of sectors: to discard them, and to fill them with zeroes.
#
# boot: blk
# timeout: 60

cd "$(dirname "$0")" || exit 1
. ./lib.sh

open_monitor

disk=$(disk 10)
plain=$(disk 16.6)

limit() { # slot, attribute, wanted
	equal "$3" "$(disk_attribute "$1" "queue/$2")" "$2"
}

# What the kernel counts of the disk: requests and sectors that were discarded, sectors written.
DISCARDS=12 DISCARDED=14 WRITTEN=7
counted() { # field
	disk_attribute 10 stat | awk -v field="$1" '{ print $field }'
}

# 1 MiB of each of two values, and 2 MiB of a third.
pattern() { # disk
	{
		yes a | tr -d '\n' | head -c 1M
		yes b | tr -d '\n' | head -c 1M
		yes c | tr -d '\n' | head -c 2M
	} | dd of="/dev/$1" bs=64k iflag=fullblock oflag=direct status=none
}

# The values, in units of 64 KiB: "a*16 b*16". One that has two of them is another than those
# beside it.
seen() { # disk
	dd if="/dev/$1" bs=64k count=64 iflag=direct status=none |
		tr '\0' '0' | fold -b -w 65536 | uniq -c | awk '{ printf "%s*%s ", substr($2, 1, 1), $1 }'
}

discarded() {
	local requests sectors
	pattern "$disk"
	equal 'a*16 b*16 c*32 ' "$(seen "$disk")"
	requests=$(counted $DISCARDS) sectors=$(counted $DISCARDED)
	blkdiscard --offset 1M --length 2M "/dev/$disk"
	# What is in them now is the device's choice: QEMU's file has holes.
	equal 'a*16 0*32 c*16 ' "$(seen "$disk")"
	equal $((requests + 1)) "$(counted $DISCARDS)" "requests"
	equal $((sectors + (2 << 11))) "$(counted $DISCARDED)" "sectors"
}

# A file system discards what was deleted.
trimmed() {
	local sectors
	mkfs.ext4 -q -F -E nodiscard "/dev/$disk" 64M
	mkdir -p "$scratch/mnt"
	mount "/dev/$disk" "$scratch/mnt"
	dd if=/dev/urandom of="$scratch/mnt/file" bs=1M count=16 conv=fsync status=none
	rm "$scratch/mnt/file"
	sync
	sectors=$(counted $DISCARDED)
	fstrim "$scratch/mnt"
	umount "$scratch/mnt"
	greater "$(counted $DISCARDED)" $((sectors + (16 << 11) - 1)) "sectors"
	e2fsck -fn "/dev/$disk"
}

zeroed() { # disk
	pattern "$1"
	blkdiscard --zeroout --offset 512k --length 1M "/dev/$1"
	equal 'a*8 0*16 b*8 c*32 ' "$(seen "$1")"
}

# Without the help of the kernel, which would write them.
zeroed_by_device() {
	local written
	pattern "$disk"
	written=$(counted $WRITTEN)
	# FALLOC_FL_ZERO_RANGE and KEEP_SIZE: the medium keeps its place; then PUNCH_HOLE, which
	# may give it away.
	fallocate --zero-range --keep-size --offset 512k --length 512k "/dev/$disk"
	fallocate --punch-hole --offset 1M --length 512k "/dev/$disk"
	equal 'a*8 0*16 b*8 c*32 ' "$(seen "$disk")"
	equal $((written + 2048)) "$(counted $WRITTEN)" "sectors written"
}

# Bytes of the medium that have a place.
placed() {
	qmp query-named-block-nodes | grep -oE '"(actual-size": [0-9]+|node-name": "[a-z0-9]*")' |
		grep -B 1 '"main"$' | sed -n 's/^"actual-size": //p'
}

# Those that are to keep it do, and those that need not are QEMU's to give away.
places() {
	local before
	pattern "$disk"
	before=$(placed)
	fallocate --zero-range --keep-size --offset 512k --length 512k "/dev/$disk"
	greater $(($(placed) + (64 << 10))) "$before" "bytes that have a place, plus"
	fallocate --punch-hole --offset 1M --length 512k "/dev/$disk"
	greater $((before - (448 << 10))) "$(placed)" "bytes that have a place, less than"
}

no_discard() {
	limit 16.6 discard_max_bytes 0
	limit 16.6 write_zeroes_max_bytes 0
	fails_with 'Operation not supported' blkdiscard "/dev/$plain"
}

no_erase() {
	fails_with 'Operation not supported' blkdiscard --secure "/dev/$disk"
}

readonly_disk() {
	fails_with 'not permitted|Read-only|Permission' blkdiscard "/dev/$(disk 16.0)"
	fails_with 'not permitted|Read-only|Permission' blkdiscard --zeroout "/dev/$(disk 16.0)"
}

# QEMU's limits, unless it is told others.
check "what can be discarded at a time" limit 10 discard_max_bytes $((4194303 * 512))
check "the unit of what is discarded" limit 10 discard_granularity 512
check "what can be filled with zeroes at a time" limit 10 write_zeroes_max_bytes $((4194303 * 512))
check "the limits of blocks of 4096 bytes are whole blocks" \
	limit 16.2 discard_max_bytes $((4194296 * 512))
# BLK-OP-07, BLK-OP-14
check "sectors are discarded" discarded
check "a file system discards what was deleted" trimmed
check "sectors are filled with zeroes" zeroed "$disk"
check "zeroes are the device's work" zeroed_by_device
check "zeroes keep their place unless they need not" places
check "a disk that cannot do it is not asked" no_discard
check "its zeroes are written" zeroed "$plain"
check "what is not offered is refused" no_erase
check "a disk that cannot be written to is not asked" readonly_disk
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# A read-only disk, whose content is the file COPYING.
#
# boot: blk
# timeout: 60

cd "$(dirname "$0")" || exit 1
. ./lib.sh

disk=$(disk 16.0)

size() {
	local bytes
	bytes=$(stat -c %s ../../COPYING)
	equal $(((bytes + 511) / 512)) "$(cat "/sys/block/$disk/size")" "sectors"
}

content() {
	head -c "$(stat -c %s ../../COPYING)" "/dev/$disk" | cmp - ../../COPYING
}

write() {
	fails_with 'Operation not permitted|Read-only file system|Permission denied' \
		dd if=/dev/zero of="/dev/$disk" bs=512 count=1 oflag=direct
}

# Not even when the block layer is told that it may.
write_by_force() {
	blockdev --setrw "/dev/$disk" || return 0
	refused dd if=/dev/zero of="/dev/$disk" bs=512 count=1 oflag=direct
	blockdev --setro "/dev/$disk"
	content
}

# BLK-OP-03
check "ro is 1 in sysfs" equal 1 "$(cat "/sys/block/$disk/ro")"
check "the size is the file's" size
check "the content is the file's" content
# BLK-OP-03
check "writing is refused" write
check "writing is refused by the device, too" write_by_force
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# A file system on a disk: what was written is what is read once no cache has it.
#
# boot: blk
# timeout: 150
# debug: no, blk-fio.sh has as much data in flight

cd "$(dirname "$0")" || exit 1
. ./lib.sh

disk=$(disk 10)
mnt=$scratch/mnt
mkdir "$mnt"

make() {
	mkfs.ext4 -q -F "/dev/$disk"
	mount "/dev/$disk" "$mnt"
}

# Real files of all sizes, and large ones of random bytes.
write() {
	mkdir "$mnt/files"
	find /usr/bin /usr/lib -type f -size -256k -print0 | head -z -n 400 |
		cpio --quiet -0 -pd "$mnt/files"
	head -c 24M /dev/urandom >"$mnt/large"
	truncate -s 100M "$mnt/sparse"
	echo end >>"$mnt/sparse"
	(cd "$mnt" && find . -type f -print0 | sort -z | xargs -0 sha256sum) >"$scratch/sums"
	greater "$(wc -l <"$scratch/sums")" 100 "number of files"
}

forget() {
	umount "$mnt"
	blockdev --flushbufs "/dev/$disk"
	echo 3 >/proc/sys/vm/drop_caches
	mount "/dev/$disk" "$mnt"
}


compare() {
	local before
	before=$(awk '{ print $3 }' "/sys/block/$disk/stat")
	(cd "$mnt" && sha256sum --quiet -c "$scratch/sums")
	# In sectors: it came from the disk.
	greater "$(awk '{ print $3 }' "/sys/block/$disk/stat")" "$((before + 24 * 2048))" "sectors read"
}

remove() {
	rm -r "$mnt/files"
	head -c 4M /dev/zero >"$mnt/large"
	sync -f "$mnt"
}

consistent() {
	umount "$mnt"
	e2fsck -fn "/dev/$disk"
}

check "mkfs and mount" make
check "files are written" write
check "the file system is mounted again, without caches" forget
check "checksums of all files are right" compare
check "files are removed and overwritten" remove
check "the file system is consistent" consistent
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# A disk that grows and shrinks while it is in use.
#
# boot: blk
# timeout: 90

cd "$(dirname "$0")" || exit 1
. ./lib.sh
open_monitor

disk=$(disk 16.4)
mnt=$scratch/mnt
mkdir "$mnt"
udevadm monitor --kernel --property --subsystem-match=block >"$scratch/events" &
monitor=$!

sized() { # MiB
	eventually 5 eval "equal $(($1 << 11)) \$(cat /sys/block/$disk/size)"
}

resize() { # MiB
	qmp block_resize '{"node-name": "resize", "size": '$(($1 << 20))'}'
	sized "$1"
}

event() {
	eventually 5 grep -q '^RESIZE=1$' "$scratch/events"
}

file_system() {
	mkfs.ext4 -q -F "/dev/$disk"
	mount "/dev/$disk" "$mnt"
	head -c 8M /dev/urandom >"$mnt/file"
	(cd "$mnt" && sha256sum file) >"$scratch/sum"
}

# In 1-KiB blocks.
blocks() {
	df -k --output=size "$mnt" | tail -n 1
}

online() {
	local before
	before=$(blocks)
	resize2fs "/dev/$disk"
	greater "$(blocks)" $((before + 100 * 1024)) "blocks of the file system"
	umount "$mnt"
	mount "/dev/$disk" "$mnt"
	(cd "$mnt" && sha256sum -c "$scratch/sum")
}

new_part() {
	umount "$mnt"
	echo beyond >"$scratch/mark"
	truncate -s 512 "$scratch/mark"
	dd if="$scratch/mark" of="/dev/$disk" bs=512 seek=$((200 << 11)) oflag=direct
	dd if="/dev/$disk" bs=512 skip=$((200 << 11)) count=1 iflag=direct | cmp - "$scratch/mark"
}

in_log() {
	kernel_log | grep -E "\[$disk\] new size: [0-9]+ 512-byte logical blocks|$disk: detected capacity change from 131072 to"
}

# Many changes while requests are in flight; none of those fails, and data come back.
under_io() {
	local pid size
	fio --name=load --filename="/dev/$disk" --direct=1 --ioengine=libaio --iodepth=8 --rw=randrw --bs=4k \
		--size=32m --time_based --runtime=6 --verify=crc32c --verify_fatal=1 --verify_backlog=64 \
		--verify_state_save=0 --randrepeat=0 >"$scratch/fio" 2>&1 &
	pid=$!
	for size in 256 128 200 300 64 400; do
		resize "$size"
	done
	wait "$pid" || {
		cat "$scratch/fio"
		return 1
	}
}

check "a file system on 64 MiB" file_system
# BLK-OP-01 CFG-10 CFG-11
check "the disk grows to 256 MiB" resize 256
check "an event tells user space" event
check "the log tells the new size" in_log
check "the file system grows while it is mounted" online
check "the new part works" new_part
# BLK-OP-22
# BLK-OP-22
check "the disk shrinks to 128 MiB" resize 128
# BLK-OP-01, CFG-10
# BLK-OP-22
check "resized six times under load" under_io
kill $monitor
finish

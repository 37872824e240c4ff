#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# QEMU is killed while its guest writes and syncs a file system on our disk. What was not flushed may
# be lost with it: it is by a log of QEMU's that the disk is made which there may be then. The
# file system is sound, and all is there that the guest has said to be safe. Twice, or ROUNDS=20 times.
#
# timeout: 120

cd "$(dirname "$0")" || exit 1
. ../../scripts/lib.sh
set +e
. ./lib.sh
need_sdk

sdk() { # command...
	BINDS=$scratch "$TOP/scripts/chroot-run" "$SDK_ROOT" "$@"
}

# So much was said to be safe, at least.
safe_lines() { # count
	local count
	count=$(grep -c '^+' "$scratch/list")
	echo "$count records"
	greater "$count" "$1"
}

# Begins to write and is killed.
cut() { # options of the disk
	local guest
	rm -f "$scratch/disk"
	truncate -s 64M "$scratch/disk"
	: | tee "$scratch/list" >"$scratch/log"
	../../scripts/guest --timeout 300 --cpus 2 --console "$scratch/console" \
		--qemu "-blockdev driver=file,node-name=file,filename=$scratch/disk
			-blockdev driver=file,node-name=log,filename=$scratch/log
			-blockdev driver=blklogwrites,node-name=d0,file=file,log=log" \
		--device "virtio-blk-pci,drive=d0,num-queues=2,physical_block_size=4096,$1" -- bash -c '
			mkfs.ext4 -q -F -J size=1 /dev/vda >&2 &&
			mount /dev/vda /mnt && sync -f /mnt &&
			tests/selftests/powercut.py write /mnt /dev/vda' >"$scratch/list" 2>"$scratch/errors" &
	guest=$!
	eventually 250 safe_lines 20
	sleep "$((RANDOM % 3)).$((RANDOM % 1000))"
	# It answers by SIGKILL for QEMU.
	kill -TERM "$guest"
	wait "$guest" || equal 124 "$?" "status of the guest"
	safe_lines 20
}

# The journal is replayed.
look() { # seed
	rm -rf "$scratch/image" "$scratch/files"
	truncate -s 64M "$scratch/image"
	mkdir "$scratch/files"
	sdk python3 powercut.py replay "$scratch/log" "$scratch/image" "$1"
	sdk e2fsck -p -E journal_only "$scratch/image"
	sdk e2fsck -fn "$scratch/image"
	sdk debugfs -R "rdump / $scratch/files" "$scratch/image"
	sdk python3 powercut.py compare "$scratch/files" "$scratch/list"
}

once() { # options of the disk
	local seed
	cut "$1"
	for seed in 1 2 3; do look "$seed"; done
}

for ((round = 0; round < ${ROUNDS:-2}; round++)); do
	case $((round % 2)) in
	0) check "QEMU is killed: what was synced is there" once packed=off ;;
	1) check "QEMU is killed, packed ring: what was synced is there" once packed=on ;;
	esac
done
finish

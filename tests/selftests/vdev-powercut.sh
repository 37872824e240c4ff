#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# The power of a disk goes while a file system on it is written and synced. Its cache, which wrote
# to the medium what it liked, is lost. Afterwards the file system is sound, and all is there that was
# said to be safe.
#
# boot: vdev
# timeout: 120
# debug: no, what is left on a medium is decided by the device

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh

mnt=$scratch/mnt
mkdir "$mnt"

# A disk with a new file system on it, on which there is writing until the power is gone.
cut() { # slot, scenario, cut or lie, seed, [a cache type to be set]
	local disk
	scenario "$1" "$2"
	equal ok "$(vdev "$1" power on)"
	within 20 probe "$1"
	eventually 10 disk "$1"
	udevadm settle --timeout=20
	disk=$(disk "$1")
	[ -z "$5" ] || echo "$5" >"/sys/block/$disk/cache_type"
	# The journal is short, so that it begins anew now and then.
	mkfs.ext4 -q -F -J size=1 "/dev/$disk"
	mount "/dev/$disk" "$mnt"
	sync -f "$mnt"
	equal ok "$(vdev "$1" power "$3" "$4")"
	within 60 ./powercut.py write "$mnt" "/dev/$disk" >"$scratch/list" 2>"$scratch/errors"
	equal 4 "$(grep -cE 'Input/output|Read-only' "$scratch/errors")" "writers that saw an error"
	umount "$mnt"
	within 20 unbind "$1"
	verdict "$1"
	equal ok "$(vdev "$1" power on)"
}

# What was said to be safe is there. The kernel replays the journal when it mounts the file
# system. It may be refused, and does without errexit.
look() { # disk
	local status=0
	mount "/dev/$1" "$mnt" || return
	./powercut.py compare "$mnt" "$scratch/list" || status=1
	umount "$mnt" && e2fsck -fn "/dev/$1" && [ "$status" = 0 ]
}

back() { # slot
	within 20 probe "$1"
	eventually 10 disk "$1"
	grep -c '^+' "$scratch/list" >>"$scratch/counts"
}

safe() { # slot, scenario, seed, [cache type]
	cut "$1" "$2" cut "$3" "${4:-}"
	back "$1"
	look "$(disk "$1")"
}

# What all this can show: without flushes something is lost.
unsafe() { # slot, seed
	local disk
	cut "$1" good lie "$2" ''
	back "$1"
	disk=$(disk "$1")
	refused look "$disk"
}

records() {
	equal 10 "$(wc -l <"$scratch/counts")" "power cuts"
	greater "$(awk '{ sum += $1 } END { print sum }' "$scratch/counts")" 100 "records"
}

for seed in 1 2 3; do
	check "power cut $seed: what was synced is there" safe 12 good $seed
	check "power cut $seed, packed ring: what was synced is there" safe 13 good $seed
done
check "power cut of a disk that is told to write through" safe 12 good 4 'write through'
check "power cut of a disk without a cache" safe 13 blk-no-cache 5
check "a disk that forgets flushes loses something" unsafe 12 6
check "the same with a packed ring" unsafe 13 7
check "there was something to lose each time" records
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Errors of the device arrive as EIO, and the device goes on. QEMU fails reads at
# 40 MiB, writes at 44 MiB and all flushes.
#
# boot: blk
# timeout: 60

cd "$(dirname "$0")" || exit 1
. ./lib.sh

disk=$(disk 16.1)

read_at() { # MiB
	dd if="/dev/$disk" of=/dev/null bs=4k skip="$1M" count=1 iflag=direct,skip_bytes
}

write_at() { # MiB
	dd if=/dev/zero of="/dev/$disk" bs=4k seek="$1M" count=1 oflag=direct,seek_bytes
}

in_log() { # operation
	eventually 5 eval "log_lines 'I/O error, dev $disk, sector [0-9]+ op [^ ]*$1' | grep -qv '^0'"
}

flush() {
	fails_with 'Input/output error' dd if=/dev/zero of="/dev/$disk" bs=4k count=1 conv=fsync
}

# One bad sector among many requests at once fails its own, and no other.
one_of_many() {
	local output
	# Requests that the kernel merges fail together.
	echo 2 >"/sys/block/$disk/queue/nomerges"
	output=$(fio --name=many --filename="/dev/$disk" --direct=1 --ioengine=libaio --iodepth=32 --rw=read \
		--bs=4k --offset=36m --size=8m --continue_on_error=read --output-format=terse --terse-version=3) || :
	# The fifth field is the error code; the data are complete but for one block.
	equal 8188 "$(cut -d ';' -f 6 <<<"$output")" "KiB read"
}

# BLK-OP-16
# BLK-OP-20
check "a read fails with EIO" fails_with 'Input/output error' read_at 40
check "the kernel names the failed read" in_log READ
# BLK-OP-20
check "other reads work" read_at 39
check "a write fails with EIO" fails_with 'Input/output error' write_at 44
check "the kernel names the failed write" in_log WRITE
check "other writes work" write_at 43
# BLK-OP-20
check "a flush fails with EIO" flush
check "one bad sector among many fails alone" one_of_many
check "the disk still works" eval "for i in {1..20}; do refused read_at 40; read_at 8; done"
check "the disk still keeps data" round_trip "$disk"
finish

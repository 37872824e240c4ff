#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Disks of our own: which requests they get. Their capacity, their cache and whether they can be
# written are what they say, and what they are asked for is asserted on by them.
#
# boot: vdev
# timeout: 200

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh

# A disk, bound in a scenario.
bound_in() { # slot, scenario
	scenario "$1" "$2"
	within 20 probe "$1"
	eventually 10 disk "$1"
	udevadm settle --timeout=20
}

# Reads the last block, and not what is behind it.
end() { # slot, scenario, bytes of a block
	local disk
	bound_in "$1" "$2"
	disk=$(disk "$1")
	equal "$3" "$(disk_attribute "$1" queue/logical_block_size)" "bytes of a block"
	equal 131072 "$(disk_attribute "$1" size)" "sectors"
	within 20 dd if="/dev/$disk" of="$scratch/last" bs=4k skip=16383 count=1 iflag=direct status=none
	equal 4096 "$(stat -c %s "$scratch/last")" "bytes of the last block"
	within 20 dd if="/dev/$disk" of="$scratch/behind" bs=4k skip=16384 count=1 iflag=direct status=none || :
	equal 0 "$(stat -c %s "$scratch/behind")" "bytes behind the end"
	refused within 20 dd if=/dev/zero of="/dev/$disk" bs=4k seek=16384 count=1 oflag=direct status=none
	verdict "$1"
}

sectors() { # slot, sectors
	equal "$2" "$(disk_attribute "$1" size)" "sectors"
}

# Grows, shrinks, is empty, in use.
changes() { # slot
	local disk
	bound_in "$1" blk-changes
	disk=$(disk "$1")
	sectors "$1" 131072
	vdev "$1" "do grow"
	eventually 10 sectors "$1" 262144
	read_apart "$disk" 3
	vdev "$1" "do shrink"
	eventually 10 sectors "$1" 65536
	within 20 dd if="/dev/$disk" of="$scratch/back" bs=1M skip=31 iflag=direct status=none
	equal 1048576 "$(stat -c %s "$scratch/back")" "bytes of the last MiB"
	vdev "$1" "do empty"
	eventually 10 sectors "$1" 0
	within 20 dd if="/dev/$disk" of="$scratch/back" bs=4k count=1 iflag=direct status=none || :
	equal 0 "$(stat -c %s "$scratch/back")" "bytes of an empty disk"
	verdict "$1"
}

both() { # slot
	bound_in "$1" blk-changes-and-resets
	vdev "$1" "do grow-and-reset"
	eventually 15 restarted "$1"
	eventually 10 sectors "$1" 262144
	within 30 round_trip "$(disk "$1")"
	verdict "$1"
}

restarted() { # slot
	equal 1 "$(shown "$1" state restarts)" "restarts"
}

# Nobody writes, not even who says that it can be written.
read_only() { # slot
	local disk
	bound_in "$1" blk-read-only
	disk=$(disk "$1")
	equal 1 "$(disk_attribute "$1" ro)" "read-only"
	read_apart "$disk" 3
	refused within 20 dd if=/dev/zero of="/dev/$disk" bs=4k count=1 oflag=direct status=none
	# Whether that is possible is the block layer's to say.
	blockdev --setrw "/dev/$disk" || :
	refused within 20 dd if=/dev/zero of="/dev/$disk" bs=4k count=1 oflag=direct status=none
	verdict "$1"
}

# Written, and made safe.
written() { # slot
	within 20 dd if=/dev/zero of="/dev/$(disk "$1")" bs=64k count=4 conv=fsync status=none
}

no_cache() { # slot
	bound_in "$1" blk-no-cache
	equal "write through" "$(disk_attribute "$1" queue/write_cache)"
	written "$1"
	verdict "$1"
}

fixed_cache() { # slot
	bound_in "$1" blk-fixed-cache
	equal "write back" "$(disk_attribute "$1" queue/write_cache)"
	written "$1"
	verdict "$1"
}

switched_cache() { # slot
	local type
	bound_in "$1" blk-switched-cache
	type=/sys/block/$(disk "$1")/cache_type
	equal "write back" "$(cat "$type")"
	written "$1"
	echo 'write through' >"$type"
	equal "write through" "$(cat "$type")"
	equal "write through" "$(disk_attribute "$1" queue/write_cache)"
	written "$1"
	echo 'write back' >"$type"
	equal "write back" "$(cat "$type")"
	written "$1"
	verdict "$1"
}

# All sizes from a sector to what is cut into several requests, with flushes in between.
shapes() { # slot
	local disk size
	bound_in "$1" blk-shapes
	disk=$(disk "$1")
	for size in 512 1024 1536 4096 12800 65536 131072 1048576; do
		head -c "$size" /dev/urandom >"$scratch/data"
		within 20 dd if="$scratch/data" of="/dev/$disk" bs="$size" count=1 oflag=direct conv=fsync status=none
		within 20 dd if="/dev/$disk" of="$scratch/back" bs="$size" count=1 iflag=direct status=none
		cmp "$scratch/data" "$scratch/back"
	done
	equal vdev-with-20-letters "$(disk_attribute "$1" serial)"
	verdict "$1"
}

# BLK-OP-02
check "a disk is read up to its end, and not beyond" end 12 blk-end 512
# BLK-INIT-13
check "a disk of blocks of 4 KiB is asked for sectors of 512 bytes" end 13 blk-4k 4096
# CFG-10 BLK-OP-01 BLK-OP-22
check "a disk grows, shrinks and is empty" changes 12
check "a disk with a packed ring grows, shrinks and is empty" changes 13
# CFG-11
check "a disk grows and asks for a reset at once" both 12
# BLK-OP-03 BLK-OP-19
check "a disk that can not be written is not" read_only 12
# BLK-INIT-02
check "a disk without a cache is not flushed" no_cache 12
# BLK-INIT-01 BLK-INIT-03
check "a disk that can be flushed has a cache, and is" fixed_cache 13
# BLK-OP-12 BLK-OP-13
check "a disk is flushed when it is told to write through" switched_cache 12
# BLK-OP-05 BLK-OP-06 BLK-OP-17
check "requests are of header, sectors and status" shapes 12
check "requests on a packed ring are of header, sectors and status" shapes 13
finish

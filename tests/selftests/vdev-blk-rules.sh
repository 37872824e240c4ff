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

# Reads the last block, and not what is behind it.
end() { # slot, scenario, bytes of a block
	local disk
	disk_in "$1" "$2"
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
	disk_in "$1" blk-changes
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
	disk_in "$1" blk-changes-and-resets
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
	disk_in "$1" blk-read-only
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
	disk_in "$1" blk-no-cache
	equal "write through" "$(disk_attribute "$1" queue/write_cache)"
	written "$1"
	verdict "$1"
}

fixed_cache() { # slot
	disk_in "$1" blk-fixed-cache
	equal "write back" "$(disk_attribute "$1" queue/write_cache)"
	written "$1"
	verdict "$1"
}

switched_cache() { # slot
	local type
	disk_in "$1" blk-switched-cache
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
	disk_in "$1" blk-shapes
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

# Discards four ranges at once: the kernel merges what it is given in a row (io_uring's
# BLOCK_URING_CMD_DISCARD). Each of them ends with this error.
discard_four() { # disk, error
	python3 - "/dev/$1" "$2" <<-'EOT'
		import ctypes, mmap, os, struct, sys
		libc = ctypes.CDLL(None, use_errno=True)
		params = ctypes.create_string_buffer(120)
		ring = libc.syscall(425, 8, params)
		assert ring >= 0, os.strerror(ctypes.get_errno())
		sq = struct.unpack_from("10I", params, 40)
		cq = struct.unpack_from("10I", params, 80)
		entries = struct.unpack_from("2I", params, 0)
		# IORING_FEAT_SINGLE_MMAP: both rings are in one place.
		size = max(sq[6] + 4 * entries[0], cq[5] + 16 * entries[1])
		rings = mmap.mmap(ring, size, offset=0)
		sqes = mmap.mmap(ring, 64 * entries[0], offset=0x10000000)
		disk = os.open(sys.argv[1], os.O_RDWR)
		for place in range(4):
		    # IORING_OP_URING_CMD, from 1 MiB on, each second of 64 KiB.
		    sqe = struct.pack("<BBHiIIQIIQQQQ", 46, 0, 0, disk, 0x1200, 0,
		                      (16 + 2 * place) << 16, 0, 0, place, 0, 1 << 16, 0)
		    sqes[64 * place:64 * place + 64] = sqe
		    struct.pack_into("I", rings, sq[6] + 4 * place, place)
		struct.pack_into("I", rings, sq[1], 4)
		assert libc.syscall(426, ring, 4, 4, 1, None, 0) == 4
		for place in range(4):
		    result = struct.unpack_from("<Qi", rings, cq[5] + 16 * place)[1]
		    assert result == -int(sys.argv[2]), os.strerror(-result)
	EOT
}

# What 64 KiB from there on are, if they are all the same: byte_at vda 16.
byte_at() { # disk, place in units of 64 KiB
	dd if="/dev/$1" bs=64k skip="$2" count=1 iflag=direct status=none | od -An -v -tx1 -w1 | sort -u | tr -d ' \n'
}

# 4 MiB of the letter Z, 5a.
pattern() { # disk
	tr '\0' '\132' </dev/zero | within 20 dd of="/dev/$1" bs=1M count=4 iflag=fullblock oflag=direct status=none
}

# 64 KiB of zeroes that keep their place, and as many that need not.
zeroed() { # disk
	within 20 fallocate --zero-range --keep-size --offset 3712k --length 64k "/dev/$1"
	equal 00 "$(byte_at "$1" 58)" "zeroes that keep their place"
	within 20 fallocate --punch-hole --offset 3840k --length 64k "/dev/$1"
	equal 00 "$(byte_at "$1" 60)" "zeroes that need not keep their place"
	equal 5a "$(byte_at "$1" 59)" "kept between"
}

# The device shows what was done to sectors by what they hold afterwards.
ranges() { # slot
	local disk place
	disk_in "$1" blk-ranges
	disk=$(disk "$1")
	equal $((2048 * 512)) "$(disk_attribute "$1" queue/discard_max_bytes)" "bytes of a discard"
	equal $((8 * 512)) "$(disk_attribute "$1" queue/discard_granularity)" "bytes of a unit"
	equal $((1024 * 512)) "$(disk_attribute "$1" queue/write_zeroes_max_bytes)" "bytes of zeroes"
	pattern "$disk"
	within 20 discard_four "$disk" 0
	for place in 16 18 20 22; do
		equal dd "$(byte_at "$disk" $place)" "discarded at $place"
		equal 5a "$(byte_at "$disk" $((place + 1)))" "kept at $((place + 1))"
	done
	# More than a request may be about.
	within 20 blkdiscard --zeroout --offset 2M --length 1M "/dev/$disk"
	equal 00 "$(byte_at "$disk" 32)$(byte_at "$disk" 47 | tr -d 0)" "zeroes"
	within 20 blkdiscard --secure --offset 3M --length 512k "/dev/$disk"
	equal ee "$(byte_at "$disk" 48)" "discarded for good"
	equal ee "$(byte_at "$disk" 55)" "discarded for good"
	equal 5a "$(byte_at "$disk" 56)" "kept"
	zeroed "$disk"
	verdict "$1"
}

# Of a device that cannot take places away nobody wants that.
places() { # slot
	disk_in "$1" blk-ranges-kept
	pattern "$(disk "$1")"
	zeroed "$(disk "$1")"
	verdict "$1"
}

# All of a request fails, whatever the device did of it.
failures() { # slot
	local disk
	disk_in "$1" blk-ranges-error
	disk=$(disk "$1")
	within 20 discard_four "$disk" 5
	fails_with 'Input/output error' blkdiscard --length 64k "/dev/$disk"
	fails_with 'Input/output error' blkdiscard --secure --length 64k "/dev/$disk"
	fails_with 'Input/output error' blkdiscard --zeroout --length 64k "/dev/$disk"
	within 20 round_trip "$disk"
	verdict "$1"
}

# A device that does not support what it offers: to discard is advice, and zeroes can be written.
unsupported() { # slot
	local disk
	disk_in "$1" blk-ranges-unsupported
	disk=$(disk "$1")
	pattern "$disk"
	within 20 discard_four "$disk" 95
	within 20 blkdiscard --offset 1M --length 64k "/dev/$disk"
	equal 5a "$(byte_at "$disk" 16)" "not discarded"
	fails_with 'not supported' blkdiscard --secure --length 64k "/dev/$disk"
	within 20 blkdiscard --zeroout --offset 2M --length 1M "/dev/$disk"
	equal 00 "$(byte_at "$disk" 32)" "zeroes that were written"
	verdict "$1"
}

# Limits that do not fit to each other are none of the block layer's.
unaligned() { # slot
	local disk
	disk_in "$1" blk-ranges-unaligned
	disk=$(disk "$1")
	equal 0 "$(disk_attribute "$1" queue/discard_max_bytes)" "bytes of a discard"
	equal 0 "$(disk_attribute "$1" queue/write_zeroes_max_bytes)" "bytes of zeroes"
	refused within 20 blkdiscard "/dev/$disk"
	refused within 20 blkdiscard --secure "/dev/$disk"
	within 20 blkdiscard --zeroout --length 64k "/dev/$disk"
	equal 00 "$(byte_at "$disk" 0)" "zeroes"
	equal 3 "$(log_lines 'limits of .* make no sense')" "lines in the log"
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
# BLK-OP-07 BLK-OP-09 BLK-OP-10 BLK-OP-11 BLK-OP-14 BLK-OP-18
for slot in 12 13; do
	check "ranges are discarded, zeroed and erased at $slot as the disk wants it" ranges $slot
done
# BLK-OP-18
check "zeroes keep their place where the disk cannot take it" places 13
# BLK-OP-16
check "a request about several ranges fails as a whole" failures 12
# BLK-OP-21
check "a disk that does not support what it offers is written to instead" unsupported 13
# BLK-INIT-16
check "limits of ranges that make no sense are not used" unaligned 12
finish

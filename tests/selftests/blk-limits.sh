#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# What a disk says of itself in sysfs, and how it refuses what it cannot do.
#
# boot: blk
# timeout: 60

cd "$(dirname "$0")" || exit 1
. ./lib.sh

disk=$(disk 10)
blocks=$(disk 16.2)

limit() { # slot, attribute, wanted
	equal "$3" "$(disk_attribute "$1" "queue/$2")" "$2"
}

# QEMU's seg_max is two less than the queue's size: a header and a status. The driver
# may use less.
segments() { # slot, queue size
	greater "$(disk_attribute "$1" queue/max_segments)" 0 "max_segments"
	greater $(($2 - 1)) "$(disk_attribute "$1" queue/max_segments)" "limit of max_segments"
}

small_blocks() {
	fails_with 'Invalid argument' dd if="/dev/$blocks" of=/dev/null bs=512 count=1 iflag=direct
	dd if="/dev/$blocks" of=/dev/null bs=4096 count=1 iflag=direct
}

file_system() {
	mkfs.ext4 -q -F "/dev/$blocks"
	e2fsck -fn "/dev/$blocks"
}

# BLK-OP-02: a request past the end does not reach the device.
beyond() {
	fails_with 'No space left|Invalid argument' \
		dd if=/dev/zero of="/dev/$disk" bs=512 seek=$((512 << 11)) count=1 oflag=direct
	equal 0 "$(dd if="/dev/$disk" bs=1k skip=$(((512 << 10) - 1)) count=2 iflag=direct 2>/dev/null |
		tail -c +1025 | wc -c)" "bytes read past the end"
	equal 512 "$(dd if="/dev/$disk" bs=512 skip=$(((512 << 11) - 1)) count=2 iflag=direct 2>/dev/null | wc -c)" \
		"bytes of the last sector"
}

size() {
	equal $((512 << 20)) "$(blockdev --getsize64 "/dev/$disk")" "bytes"
	equal $((512 << 11)) "$(cat "/sys/block/$disk/size")" "sectors"
}

nodes() {
	[ -b "/dev/$disk" ]
	equal "$(cat "/sys/block/$disk/dev")" "$(stat -c '%Hr:%Lr' "/dev/$disk")" "device number"
}

# With udev, which not every guest has.
by_id() {
	local daemon=''
	udevadm control --ping 2>/dev/null || {
		/usr/lib/systemd/systemd-udevd >"$scratch/udevd" 2>&1 &
		daemon=$!
		eventually 20 udevadm control --ping
		udevadm trigger --settle "/sys/block/$disk"
	}
	udevadm settle
	[ -z "$daemon" ] || kill "$daemon"
	equal "/dev/$disk" "$(realpath /dev/disk/by-id/virtio-main-disk)"
}

# Calls for other kinds of disks: SG_IO, HDIO_GET_IDENTITY, HDIO_DRIVE_CMD, CDROMEJECT,
# CDROM_GET_CAPABILITY, and one that is nobody's.
ioctls() {
	python3 - "/dev/$disk" <<-'EOT'
		import errno, fcntl, os, sys
		file = os.open(sys.argv[1], os.O_RDONLY)
		for call in 0x2285, 0x030d, 0x031f, 0x5309, 0x5331, 0xdeadbeef:
		    try:
		        fcntl.ioctl(file, call, bytes(1024))
		        sys.exit(f"{call:#x} was accepted")
		    except OSError as error:
		        print(f"{call:#x}: {errno.errorcode[error.errno]}")
		        if error.errno not in (errno.ENOTTY, errno.EINVAL, errno.EOPNOTSUPP):
		            sys.exit(1)
	EOT
}

# No file system of today asks, but partitioners do.
geometry() {
	python3 - "/dev/$disk" <<-'EOT'
		import fcntl, os, struct, sys
		file = os.open(sys.argv[1], os.O_RDONLY)
		heads, sectors, cylinders, start = struct.unpack("BBHL", fcntl.ioctl(file, 0x0301, bytes(16)))
		print(heads, sectors, cylinders, start)
		assert heads and sectors and cylinders and not start
	EOT
}

partition() {
	echo 'start=2048, size=20480' | sfdisk -q --wipe always "/dev/$disk"
	udevadm settle
	equal 20480 "$(cat "/sys/block/$disk/${disk}1/size")" "size of the partition"
	round_trip "${disk}1"
	sfdisk -q --delete "/dev/$disk"
	wipefs -qa "/dev/$disk"
}

check "the node and its number" nodes
check "the size" size
# BLK-OP-02
check "requests past the end fail" beyond
check "the serial number" equal main-disk "$(disk_attribute 10 serial)"
# BLK-OP-23
check "a serial number of 3 characters" equal abc "$(disk_attribute 11 serial)"
# BLK-OP-08
check "a serial number of 20 characters" equal 12345678901234567890 "$(disk_attribute 12 serial)"
# BLK-OP-23
check "a disk without a serial number says nothing" equal "" "$(disk_attribute 13 serial)"
check "the link by serial number" by_id
check "blocks of 512 bytes" limit 10 logical_block_size 512
# BLK-INIT-15
check "segments follow the queue of 4 entries" segments 14.0 4
check "segments follow the queue of 1024 entries" segments 14.3 1024
check "the disk counts as rotational, as the C driver's does" limit 10 rotational 1
check "logical blocks of 4096 bytes" limit 16.2 logical_block_size 4096
check "physical blocks of 16384 bytes" limit 16.2 physical_block_size 16384
check "minimum size of I/O" limit 16.2 minimum_io_size 65536
check "optimal size of I/O" limit 16.2 optimal_io_size 262144
check "blocks of 4096 bytes: smaller requests are refused" small_blocks
# BLK-INIT-13
check "blocks of 4096 bytes: fio verifies" verify "$blocks" 32 8
check "blocks of 4096 bytes: a file system" file_system
check "calls for other disks are refused" ioctls
check "the geometry" geometry
check "a partition" partition
finish

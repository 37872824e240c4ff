#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# What is appended to zones. Nobody can ask a disk for that from user space; but the kernel's NVMe
# target makes an NVMe namespace with zones of such a disk, and passes on what is appended there.
#
# boot: vdev
# timeout: 120

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh

target=/sys/kernel/config/nvmet

# Whether a disk can be made a namespace.
can_append() {
	modprobe -q nvme-loop
	[ -e /dev/nvme-fabrics ] || return 1
	[ -d $target ] || mount -t configfs none /sys/kernel/config
}

# Takes the namespace from the disk, if there is one.
unexport() {
	local controller subsystem=$target/subsystems/append port=$target/ports/1
	for controller in /sys/class/nvme/nvme*/delete_controller; do
		[ ! -e "$controller" ] || echo 1 >"$controller"
	done
	[ ! -e $port ] || {
		rm -f $port/subsystems/append
		rmdir $port
	}
	[ ! -e $subsystem ] || rmdir $subsystem/namespaces/* $subsystem
}

# Makes the disk of a slot, bound in a scenario and empty, a namespace.
export_in() { # slot, scenario
	local subsystem=$target/subsystems/append port=$target/ports/1
	unexport
	disk_in "$1" "$2"
	disk=$(disk "$1")
	within 20 blkzone reset "/dev/$disk"
	mkdir $subsystem $subsystem/namespaces/1 $port
	echo 1 >$subsystem/attr_allow_any_host
	echo -n "/dev/$disk" >$subsystem/namespaces/1/device_path
	echo 1 >$subsystem/namespaces/1/enable
	echo loop >$port/addr_trtype
	ln -s $subsystem $port/subsystems/append
	echo transport=loop,nqn=append >/dev/nvme-fabrics
	eventually 10 namespace
}

# The namespace.
namespace() {
	ls /dev/ng*n1
}

# Appends so many bytes of a file, from a place on, to a zone. Prints where they are, or the status of
# NVMe.
append() { # zone, place, bytes
	within 20 python3 -c "$appender" "$(namespace)" "$scratch/data" "$@"
}
appender='
import ctypes, fcntl, mmap, os, struct, sys
NVME_IOCTL_IO64_CMD, APPEND = 0xC0504E48, 0x7D
zone, place, size = map(int, sys.argv[3:])
with open(sys.argv[2], "rb") as file:
    data = os.pread(file.fileno(), size, place)
# Whole pages: what is appended is not copied on its way.
memory = mmap.mmap(-1, size)
memory.write(data)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
command = bytearray(struct.pack("=BBHIIIQQII8IQ",
    APPEND, 0, 0, 1, 0, 0, 0, address, 0, size,
    zone * 8192, 0, size // 512 - 1, 0, 0, 0, 10000, 0, 0))
file = os.open(sys.argv[1], os.O_RDWR)
status = fcntl.ioctl(file, NVME_IOCTL_IO64_CMD, command)
print(f"status {status:#x}" if status else struct.unpack_from("=Q", command, 72)[0])
'

appends() { # slot
	export_in "$1" zoned-append
	head -c 256k /dev/urandom >"$scratch/data"
	# Each goes to where the one before ends, and in each zone apart.
	equal 8192 "$(append 1 0 65536)"
	equal 8320 "$(append 1 65536 4096)"
	equal 16384 "$(append 2 135168 65536)"
	equal 8328 "$(append 1 69632 65536)"
	within 20 dd if="/dev/$disk" of="$scratch/back" bs=4k skip=1024 count=33 iflag=direct status=none
	cmp -n 135168 "$scratch/data" "$scratch/back"
	within 20 dd if="/dev/$disk" of="$scratch/back" bs=4k skip=2048 count=16 iflag=direct status=none
	cmp -i 135168:0 -n 65536 "$scratch/data" "$scratch/back"
	# What is appended after what was written.
	within 20 dd if="$scratch/data" of="/dev/$disk" bs=64k seek=192 count=1 oflag=direct status=none
	equal 24704 "$(append 3 0 4096)"
	verdict "$1"
}

refuses() { # slot
	export_in "$1" zoned-append
	head -c 256k /dev/urandom >"$scratch/data"
	# Half of what is written at a time, and more than can be appended at a time.
	[[ $(append 1 0 512) == status* ]]
	[[ $(append 1 0 131072) == status* ]]
	# What a zone has no room for, or when it is full.
	within 20 dd if=/dev/zero of="/dev/$disk" bs=64k seek=64 count=47 oflag=direct status=none
	equal 14208 "$(append 1 0 61440)"
	[[ $(append 1 0 8192) == status* ]]
	equal 14328 "$(append 1 0 4096)"
	[[ $(append 1 0 4096) == status* ]]
	# Elsewhere it goes on.
	equal 16384 "$(append 2 0 4096)"
	verdict "$1"
}

# It claims to have appended elsewhere: that is an error to who appends, and nothing else is harmed.
lied_to() { # slot, scenario
	export_in "$1" "$2"
	head -c 64k /dev/urandom >"$scratch/data"
	[[ $(append 1 0 4096) == status* ]]
	equal 1 "$(log_lines 'claims to have appended')"
	verdict "$1"
}

disk=
if can_append; then
	# BLK-Z-06
	check "what is appended is where the disk says, each after the one before" appends 12
	check "the same on a packed ring" appends 13
	# BLK-Z-07 BLK-Z-08 BLK-Z-09
	check "what is too long, of no unit, or has no room is not appended" refuses 12
	# BLK-Z-13
	for what in elsewhere nowhere; do
		check "a disk that claims to have appended to another zone is not believed: $what" lied_to 12 zoned-append-$what
	done
	unexport
else
	skip "what is appended is where the disk says" "this kernel has no NVMe target"
fi
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# The same disks with the C driver and with ours: what sysfs and ioctls say of them is the same,
# but for what is listed here.
#
# boot: blk
# timeout: 90
# debug: no, that kernel has no C driver

cd "$(dirname "$0")" || exit 1
. ./lib.sh

# Many queues, one, few entries, packed, no vectors, read-only, large blocks, no cache, a cache that is
# fixed.
SLOTS=(10 11 14.0 14.5 15.0 16.0 16.2 16.3 16.5)

# What differs, and why.
differs() { # attribute, that of the C driver, ours, bytes of a block
	case $1 in
	# The block layer shows it when a driver has a time limit, which the C driver has not.
	queue/io_timeout) equal "" "$2" ;;
	# Requests are counted that fit into the queue at once, whose entries half of them use without
	# a table; and there is room for the tables of all from the beginning.
	queue/nr_requests | queue/async_depth | mq/*/nr_tags | queue/max_segments) [ "$2" -ge "$3" ] ;;
	# Whole sectors, and whole blocks.
	queue/max_segment_size) equal $(($2 / 512 * 512)) "$3" ;;
	queue/discard_max_bytes | queue/discard_max_hw_bytes | queue/write_zeroes_max_bytes)
		equal $(($2 / $4 * $4)) "$3"
		;;
	# Partitions get their device numbers from the block layer, as those of NVMe do: there is no limit
	# to them, and none is set aside.
	range) equal "16 0" "$2 $3" ;;
	*) return 1 ;;
	esac
}

# All attributes of a disk that say what it is, and what it answers, one a line: name, mode, value.
ask() { # disk
	python3 - "$1" <<-'EOT'
		import fcntl, os, sys
		# What happened to it, who it is, and what is not the driver's.
		others = "stat inflight dev diskseq uevent power trace bdi holders slaves device subsystem integrity"
		others = set(others.split())
		top = f"/sys/block/{sys.argv[1]}"
		for path, directories, files in os.walk(top):
		    directories[:] = [name for name in directories if name not in others]
		    for name in files:
		        name = os.path.join(path, name)
		        mode = os.stat(name).st_mode & 0o777
		        if os.path.basename(name) in others or not mode & 0o444:
		            continue
		        try:
		            with open(name) as file:
		                value = file.read().strip()
		        except OSError as error:
		            value = error.strerror
		        print(os.path.relpath(name, top), f"{mode:o}", value.replace("\n", "; "), sep="\t")
		file = os.open(f"/dev/{sys.argv[1]}", os.O_RDONLY)
		calls = {
		    "HDIO_GETGEO": 0x0301, "BLKROGET": 0x125E, "BLKSECTGET": 0x1267, "BLKSSZGET": 0x1268,
		    "BLKIOMIN": 0x1278, "BLKIOOPT": 0x1279, "BLKALIGNOFF": 0x127A, "BLKPBSZGET": 0x127B,
		    "BLKROTATIONAL": 0x127E, "BLKGETSIZE64": 0x80081272, "BLKGETZONESZ": 0x80041284,
		    "BLKGETNRZONES": 0x80041285, "SG_IO": 0x2285, "CDROM_GET_CAPABILITY": 0x5331,
		}
		for name, call in calls.items():
		    try:
		        answer = fcntl.ioctl(file, call, bytes(64)).rstrip(b"\0").hex()
		    except OSError as error:
		        answer = error.strerror
		    print(name, "-", answer, sep="\t")
	EOT
}

show() { # slot, driver, file
	reserve "$1" "$2"
	within 20 probe "$1"
	equal "$2" "$(driver_of "$1")"
	eventually 10 disk "$1"
	ask "$(disk "$1")" | sort >"$scratch/$3"
	unbind "$1"
}

same() { # slot
	local block name mode value our_mode our_value different=0
	show "$1" virtio-pci c
	show "$1" virtio_blk_rust rust
	greater "$(wc -l <"$scratch/c")" 60 "attributes"
	block=$(awk '$1 == "queue/logical_block_size" { print $3 }' "$scratch/c")
	while IFS=$'\x1f' read -r name mode value our_mode our_value; do
		[ "$mode $value" != "$our_mode $our_value" ] || continue
		if ! { [ "${mode:-$our_mode}" = "$our_mode" ] && differs "$name" "$value" "$our_value" "$block"; }; then
			echo "$name: '$value' ($mode), ours '$our_value' ($our_mode)"
			different=1
		fi
	done < <(join -t $'\t' -a 1 -a 2 -o 0,1.2,1.3,2.2,2.3 "$scratch/c" "$scratch/rust" | tr '\t' '\37')
	equal 0 "$different" "differences"
}

# Both drivers count disks from vda on: only one disk is there at a time.
modprobe virtio_blk
mapfile -t all < <(cd /sys/bus/pci/drivers/virtio_blk_rust && printf '%s\n' 0000:*)
for address in "${all[@]}"; do echo "$address" >/sys/bus/pci/drivers/virtio_blk_rust/unbind; done
for slot in "${SLOTS[@]}"; do
	check "the disk at $slot" same "$slot"
	reserve "$slot"
done
for address in "${all[@]}"; do echo "$address" >/sys/bus/pci/drivers/virtio_blk_rust/bind; done
equal_disks() {
	equal "${#all[@]}" "$(find /sys/bus/pci/drivers/virtio_blk_rust/ -name '0000:*' | wc -l)"
}
check "all disks are back" equal_disks
finish

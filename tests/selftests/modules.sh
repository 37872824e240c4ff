#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Modules are not removed while something needs them, and otherwise at any time.
#
# boot: drivers
# timeout: 120

cd "$(dirname "$0")" || exit 1
. ./lib.sh

mnt=$scratch/mnt
mkdir "$mnt"

users() { # module
	cat "/sys/module/$1/refcnt"
}

library_in_use() {
	fails_with 'in use by:.*virtio_(blk|rng)_rust' rmmod virtio_rust
	[ -d /sys/module/virtio_rust ]
	ls /sys/module/virtio_rust/holders/virtio_blk_rust /sys/module/virtio_rust/holders/virtio_rng_rust
}

unused() {
	equal 0 "$(users virtio_blk_rust)" "users"
}

# udev looks at a disk that has just come or was just written to, and has it open meanwhile.
let_go() {
	udevadm settle -t 20 || :
	eventually 10 unused
}

mounted() {
	local disk
	disk=$(disk 10)
	mkfs.ext4 -q -F "/dev/$disk"
	let_go
	mount "/dev/$disk" "$mnt"
	head -c 4M /dev/urandom >"$mnt/file"
	sha256sum "$mnt/file" >"$scratch/sum"
	# The reason is in lsmod.
	greater "$(users virtio_blk_rust)" 0 "users"
	fails_with 'is in use' rmmod virtio_blk_rust
	sha256sum -c "$scratch/sum"
}

opened() {
	umount "$mnt"
	let_go
	exec 5<"/dev/$(disk 10)"
	fails_with 'is in use' rmmod virtio_blk_rust
	exec 5<&-
	let_go
}

remove_blk() {
	local disk
	disk=$(disk 10)
	let_go
	within 30 rmmod virtio_blk_rust
	[ ! -d /sys/module/virtio_blk_rust ]
	refused bound 10
	[ ! -e "/sys/block/$disk" ]
	[ ! -e "/dev/$disk" ]
}

# As the runner has reserved the device, it comes back by itself.
insert_blk() {
	insmod "$MODULES/virtio_blk_rust.ko"
	equal virtio_blk_rust "$(driver_of 10)" "driver"
	mount "/dev/$(disk 10)" "$mnt"
	sha256sum -c "$scratch/sum"
	umount "$mnt"
}

# While it is read, a generator's module goes, and readers find another one or none.
remove_rng() {
	local reader
	while :; do head -c 6400 /dev/hwrng; sleep 0.01; done >/dev/null 2>&1 &
	reader=$!
	sleep 1
	within 30 rmmod virtio_rng_rust || { kill "$reader"; return 1; }
	# It may have ended by itself when its device went.
	kill "$reader" 2>/dev/null || :
	[ ! -d /sys/module/virtio_rng_rust ]
	refused bound 11
	equal "" "$(generators)" "generators"
}

remove_library() {
	let_go
	rmmod virtio_blk_rust
	rmmod virtio_rust
	[ ! -d /sys/module/virtio_rust ]
}

insert_all() {
	insmod "$MODULES/virtio_rust.ko"
	insmod "$MODULES/virtio_blk_rust.ko"
	insmod "$MODULES/virtio_rng_rust.ko"
	equal virtio_blk_rust "$(driver_of 10)" "driver"
	equal virtio_rng_rust "$(driver_of 11)" "driver"
}

work() {
	round_trip "$(disk 10)"
	choose 11
	head -c 640 /dev/hwrng >/dev/null
}

# All of it, many times.
many_times() {
	local _
	for _ in {1..10}; do
		let_go
		rmmod virtio_blk_rust virtio_rng_rust virtio_rust
		insert_all
	done
}

# A module that drives one device at a time does not need those that drive others.
alone() {
	let_go
	rmmod virtio_blk_rust
	equal "virtio_rng_rust" "$(ls /sys/module/virtio_rust/holders)" "users of the library"
	insmod "$MODULES/virtio_blk_rust.ko"
	modinfo -F depends "$MODULES/virtio_rng_rust.ko" | grep -x virtio_rust
	modinfo -F depends "$MODULES/virtio_blk_rust.ko" | grep -x virtio_rust
}

# Other tests of the same boot need the drivers, whatever became of this one.
restore() {
	local module
	umount -q "$mnt" || :
	for module in virtio_rust virtio_blk_rust virtio_rng_rust; do
		[ -d "/sys/module/$module" ] || insmod "$MODULES/$module.ko" || :
	done
}

if [ "$(driver_kind 10)" = rust ]; then
	check "the library is not removed under its drivers" library_in_use
	check "the block driver is not removed under a file system" mounted
	check "the block driver is not removed under an open disk" opened
	check "the block driver is removed" remove_blk
	check "the block driver is inserted, and the data are there" insert_blk
	check "the generator's driver is removed under a reader" remove_rng
	check "the library is removed" remove_library
	check "all are inserted" insert_all
	check "all work" work
	check "all are removed and inserted ten times" many_times
	check "all work after that" work
	check "drivers do not need one another" alone
	restore
else
	skip "the library is not removed under its drivers" "it has no C drivers"
fi
finish

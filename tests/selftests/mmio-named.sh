#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices on the platform bus that nothing tells of but the parameter of the library: device=. ACPI
# tells of them here, and its own ones are kept from all drivers.
#
# guest: --machine microvm --cpus 2 --no-bind
# guest: --device virtio-rng-device
# image: named 96M
# guest: --qemu '-blockdev driver=file,node-name=named,filename=@DIR@/named'
# guest: --device virtio-blk-device,drive=named,serial=named
# timeout: 120

cd "$(dirname "$0")" || exit 1
. ./lib.sh

BUS=/sys/bus/platform
PARAMETER=/sys/module/virtio_rust/parameters/device

device() { # number
	echo "$BUS/devices/virtio-mmio.$1"
}

probe() { # number
	address "$1" >$BUS/drivers_probe
	bound "$1"
}

# Where a device of ACPI is, as the parameter wants it: its registers and its interrupt.
place() { # device, 
	local registers irq name state
	registers=$(sed -nE "s/^ *([0-9a-f]+)-([0-9a-f]+) : ${1##*/}\$/0x\1 0x\2/p" /proc/iomem)
	state=$(grep -lx "device ${1##*/}" /sys/kernel/debug/virtio_rust/*/state)
	name=$(basename "$(dirname "$state")")
	irq=$(basename "$(dirname "$(grep -lx "$name" /sys/kernel/irq/*/actions)")")
	# shellcheck disable=SC2086
	set -- $registers
	printf '%#x@%s:%d' $(($2 - $1 + 1)) "$1" "$irq"
}

declare -A at=()
for path in "$BUS"/devices/LNRO0005:*; do
	[ -e "$path/driver" ] || continue
	at[$(basename "$(readlink "$path/driver")")]=$(place "$path")
	echo nobody >"$path/driver_override"
done
rng=${at[virtio_rng_rust]} blk=${at[virtio_blk_rust]}
rmmod virtio_blk_rust virtio_rng_rust virtio_rust

insert_all() { # parameters...
	insmod "$MODULES/virtio_rust.ko" "$@"
	insmod "$MODULES/virtio_rng_rust.ko"
	insmod "$MODULES/virtio_blk_rust.ko"
}

remove_all() {
	rmmod virtio_blk_rust virtio_rng_rust virtio_rust
	equal 0 "$(find $BUS/devices/ -name 'virtio-mmio.*' | wc -l)" "devices"
	[ ! -e /sys/devices/virtio-mmio-rust ]
}

none() {
	insert_all
	equal "" "$(cat $PARAMETER)" "devices"
	remove_all
}

# The first one gets a number, the second one has one.
found() {
	insert_all "device=$rng" "device=$blk:7"
	cat $PARAMETER
	equal "$rng:0
$blk:7" "$(cat $PARAMETER)" "devices"
	equal 400 "$(stat -c %a $PARAMETER)" "mode"
	equal virtio_rng_rust "$(driver_of 0)" "driver"
	equal virtio_blk_rust "$(driver_of 7)" "driver"
	[ -e /sys/devices/virtio-mmio-rust/virtio-mmio.7 ]
}

# Where there is nothing, nobody takes it, without a word; and it is in the way of nobody.
nothing() {
	insert_all "device=4K@0xfd000000:5:3" "device=$blk"
	equal virtio_blk_rust "$(driver_of 4)" "driver"
	[ ! -e "$(device 3)/driver" ]
	! dmesg | grep -E 'virtio-mmio\.3: .*(fail|error|magic)'
	remove_all
}

refusals() {
	local text
	for text in '' 512 512@0 512@0xfeb00000:0 512@0xfeb00000:5: 512@0xfeb00000:5:x 0@0xfeb00000:5 \
		0x200@0xffffffffffffff00:5 512@0xfeb00000:5:2147483648 512@0xfeb00000:5:1:1; do
		echo "$text"
		refused insmod "$MODULES/virtio_rust.ko" "device=$text"
		[ ! -e /sys/module/virtio_rust ]
	done
	# Two of one number, and one in the place of another: what was made of them is gone.
	refused insmod "$MODULES/virtio_rust.ko" "device=512@0xfd000000:5:1" "device=512@0xfd001000:5:1"
	refused insmod "$MODULES/virtio_rust.ko" "device=512@0xfd000000:5:1" "device=512@0xfd000100:5:2"
	[ ! -e "$(device 1)" ]
	[ ! -e /sys/devices/virtio-mmio-rust ]
}

check "without the parameter there are none" none
check "devices are where the parameter says" found
check "a generator works" generator_works 0
check "a disk works: fio verifies" verify "$(disk 7)" 16 8
check "they go with the library" remove_all
check "where there is none, nobody complains" nothing
check "what is not of that form is refused, and nothing is left" refusals
finish

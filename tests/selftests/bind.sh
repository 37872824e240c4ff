#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Which driver has which device: by hand, by driver_override, by modalias.
#
# boot: drivers
# timeout: 120

cd "$(dirname "$0")" || exit 1
. ./lib.sh

kind=$(driver_kind 10)
block_driver=$(driver_of 10) rng_driver=$(driver_of 11)

by_override() { # slot
	reserve "$1" virtio-pci
	probe "$1"
	equal virtio-pci "$(driver_of "$1")" "driver"
	reserve "$1" "$2"
	probe "$1"
	equal "$2" "$(driver_of "$1")" "driver"
}

works() {
	round_trip "$(disk 10)"
	choose 11
	head -c 640 /dev/hwrng >/dev/null
}

# Without an override each driver takes the device when it is told to.
by_hand() {
	reserve 10
	address 10 >/sys/bus/pci/drivers/virtio-pci/bind
	equal virtio-pci "$(driver_of 10)" "driver"
	unbind 10
	address 10 >"/sys/bus/pci/drivers/$block_driver/bind"
	equal "$block_driver" "$(driver_of 10)" "driver"
	round_trip "$(disk 10)"
	echo "$block_driver" >"$(device 10)/driver_override"
}

twice() {
	refused eval "address 10 >/sys/bus/pci/drivers/$block_driver/bind"
	round_trip "$(disk 10)"
}

# PCI-DISC-05: a driver does not take a device of another type, not even when it is told to.
other_type() {
	reserve 11 "$block_driver"
	refused probe 11
	refused eval "address 11 >/sys/bus/pci/drivers/$block_driver/bind"
	[ ! -e "$(device 11)/driver" ]
	reserve 11 "$rng_driver"
	probe 11
	equal "$rng_driver" "$(driver_of 11)" "driver"
}

# PCI-DISC-03, PCI-DISC-04: ids old and new, by which user space finds the module.
aliases() { # slot, module
	local alias modalias
	modalias=$(cat "$(device "$1")/modalias")
	while read -r alias; do
		# shellcheck disable=SC2053
		[[ $modalias != $alias ]] || return 0
	done < <(modinfo -F alias "$MODULES/$2.ko")
	echo "none of $2's aliases matches $modalias"
	return 1
}

no_others_aliases() { # slot, module
	refused aliases "$1" "$2"
}

# A tree of modules with ours alone.
install_modules() {
	local directory
	directory=$scratch/tree/lib/modules/$(uname -r)
	mkdir -p "$directory"
	cp "$MODULES"/virtio_*rust.ko "$directory"
	# A kernel with all that it needs built in may come without any.
	cp "/lib/modules/$(uname -r)"/modules.{builtin,order}* "$directory" || :
	depmod -b "$scratch/tree" "$(uname -r)"
}

# The module comes with what it needs when it is asked for by the device's name.
autoload() { # slot, module
	unbind "$1"
	rmmod "$2" || return
	modprobe -d "$scratch/tree" "$(cat "$(device "$1")/modalias")"
	[ -d "/sys/module/$2" ]
	bound "$1" || probe "$1"
	equal "$2" "$(driver_of "$1")" "driver"
}

check "driver_override: a disk goes from driver to driver" by_override 10 "$block_driver"
check "driver_override: a generator goes from driver to driver" by_override 11 "$rng_driver"
check "both work" works
check "bound by hand" by_hand
check "a device is not bound twice" twice
if [ "$kind" = rust ]; then
	check "a device of another type is refused" other_type
	check "modalias: a modern disk" aliases 10 virtio_blk_rust
	check "modalias: a transitional disk" aliases 17 virtio_blk_rust
	check "modalias: a modern generator" aliases 18 virtio_rng_rust
	check "modalias: a transitional generator" aliases 1a virtio_rng_rust
	check "modalias: a disk is not a generator" no_others_aliases 10 virtio_rng_rust
	check "modalias: a transitional disk is not a generator" no_others_aliases 17 virtio_rng_rust
	check "depmod takes our modules" install_modules
	check "autoload: a disk's driver" autoload 10 virtio_blk_rust
	check "autoload: a generator's driver" autoload 11 virtio_rng_rust
	check "both work again" works
fi
finish

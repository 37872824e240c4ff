#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# A device that the drivers cannot use is refused with one line that says why, and
# nothing else happens.
#
# boot: drivers
# timeout: 60
# debug: no, that kernel has no C drivers of these devices

cd "$(dirname "$0")" || exit 1
. ./lib.sh

# PCI-INIT-02, RSV-02
refuse() { # slot, driver
	local before
	before=$(log_lines "${2}.*0000:00:$1")
	reserve "$1" "$2"
	refused probe "$1"
	[ ! -e "$(device "$1")/driver" ]
	kernel_log | grep "0000:00:$1" | tail -n 3
	equal $((before + 1)) "$(log_lines "$2 0000:00:$1")" "lines of the driver about the device"
	kernel_log | grep -E "$2 0000:00:$1.*legacy"
}

# What does not bind has not kept the device busy, either.
usable() { # slot
	reserve "$1"
	address "$1" >/sys/bus/pci/drivers/virtio-pci/bind
	equal virtio-pci "$(driver_of "$1")" "driver"
}

others() {
	round_trip "$(disk 10)"
	choose 11
	head -c 640 /dev/hwrng >/dev/null
}

if [ "$(driver_kind 10)" = rust ]; then
	check "a legacy disk is refused with one line" refuse 19 virtio_blk_rust
	check "a legacy generator is refused with one line" refuse 1a virtio_rng_rust
	check "refused again, with one line again" refuse 19 virtio_blk_rust
	check "the kernel's driver can have the disk" usable 19
	check "the kernel's driver can have the generator" usable 1a
	check "other devices work" others
else
	skip "a legacy disk is refused with one line" "the C driver can use it"
fi
finish

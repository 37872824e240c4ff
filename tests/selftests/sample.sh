#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# The driver of the driver author's guide.
#
# boot: drivers
# timeout: 60

cd "$(dirname "$0")" || exit 1
. ./lib.sh

previous=$(driver_of 11)

insert() {
	reserve 11 rust_driver_virtio
	[ -d /sys/module/virtio_rust ] || insmod "$MODULES/virtio_rust.ko"
	insmod "$MODULES/rust_driver_virtio.ko"
	equal rust_driver_virtio "$(driver_of 11)" "driver"
}

# 16 bytes, which are hardly all the same.
says() {
	local line
	line=$(kernel_log | grep -oE 'rust_driver_virtio 0000:00:11.0: virtio[0-9]+ says \[([0-9a-f]{2}(, )?){16}\]$' | tail -n 1)
	echo "$line"
	greater "$(sed 's/.*\[//; s/\]//' <<<"$line" | tr -d ' ' | tr ',' '\n' | sort -u | wc -l)" 8 "different bytes"
}

again() {
	unbind 11
	probe 11
	equal 2 "$(log_lines 'rust_driver_virtio .* says')" "lines"
}

remove() {
	within 10 rmmod rust_driver_virtio
	refused bound 11
	reserve 11 "$previous"
	probe 11
	equal "$previous" "$(driver_of 11)" "driver"
}

check "the sample is inserted and takes the device" insert
check "it logs what the device gave" says
check "it is bound again" again
check "it is removed, and the device goes on" remove
finish

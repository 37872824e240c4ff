#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices of version 1 on the platform bus: the legacy interface (VIRTIO 1.4, 4.2.4).
#
# guest: --machine microvm --cpus 2 --no-bind
# guest: --qemu '-global virtio-mmio.force-legacy=true'
# guest: --device virtio-rng-device --device virtio-rng-device,indirect_desc=off
# image: plain 96M
# guest: --qemu '-blockdev driver=file,node-name=plain,filename=@DIR@/plain'
# guest: --device virtio-blk-device,drive=plain,num-queues=2,serial=plain
# image: small 96M
# guest: --qemu '-blockdev driver=file,node-name=small,filename=@DIR@/small'
# guest: --device virtio-blk-device,drive=small,num-queues=1,queue-size=16,indirect_desc=off,event_idx=off,serial=small
# image: packed 96M
# guest: --qemu '-blockdev driver=file,node-name=packed,filename=@DIR@/packed'
# guest: --device virtio-blk-device,drive=packed,num-queues=2,packed=on,iommu_platform=on,serial=packed
# image: swap 512M
# guest: --qemu '-blockdev driver=file,node-name=swap,filename=@DIR@/swap'
# guest: --device virtio-blk-device,drive=swap,num-queues=1,serial=swap
# timeout: 300
# debug: no, vdev-legacy-rust.sh and vdev-legacy-hostile.sh have this interface

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./mmio-lib.sh

# shellcheck disable=SC2034
TIMES=20

plain=$(numbered plain) small=$(numbered small) packed=$(numbered packed) swap=$(numbered swap)
mapfile -t sources < <(of_driver virtio_rng_rust)

# Nothing of the time after it, whatever the device has.
is_old() { # number
	local features
	features=/sys/kernel/debug/virtio_rust/$(virtio_name "$1")/features
	cat "$features"
	grep -E '^28 .* negotiated$' "$features"
	refused grep -E '^(3[2-9]|[4-9][0-9]|1[0-9][0-9]) .* negotiated$' "$features"
	form "$1" split
}

check "each device has the driver of its kind, and nobody complains" drivers
# MMIO-LEG-01
check "a disk has features of the legacy interface, and no others" is_old "$plain"
check "so has one that would have packed rings and the DMA API" is_old "$packed"
# MMIO-LEG-13
check "both queues of a disk have their interrupts by one line" queues "$plain"
check "fio verifies" verify "$(disk "$plain")" 16 8
check "fio verifies: small queue, no indirect descriptors" verify "$(disk "$small")" 16 8
check "fio verifies: a disk that has more than it can show" verify "$(disk "$packed")" 16 8
check "a generator gives what is random" generator_works "${sources[0]}"
check "a generator without indirect descriptors does, too" generator_works "${sources[1]}"
# MMIO-LEG-02 MMIO-LEG-09
check "a disk comes and goes $TIMES times under load" rebind "$plain"
check "a disk with a small queue does, too" rebind "$small"
check_copy "$swap" "$plain" "${sources[0]}"
check "a generator comes and goes $TIMES times" rebind_generator "${sources[0]}"
finish

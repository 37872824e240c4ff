#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices on the platform bus, whose registers are in memory: a machine without PCI, of which
# ACPI says where they are. Each has its own interrupt line.
#
# guest: --machine microvm --cpus 2 --no-bind
# guest: --device virtio-rng-device --device virtio-rng-device,packed=on
# image: split 96M
# guest: --qemu '-blockdev driver=file,node-name=split,filename=@DIR@/split'
# guest: --device virtio-blk-device,drive=split,num-queues=2,serial=split
# image: packed 96M
# guest: --qemu '-blockdev driver=file,node-name=packed,filename=@DIR@/packed'
# guest: --device virtio-blk-device,drive=packed,num-queues=2,packed=on,serial=packed
# image: platform 96M
# guest: --qemu '-blockdev driver=file,node-name=platform,filename=@DIR@/platform'
# guest: --device virtio-blk-device,drive=platform,num-queues=1,iommu_platform=on,serial=platform
# image: swap 512M
# guest: --qemu '-blockdev driver=file,node-name=swap,filename=@DIR@/swap'
# guest: --device virtio-blk-device,drive=swap,num-queues=1,serial=swap
# timeout: 300

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./mmio-lib.sh

TIMES=20

split=$(numbered split) packed=$(numbered packed) platform=$(numbered platform) swap=$(numbered swap)
mapfile -t sources < <(of_driver virtio_rng_rust)

aliases() {
	local module
	for module in virtio_rng_rust virtio_blk_rust; do
		modinfo -F alias "$MODULES/$module.ko" | tee "$scratch/aliases"
		grep -F 'acpi*:LNRO0005:*' "$scratch/aliases"
		grep -F 'of:N*T*Cvirtio,mmio' "$scratch/aliases"
		grep -F 'pci:v00001AF4' "$scratch/aliases"
	done
}

# driver_override says whose a device is, also when the C driver is there.
override() {
	local number=${sources[1]}
	reserve "$number" virtio-mmio
	modprobe virtio_mmio
	modprobe virtio-rng
	probe "$number"
	equal virtio-mmio "$(driver_of "$number")" "driver"
	# It has taken nothing else.
	equal 1 "$(find "$BUS/drivers/virtio-mmio/" -name 'LNRO0005:*' | wc -l)" "devices of the C driver"
	unbind "$number"
	reserve "$number" virtio_rng_rust
	probe "$number"
	equal virtio_rng_rust "$(driver_of "$number")" "driver"
	rmmod virtio_mmio
	reserve "$number"
	probe "$number"
	generator_works "$number"
}

check "each device has the driver of its kind, and nobody complains" drivers
check "modules are found by ACPI, device tree and PCI" aliases
check "packed rings are used where they are offered" form "$packed" packed
check "split rings are used where packed ones are not" form "$split" split
check "the DMA API is used where the device wants that" negotiated "$platform" VERSION_1 ACCESS_PLATFORM
# MMIO-INT-02
check "both queues of a disk have their interrupts by one line" queues "$split"
check "fio verifies: split rings" verify "$(disk "$split")" 16 8
check "fio verifies: packed rings" verify "$(disk "$packed")" 16 8
check "fio verifies: by the DMA API" verify "$(disk "$platform")" 16 8
check "a generator gives what is random" generator_works "${sources[0]}"
check "a generator with a packed ring does, too" generator_works "${sources[1]}"
check "a disk comes and goes $TIMES times under load" rebind "$split"
check "a disk with packed rings does, too" rebind "$packed"
check_copy "$swap" "$packed" "${sources[1]}"
check "a generator comes and goes $TIMES times" rebind_generator "${sources[0]}"
if modprobe -qn virtio_mmio; then
	check "a device is whose driver_override says" override
else
	skip "a device is whose driver_override says" "this kernel has no C driver"
fi
finish

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
# timeout: 180

cd "$(dirname "$0")" || exit 1
. ./lib.sh

TIMES=20
BUS=/sys/bus/platform

# Here a device is named by its number at ACPI, and its interrupt is found by its name.
device() { # number
	echo "$BUS/devices/LNRO0005:$1"
}

probe() { # number
	address "$1" >$BUS/drivers_probe
	bound "$1"
}

irqs() { # number
	local irq name
	name=$(virtio_name "$1")
	for irq in /sys/kernel/irq/*; do
		! grep -qx "$name" "$irq/actions" || basename "$irq"
	done
}

virtio_name() { # number
	local state
	state=$(grep -lx "device LNRO0005:$1" /sys/kernel/debug/virtio_rust/*/state)
	basename "$(dirname "$state")"
}

numbers() {
	local path
	for path in "$(device '')"*; do echo "${path##*:}"; done
}

# The number of the disk with this serial number.
numbered() { # serial
	local number
	for number in $(numbers); do
		! grep -qx "$1" "$(device "$number")"/block/vd*/serial 2>/dev/null || echo "$number"
	done
}

of_driver() { # driver
	local number
	for number in $(numbers); do
		[ "$(driver_of "$number")" != "$1" ] || echo "$number"
	done
}

split=$(numbered split) packed=$(numbered packed) platform=$(numbered platform)
mapfile -t sources < <(of_driver virtio_rng_rust)

# Each driver was asked about each device, and left those of the other kind to the other.
drivers() {
	equal 3 "$(of_driver virtio_blk_rust | wc -l)" "disks"
	equal 2 "${#sources[@]}" "generators"
	! dmesg | grep LNRO0005 | grep -iE 'fail|error|not a|cannot'
}

aliases() {
	local module
	for module in virtio_rng_rust virtio_blk_rust; do
		modinfo -F alias "$MODULES/$module.ko" | tee "$scratch/aliases"
		grep -F 'acpi*:LNRO0005:*' "$scratch/aliases"
		grep -F 'of:N*T*Cvirtio,mmio' "$scratch/aliases"
		grep -F 'pci:v00001AF4' "$scratch/aliases"
	done
}

form() { # number, form
	equal "$2" "$(shown "$1" queue0 form)" "form"
}

negotiated() { # number, names...
	local name features
	features=/sys/kernel/debug/virtio_rust/$(virtio_name "$1")/features
	shift
	cat "$features"
	for name; do
		grep -E "^[0-9]+ (VIRTIO_F_)?$name negotiated$" "$features"
	done
}

# One line for all: each queue has its answers by it.
queues() {
	local before cpu irq
	irq=$(irqs "$split")
	equal 2 "$(find "/sys/block/$(disk "$split")/mq" -mindepth 1 -maxdepth 1 | wc -l)" "queues"
	before=$(irq_count "$irq")
	for cpu in 0 1; do read_apart "$(disk "$split")" 20 $cpu; done
	greater "$(irq_count "$irq")" $((before + 30)) "interrupts"
	greater "$(shown "$split" queue0 interrupts)" 10 "interrupts of the first queue"
	greater "$(shown "$split" queue1 interrupts)" 10 "interrupts of the second queue"
}

# Writes beyond what the test looks at, on a disk that comes and goes.
writes() { # number
	local disk
	set +eE
	while :; do
		disk=$(disk "$1") && dd if=/dev/zero of="/dev/$disk" bs=64k seek=512 count=200 oflag=direct conv=nocreat
		sleep 0.01
	done
}

rebind() { # number
	local i load
	set -m
	writes "$1" >"$scratch/load" 2>&1 &
	load=$!
	set +m
	for ((i = 0; i < TIMES; i++)); do
		[ $((i % 4)) != 0 ] || sleep 0.3
		unbind "$1"
		refused bound "$1"
		probe "$1"
	done
	kill -- -$load
	within 20 tail --pid=$load -f /dev/null
	greater "$(grep -c copied "$scratch/load")" 1 "times that something was written"
	round_trip "$(disk "$1")"
}

rebind_generator() {
	local i
	for ((i = 0; i < TIMES; i++)); do
		unbind "${sources[0]}"
		probe "${sources[0]}"
	done
	generator_works "${sources[0]}"
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
	equal 1 "$(find $BUS/drivers/virtio-mmio/ -name 'LNRO0005:*' | wc -l)" "devices of the C driver"
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
check "both queues of a disk have their interrupts by one line" queues
check "fio verifies: split rings" verify "$(disk "$split")" 16 8
check "fio verifies: packed rings" verify "$(disk "$packed")" 16 8
check "fio verifies: by the DMA API" verify "$(disk "$platform")" 16 8
check "a generator gives what is random" generator_works "${sources[0]}"
check "a generator with a packed ring does, too" generator_works "${sources[1]}"
check "a disk comes and goes $TIMES times under load" rebind "$split"
check "a disk with packed rings does, too" rebind "$packed"
check "a generator comes and goes $TIMES times" rebind_generator
if modprobe -qn virtio_mmio; then
	check "a device is whose driver_override says" override
else
	skip "a device is whose driver_override says" "this kernel has no C driver"
fi
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# PCI devices that have the legacy interface: only that one, or both.
#
# guest: --cpus 2
# guest: --qemu '-qmp unix:@DIR@/qmp,server=on,wait=off -chardev socket,id=monitor,path=@DIR@/qmp -device virtio-serial-pci,addr=0x1c -device virtserialport,chardev=monitor,name=monitor'
# With MSI-X.
# image: many 64M
# guest: --qemu '-blockdev driver=file,node-name=many,filename=@DIR@/many'
# guest: --device virtio-blk-pci,id=many,drive=many,serial=many,num-queues=2,disable-modern=on,disable-legacy=off,addr=0x10
# guest: --device virtio-rng-pci,disable-modern=on,disable-legacy=off,addr=0x11
# With their interrupt line.
# image: line 64M
# guest: --qemu '-blockdev driver=file,node-name=line,filename=@DIR@/line'
# guest: --device virtio-blk-pci,drive=line,vectors=0,queue-size=64,serial=line,disable-modern=on,disable-legacy=off,addr=0x12
# guest: --device virtio-rng-pci,vectors=0,disable-modern=on,disable-legacy=off,addr=0x13
# Below a port, with the plainest queue.
# guest: --device pcie-root-port,id=port0,chassis=1,addr=0x14
# image: port 64M
# guest: --qemu '-blockdev driver=file,node-name=port,filename=@DIR@/port'
# guest: --device virtio-blk-pci,id=below,drive=port,event_idx=off,indirect_desc=off,disable-modern=on,disable-legacy=off,bus=port0
# Transitional, and not.
# image: both 64M
# guest: --qemu '-blockdev driver=file,node-name=both,filename=@DIR@/both'
# guest: --device virtio-blk-pci-transitional,drive=both,addr=0x16
# guest: --device virtio-rng-pci-transitional,addr=0x17
# guest: --device virtio-rng-pci-non-transitional,addr=0x18
# timeout: 240
# debug: no, that kernel has no C drivers of these devices

cd "$(dirname "$0")" || exit 1
. ./lib.sh
open_monitor
kind=$(driver_kind 10)

# By which interface it is driven, which only our drivers tell.
interface() { # slot, interface
	[ "$kind" = c ] || equal "$2" "$(shown "$1" state interface)" "interface"
}

negotiated() { # slot
	awk '$3 == "negotiated" { print $1 }' "/sys/kernel/debug/virtio_rust/$(virtio_name "$1")/features"
}

# NOTIFY_ON_EMPTY and the trap are not accepted, and nothing has a number above 31. ANY_LAYOUT is if it is
# offered, which QEMU's disks do not do.
features() { # slot, offers ANY_LAYOUT
	cat "/sys/kernel/debug/virtio_rust/$(virtio_name "$1")/features"
	equal "$2" "$(negotiated "$1" | grep -cx 27 || :)" "ANY_LAYOUT"
	! negotiated "$1" | grep -E '^(24|3[0-9]|[4-9][0-9]|1[0-9]{2})$'
}

disk_works() { # slot
	interface "$1" legacy
	verify "$(disk "$1")" 16 4
	round_trip "$(disk "$1")"
}

# What is read behind the registers, wherever that is.
configuration() { # slot, serial
	equal $((64 << 11)) "$(disk_attribute "$1" size)" "sectors"
	equal "$2" "$(disk_attribute "$1" serial)" "serial number"
	equal "write back" "$(disk_attribute "$1" cache_type)" "cache"
	echo "write through" >"/sys/block/$(disk "$1")/cache_type"
	equal "write through" "$(disk_attribute "$1" cache_type)" "cache, changed"
	echo "write back" >"/sys/block/$(disk "$1")/cache_type"
}

vectors() {
	irq_named 10 req.0
	irq_named 10 req.1
	irq_named 11 input
	refused eval "irqs 12 | grep -v \"^\$(cat \$(device 12)/irq)\$\""
	[ ! -d "$(device 13)/msi_irqs" ] || equal "" "$(ls "$(device 13)/msi_irqs")" "vectors"
}

# The size of a queue is what the device says.
size_of_queue() { # slot, size
	equal "$2" "$(shown "$1" queue0 size)" "size"
}

grows() {
	local disk
	disk=$(disk 10)
	qmp block_resize '{"node-name": "many", "size": '$((96 << 20))'}'
	eventually 20 eval "equal $((96 << 11)) \$(cat /sys/block/$disk/size)"
}

unbound_under_load() { # slot
	local load
	dd if="/dev/$(disk "$1")" of=/dev/null bs=4k iflag=direct 2>/dev/null &
	load=$!
	sleep 0.3
	unbind "$1"
	wait "$load" || :
	probe "$1"
	round_trip "$(disk "$1")"
}

function_reset() { # slot
	local before disk load
	disk=$(disk "$1") before=$(shown "$1" state restarts)
	dd if="/dev/$disk" of=/dev/null bs=4k count=4000 iflag=direct &
	load=$!
	sleep 0.2
	echo 1 >"$(device "$1")/reset"
	wait "$load"
	equal $((before + 1)) "$(shown "$1" state restarts)" "restarts"
	round_trip "$disk"
}

# It is pulled out while it works.
pulled_out() {
	local load address
	address=$(address 14/0)
	dd if="/dev/$(disk 14/0)" of=/dev/null bs=4k iflag=direct 2>/dev/null &
	load=$!
	sleep 0.2
	qmp device_del '{"id": "below"}'
	eventually 30 [ ! -e "/sys/bus/pci/devices/$address" ]
	within 30 tail --pid="$load" -f /dev/null
}

driven() { # slot, interface, module
	eventually 10 bound "$1"
	equal "$3" "$(driver_of "$1")" "driver"
	interface "$1" "$2"
}

modern() {
	driven 16 modern virtio_blk_rust
	driven 17 modern virtio_rng_rust
	accepted 16 32
	accepted 17 32
	round_trip "$(disk 16)"
	generator_works 17
}

# The modules are inserted again, with a parameter.
insert() { # parameter...
	rmmod virtio_blk_rust virtio_rng_rust
	rmmod virtio_rust
	insmod "$MODULES/virtio_rust.ko" "$@"
	insmod "$MODULES/virtio_blk_rust.ko"
	insmod "$MODULES/virtio_rng_rust.ko"
}

forced() {
	head -c 1M /dev/urandom >"$scratch/data"
	dd if="$scratch/data" of="/dev/$(disk 16)" bs=64k oflag=direct
	insert force_legacy=1
	equal Y "$(cat /sys/module/virtio_rust/parameters/force_legacy)"
	driven 16 legacy virtio_blk_rust
	driven 17 legacy virtio_rng_rust
	# This one has no other.
	driven 18 modern virtio_rng_rust
	eventually 10 disk 16
	dd if="/dev/$(disk 16)" of="$scratch/back" bs=64k count=16 iflag=direct
	cmp "$scratch/data" "$scratch/back"
	disk_works 16
	generator_works 17
	generator_works 18
}

forced_no_more() {
	insert
	equal N "$(cat /sys/module/virtio_rust/parameters/force_legacy)"
	modern
	disk_works 10
}

# PCI-LEG-02 PCI-LEG-03 FEAT-12 FEAT-13
check "a disk works" disk_works 10
# PCI-LEG-13
check "a disk on its interrupt line works" disk_works 12
check "a disk below a port works, with the plainest queue" disk_works 14/0
check "a disk keeps a file system" file_system 10
# PCI-LEG-02 FEAT-12 FEAT-13
check "a generator works" generator_works 11
# PCI-LEG-13
check "a generator on its interrupt line works" generator_works 13
# PCI-LEG-06 BLK-LEG-01
check "the configuration is found behind the vectors" configuration 10 many
# PCI-LEG-05 PCI-LEG-06
check "the configuration is found where there are no vectors" configuration 12 line
check "there are vectors, or there is the line" vectors
check "a change of the configuration is heard" grows
if [ "$kind" = rust ]; then
	# PCI-LEG-08
	check "features of a legacy disk" features 10 0
	# RSV-18 PCI-LEG-08
	check "features of a legacy generator" features 11 1
	# VQ-SPLIT-03
	check "queues have the size that the device says" size_of_queue 12 64
	check "a disk is unbound under load" unbound_under_load 10
	check "a function is reset under load" function_reset 14/0
	check "a disk is pulled out under load" pulled_out
	# PCI-LEG-01
	check "transitional devices are driven as modern ones" modern
	check "force_legacy=1: transitional devices are driven by the other interface" forced
	check "without it they are modern again" forced_no_more
fi
finish

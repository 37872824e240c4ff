#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# What our drivers do to the registers of their devices, by a trace of QEMU: each
# access with its width and value, in order. trace.awk knows the rules.
#
# timeout: 300

cd "$(dirname "$0")" || exit 1
. ./lib.sh

# NAME TYPE SPEC: devices, from slot 10 on.
devices='
msix rng virtio-rng-pci-non-transitional
line rng virtio-rng-pci-transitional,vectors=0
one rng virtio-rng-pci,vectors=1
other rng virtio-rng-pci,indirect_desc=off,event_idx=off,packed=on,in_order=on,page-per-vq=on
bus rng virtio-rng-pci,disable-legacy=on,iommu_platform=on
disk blk virtio-blk-pci,drive=d0,num-queues=2,queue-size=16
plain blk virtio-blk-pci,drive=d1,num-queues=1,config-wce=off
fixed blk virtio-blk-pci,drive=d2,num-queues=1,logical_block_size=4096,physical_block_size=4096
slow rng virtio-rng-pci,disable-legacy=on,rng=slow,max-bytes=1280,period=3600000,iommu_platform=on
few rng virtio-rng-pci,max-bytes=5,period=20
'

# One more, which the kernel's driver has at first, and the slot where it comes to be.
legacy=virtio-rng-pci,disable-modern=on,disable-legacy=off
legacy_slot=00:1a.0

# Features that may be accepted: the ring's, the transport's and the driver's own.
declare -A allowed config
allowed[rng]=' 28 29 32 33 34 35 36 38 39 40 '
allowed[blk]=' 1 2 4 5 6 9 10 11 12 13 14 15 16 17 28 29 32 33 34 35 36 38 39 40 '
# Fields of the configuration, and how wide each is: of those that come with a feature
# that the device offers. The capacity is read as two halves. Nothing offers SIZE_MAX.
config[disk]=' 0:4 4:4 12:4 16:2 18:1 19:1 20:4 24:1 25:1 26:2 28:4 32:1 34:2 36:4 40:4 44:4 48:4 56:1 '
config[fixed]=' 0:4 4:4 12:4 16:2 18:1 19:1 20:4 24:1 25:1 26:2 28:4 32:1 36:4 40:4 44:4 48:4 56:1 '
config[plain]=' 0:4 4:4 12:4 16:2 18:1 19:1 20:4 24:1 25:1 26:2 28:4 36:4 40:4 44:4 48:4 56:1 '

# Run in the guest: says where each device's registers are, and marks in the trace, by
# the interrupt line register of its configuration space, between which points its
# driver is brought up, used and sent away, twice. The others are without a driver.
# The last device is given to our driver between these points, which does not take it.
cat >"$scratch/work" <<'END'
set -eu
use() { # device
	case $1 in
	# The device gives less than this.
	*:18.0) timeout 3 dd if=/dev/hwrng of=/dev/null bs=64 count=50 status=none || : ;;
	# It gives 5 bytes at a time.
	*:19.0) dd if=/dev/hwrng of=/dev/null bs=64 count=2 iflag=fullblock status=none ;;
	*rng*) dd if=/dev/hwrng of=/dev/null bs=64 count=20 status=none ;;
	*blk*)
		udevadm settle
		disk=$(basename "$(echo "$1"/block/*)")
		echo "cache ${1##*/0000:} $(cat "/sys/block/$disk/cache_type")"
		if [ "$(cat "/sys/block/$disk/ro")" = 0 ]; then
			dd if=/dev/zero of="/dev/$disk" bs=64k count=20 oflag=direct conv=fsync status=none
		else
			! dd if=/dev/zero of="/dev/$disk" bs=4k count=1 oflag=direct status=none 2>/dev/null
		fi
		dd if="/dev/$disk" of=/dev/null bs=4k count=100 iflag=direct status=none
		# The last block, and the one after it.
		dd if="/dev/$disk" of=/dev/null bs=4k skip=4095 count=1 iflag=direct status=none
		! dd if="/dev/$disk" of=/dev/null bs=4k skip=4096 count=1 iflag=direct status=none 2>/dev/null ||
			[ "$(dd if="/dev/$disk" bs=4k skip=4096 count=1 iflag=direct status=none | wc -c)" = 0 ]
		if [ -w "/sys/block/$disk/cache_type" ] && [ "$(stat -c %a "/sys/block/$disk/cache_type")" = 644 ]; then
			echo 'write through' >"/sys/block/$disk/cache_type"
			echo 'write back' >"/sys/block/$disk/cache_type"
		fi
		;;
	esac
}
mark() { # device, value
	printf "\\$2" | dd of="/sys/bus/pci/devices/$1/config" bs=1 seek=60 conv=notrunc status=none
}
slot=$1
echo "0000:$slot" >"/sys/bus/pci/devices/0000:$slot/driver/unbind"
devices=$(echo /sys/bus/pci/drivers/virtio_*_rust/0000:*)
for path in $devices; do echo "${path##*/}" >"${path%/*}/unbind"; done
for path in $devices; do
	driver=${path%/*} address=${path##*/} device=/sys/bus/pci/devices/${path##*/}
	mark "$address" 300
	for round in 1 2; do
		echo "$address" >"$driver/bind"
		use "$path"
		echo "$address" >"$driver/unbind"
	done
	mark "$address" 301
	# The structures are in BAR 4 of QEMU's devices.
	set -- $(sed -n 5p "$device/resource")
	echo "base ${address#0000:} $1"
	echo "id ${address#0000:} $(cat "$device"/{vendor,device,revision,subsystem_vendor,subsystem_device} | paste -sd ' ')"
done
address=0000:$slot driver=/sys/bus/pci/drivers/virtio_rng_rust
echo virtio_rng_rust >"/sys/bus/pci/devices/$address/driver_override"
mark "$address" 300
echo "$address" >$driver/bind 2>/dev/null && echo "legacy device taken"
mark "$address" 301
dmesg | grep "virtio_rng_rust $address" | tail -n 1
END
printf '%s\n' memory_region_ops_read memory_region_ops_write pci_cfg_read pci_cfg_write \
	virtio_queue_notify virtqueue_pop virtio_rng_pushed virtio_blk_handle_read virtio_blk_handle_write \
	vtd_inv_desc_iotlb_domain vtd_inv_desc_iotlb_pages vtd_dmar_fault >"$scratch/events"

# Boots the guest, and has the trace examined for each device.
examine() {
	local name type slot at specs=() spec base
	while read -r name _ spec; do
		[ -z "$name" ] || specs+=(--device "$spec,ioeventfd=off")
	done <<<"$devices"
	../../scripts/guest --timeout 250 --driver rust "${specs[@]}" --append 'intel_iommu=on iommu.strict=1' \
		--qemu "-device intel-iommu,intremap=off
			-blockdev null-co,node-name=d0,size=16777216,read-zeroes=on
			-blockdev null-co,node-name=d1,size=16777216,read-zeroes=on
			-blockdev null-co,node-name=d2,size=16777216,read-zeroes=on,read-only=on
			-object rng-random,id=slow,filename=/dev/urandom
			-trace events=$scratch/events -D $scratch/trace" \
		--driver c --device "$legacy" \
		-- bash -c "$(cat "$scratch/work")" work $legacy_slot >"$scratch/said"
	slot=16
	while read -r name type _; do
		[ -n "$name" ] || continue
		printf -v at '00:%02x.0' $slot
		slot=$((slot + 1))
		base=$(awk -v slot="$at" '$1 == "base" && $2 == slot { print $3 }' "$scratch/said")
		awk -v slot="$at" -v base="$base" -v type="$type" \
			-v first=0xc0 -v last=0xc1 -v allowed="${allowed[$type]}" \
			-v config="${config[$name]:-}" -f trace.awk "$scratch/trace" >"$scratch/found.$name"
		grep '^session 0,1,3,11,15' "$scratch/found.$name"
	done <<<"$devices"
}

# The rules were looked at for each device, and never broken.
kept() { # rule...
	kept_by "$(names)" "$@"
}

kept_by() { # names, rule...
	local rule name names=$1 bad=0
	shift
	for rule in "$@"; do
		for name in $names; do
			grep -qx "saw $rule" "$scratch/found.$name" || {
				echo "$name: nothing was seen that the rule $rule is about"
				bad=1
			}
			! grep "^$rule: " "$scratch/found.$name" /dev/null || bad=1
		done
	done
	return $bad
}

names() {
	awk 'NF { print $1 }' <<<"$devices"
}

# Two rounds of each device, which is left reset.
sessions() {
	local name
	for name in $(names); do
		equal "0,1,3,11,15 0 0,1,3,11,15 0" \
			"$(awk '$1 == "session" { print $2 }' "$scratch/found.$name" | paste -sd ' ')" "$name"
	done
}

count() { # name, what
	awk -v what="$2" '$1 == "count" && $2 == what { print $3 }' "$scratch/found.$1"
}

only_line() { # name...
	local name
	for name; do greater "$(count "$name" isr)" 0 "reads of the interrupt status of $name"; done
}

# in and out of each chain that the device took.
only_writable() {
	local name
	for name in msix line one other bus slow few; do
		grep '^shape' "$scratch/found.$name"
		! grep '^shape' "$scratch/found.$name" | grep -v '^shape 0 1 '
	done
}

# As many as the ring less two (QEMU offers that) beside header and status.
segments() {
	greater 17 "$(count disk longest)"
	greater "$(count disk longest)" 3
}

# in and out of each chain: at least one of each.
shapes() {
	! grep '^shape' "$scratch/found.disk" | grep -E '^shape (0|[0-9]+ 0) '
	grep '^shape 1 1 ' "$scratch/found.disk"
}

# Vendor, device, revision and subsystem are those of both kinds of devices.
ids() {
	grep '^id ' "$scratch/said"
	grep -x 'id 00:10.0 0x1af4 0x1044 0x01 0x1af4 0x1100' "$scratch/said"
	grep -x 'id 00:11.0 0x1af4 0x1005 0x00 0x1af4 0x0004' "$scratch/said"
}

# Our driver has the device, by its registers in I/O space.
legacy_driven() {
	grep 'legacy device taken' "$scratch/said"
	refused grep "virtio_rng_rust 0000:$legacy_slot: no modern virtio interface" "$scratch/said"
}

# 16 MiB each.
ends() {
	local name
	for name in disk plain fixed; do equal 32768 "$(count "$name" end)" "$name"; done
}

untouched_configuration() {
	local name
	for name in msix line one other bus slow few; do
		! grep -x 'saw config' "$scratch/found.$name"
	done
}

# Where the descriptor areas of a device are. The guest has less than 2 GiB of memory;
# the kernel gives out bus addresses from 4 GiB down.
addresses() { # name
	awk '$1 == "address" { print $2 }' "$scratch/found.$1" | grep .
}

bus_addresses() {
	local address
	for address in $(addresses bus); do greater "$address" 2147483648 bus; done
	! grep vtd_dmar_fault "$scratch/trace"
}

physical_addresses() {
	local address
	for address in $(addresses msix) $(addresses other); do greater 2147483648 "$address" physical; done
}

check "a guest comes up and its devices work" examine
# Without a trace there is nothing to look at.
[ $failures = 0 ] || finish

# PCI-DISC-01 PCI-DISC-02 PCI-DISC-03 PCI-DISC-04
check "modern and transitional devices are driven, whatever their revision and subsystem" ids
# PCI-INIT-02
check "so is a legacy device" legacy_driven
# STAT-01 INIT-01
check "the status goes 0, 1, 3, 11, 15, and back to 0" sessions
# STAT-02 SUSP-01
check "no bit of the status is dropped, and SUSPEND is never set" kept status dropped suspend
# RST-01 PCI-COM-05
check "after a reset nothing is touched before the status was read as 0" kept reset
# FEAT-01 RSV-01 RSV-03
check "what is accepted was offered, VERSION_1 and ACCESS_PLATFORM among it" \
	kept subset version_1 access_platform
# FEAT-04 FEAT-05 FEAT-08 RSV-22
check "features that the driver has not are not accepted, and do no harm" kept allowed
# INIT-04
check "features are accepted before FEATURES_OK and not after" kept frozen
# INIT-05
check "FEATURES_OK is read back before a queue is set up" kept features_ok setup
# INIT-09 PCI-COM-04 PCI-MSIX-07
check "a queue is set up before it is enabled, and enabled before DRIVER_OK" kept order setup
# INIT-08
check "no doorbell rings before DRIVER_OK" kept early
# PCI-COM-01
check "registers that are read-only are not written" kept readonly
# PCI-COM-03
check "ring sizes are powers of two" kept size
# PCI-COM-06
check "queue_enable is never written with 0" kept enable
# VQ-SPLIT-01 VQ-PACKED-01
check "descriptor, driver and device area are aligned" kept alignment
# PCI-LAY-01 PCI-LAY-02
check "registers are accessed with their own width" kept width
# PCI-MSIX-04
check "no vector beyond the table is asked for" kept vector
# PCI-MSIX-05
check "each vector is read back" kept readback
# NTF-01 PCI-NTF-01 PCI-NTF-05 PCI-NTF-07
check "doorbells are 16 bits wide, where the queue's is, and say its index" kept doorbell
# PCI-CAP-08
check "capabilities are not written" kept capabilities
# PCI-INIT-01
check "the capabilities are looked at before any register" kept scan
# PCI-ISR-01
check "with MSI-X the interrupt status is left alone" equal 0 "$(count msix isr)"
# PCI-MSIX-01 PCI-MSIX-02 PCI-ISR-05
check "with one vector, or none, the interrupt line is used" only_line line one
# RNG-01
check "the entropy device is given nothing to read" only_writable
# RNG-04
check "an entropy device may give less than was asked for" equal 5 "$(count few pushed)"
# RNG-06
check "the entropy device's configuration is left alone" untouched_configuration
# INIT-03 BLK-INIT-04
check "the disk's configuration is not written, and its cache mode not read, before FEATURES_OK" \
	kept_by disk config_early writeback
# CFG-01 CFG-03 CFG-04 PCI-LAY-01
check "disks are asked for the fields that they have, each by its width, the capacity with the generation" \
	kept_by "disk plain fixed" config_field generation
# BLK-INIT-14
check "the disk has the queues that the device and the processors allow" \
	equal 2 "$(count disk queues)"
# BLK-INIT-15 VQ-SPLIT-08 VQ-PACKED-11
check "no request of the disk has more segments than it takes" segments
# BLK-OP-05 BLK-OP-17
check "requests of the disk begin with a header and end with a status, flushes have nothing else" shapes
# BLK-INIT-03
check "a disk that can be flushed, and whose cache cannot be switched, has a cache" \
	grep -x 'cache 00:16.0 write back' "$scratch/said"
# BLK-OP-13
check "the disk is flushed after its cache was told to write through" kept_by disk switch
# BLK-OP-02 BLK-INIT-13
check "disks are read up to their last sector of 512 bytes, and not beyond" ends
# BLK-OP-03 BLK-OP-19
check "a read-only disk is asked to write nothing" equal 0 "$(count fixed writes)"
# CLEAN-02
check "what the device has is unmapped when it was reset, and not before" kept_by slow unmap
# RSV-04
check "with ACCESS_PLATFORM the device gets bus addresses, and no fault" bus_addresses
# RSV-05
check "without it, physical ones, although there is an IOMMU" physical_addresses
finish

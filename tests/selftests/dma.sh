#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# What a device may only read is mapped so that an IOMMU keeps it from writing there, and what it is
# done with is unmapped. The kernel traces what is mapped, and how.
#
# boot: iommu
# timeout: 100
# debug: no, that kernel traces nothing

cd "$(dirname "$0")" || exit 1
. ./lib.sh

trace=/sys/kernel/tracing

# What is mapped for a device while a command runs: direction and bytes, and how often.
mapped() { # slot, command...
	local slot=$1
	shift
	echo nop >"$trace/current_tracer"
	echo >"$trace/trace"
	echo 1 >"$trace/events/dma/dma_map_phys/enable"
	"$@"
	echo 0 >"$trace/events/dma/dma_map_phys/enable"
	sed -nE "s/.*dma_map_phys: $(address "$slot") dir=([A-Z_]+) .* size=([0-9]+) .*/\1 \2/p" "$trace/trace" |
		sort | uniq -c | tee "$scratch/mapped"
}

# 16 bytes of a header are read by the device, one byte of a status is written, and so are
# the data of what is read from a disk; those of what is written to it are read. Somebody
# may have read a little of the disk meanwhile.
directions() { # direction of data
	local count direction size blocks=0 others=0
	while read -r count direction size; do
		case "$size $direction" in
		16\ *) equal TO_DEVICE "$direction" "a header" || return ;;
		1\ *) equal FROM_DEVICE "$direction" "a status" || return ;;
		"4096 $1") blocks=$count ;;
		*\ FROM_DEVICE) others=$((others + count)) ;;
		*) equal "$1" "$direction" "data of $size bytes" || return ;;
		esac
	done <"$scratch/mapped"
	greater "$blocks" 19 "requests"
	greater 10 "$others" "other requests, plus"
}

reads() { # slot
	mapped "$1" dd if="/dev/$(disk "$1")" of=/dev/null bs=4k count=20 iflag=direct
	directions FROM_DEVICE
}

writes() { # slot
	mapped "$1" dd if=/dev/zero of="/dev/$(disk "$1")" bs=4k count=20 oflag=direct conv=nocreat
	directions TO_DEVICE
}

generator() {
	choose 11
	mapped 11 head -c 640 /dev/hwrng >/dev/null
	grep -q FROM_DEVICE "$scratch/mapped"
	refused grep -v FROM_DEVICE "$scratch/mapped"
}

# While a command runs, from before its first mapping, all that is mapped for a device is unmapped, just
# as it was mapped.
returned() { # slot, command...
	local slot=$1 event
	shift
	echo nop >"$trace/current_tracer"
	echo >"$trace/trace"
	for event in map unmap; do echo 1 >"$trace/events/dma/dma_${event}_phys/enable"; done
	"$@"
	for event in map unmap; do echo 0 >"$trace/events/dma/dma_${event}_phys/enable"; done
	sed -nE "s/.*dma_(map|unmap)_phys: $(address "$slot") dir=([A-Z_]+) dma_addr=([0-9a-f]+) size=([0-9]+) .*/\1 \3 \2 \4/p" \
		"$trace/trace" >"$scratch/mapped"
	awk '
		$1 == "map" { count++; given[$2] = $3 " " $4; next }
		given[$2] == $3 " " $4 { delete given[$2]; next }
		{ print "unmapped: " $0; bad = 1 }
		END {
			for (address in given) { print "left: " address " " given[address]; bad = 1 }
			print count + 0 " were mapped"
			exit bad || count == 0
		}' "$scratch/mapped"
}

reads_and_writes() { # slot
	dd if=/dev/zero of="/dev/$(disk "$1")" bs=64k count=20 oflag=direct conv=nocreat
	dd if="/dev/$(disk "$1")" of=/dev/null bs=64k count=20 iflag=direct
}

# A buffer waits with the device for the next who reads: see the driver.
comes_and_goes() { # slot
	probe "$1"
	unbind "$1"
}

# udev reads a disk that was written to, as often as it can.
udevadm settle
udevadm control --stop-exec-queue

# VQ-SPLIT-20
check "what is written to a disk, the device only reads" writes 10
# VQ-SPLIT-20
check "what is read from a disk, the device only writes" reads 10
# VQ-PACKED-35
check "a packed queue: what is written to a disk, the device only reads" writes 12
# VQ-PACKED-35
check "a packed queue: what is read from a disk, the device only writes" reads 12
check "what a generator gives, the device only writes" generator
check "what a disk was given is taken from it" returned 10 reads_and_writes 10
check "a packed queue: what a disk was given is taken from it" returned 12 reads_and_writes 12
unbind 11
check "what a generator was given is taken from it when it goes" returned 11 comes_and_goes 11
probe 11
udevadm control --start-exec-queue
finish

# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
#
# All forms of queues with all ways to interrupt: what boots/matrix gives to a guest, and
# how matrix-*.sh look at it. A guest has a disk or generator of each.

# packed, in_order, event_idx, indirect
FORMS=({off,on}" "{off,on}" "{off,on}" "{off,on})

# Disks and generators with a vector for each queue, with one for all, with none. A
# generator has only one queue.
KINDS=(blk-each blk-shared blk-line rng-each rng-line)
# shellcheck disable=SC2054
declare -A OPTIONS=(
	[blk-each]=num-queues=2,vectors=3,queue-size=256
	[blk-shared]=num-queues=2,vectors=2,queue-size=16
	[blk-line]=num-queues=2,vectors=0,queue-size=64
	[rng-each]=vectors=2
	[rng-line]=vectors=0
)
declare -A VECTORS=([blk-each]="0 1 2" [blk-shared]="0 1 1" [blk-line]="65535 65535 65535"
	[rng-each]="0 1" [rng-line]="65535 65535")
declare -A SIZES=([blk-each]="256 256" [blk-shared]="16 16" [blk-line]="64 64" [rng-each]=8 [rng-line]=8)

# One beside them that has none of it, nor ACCESS_PLATFORM.
DIRECT=1a.0

# Features by name, and those that the drivers know.
declare -A FEATURES=([indirect]=28 [event_idx]=29 [packed]=34 [in_order]=35)
KNOWN=" indirect event_idx packed in_order "
ACCESS_PLATFORM=33

# Programs are slow to start in an emulated guest, and there are 80 devices: what is asked
# of each is asked without any.

# Where a device is, by its number: in $slot.
slot() { # index
	printf -v slot '%x.%x' $((0x10 + $1 / 8)) $(($1 % 8))
}

# The devices, one a line: slot, kind, and whether it has each of the features. Only
# those that match.
devices() { # extended regular expression
	local form kind slot index=0
	for form in "${FORMS[@]}"; do
		for kind in "${KINDS[@]}"; do
			slot $index
			[[ ! "$slot $kind $form" =~ $1 ]] || echo "$slot $kind $form"
			index=$((index + 1))
		done
	done
}

# What all devices say, in one go: SLOT REGISTER is the key.
declare -A shown=()
look() {
	local slot register values paths=("0000:00:$DIRECT")
	while read -r slot _; do paths+=("0000:00:$slot"); done < <(devices .)
	./registers "${paths[@]}" >"$scratch/registers"
	while read -r slot register values; do
		slot=${slot#0000:00:}
		if [ "$register" = queue ]; then
			# N desc N size N vector N
			# shellcheck disable=SC2086
			set -- $values
			shown[$slot desc]+=" $3"
			shown[$slot size]+=" $5"
			shown[$slot vector]+=" $7"
		else
			shown[$slot $register]=" $values "
		fi
	done <"$scratch/registers"
}

all_bound() {
	local slot count=0
	while read -r slot _; do
		[ -e "/sys/bus/pci/devices/0000:00:$slot/driver" ]
		count=$((count + 1))
	done < <(devices .)
	equal 80 $count "devices"
}

# Offered is what the device was made with. Accepted is what of that the drivers know.
features() { # ACCESS_PLATFORM: on or off
	local slot kind packed in_order event_idx indirect name offered accepted bad=0
	while read -r slot kind packed in_order event_idx indirect; do
		offered=${shown[$slot device_feature]}
		accepted=${shown[$slot driver_feature]}
		for name in "${!FEATURES[@]}"; do
			feature "$slot $kind $name" "${!name}" "${FEATURES[$name]}" "$KNOWN" || bad=1
		done
		feature "$slot $kind ACCESS_PLATFORM" "$1" $ACCESS_PLATFORM ' ACCESS_PLATFORM ' || bad=1
		equal " 15 " "${shown[$slot device_status]}" "$slot $kind: status" || bad=1
	done < <(devices .)
	return $bad
}

# Of what features has found, in its variables.
feature() { # name, offered: on or off, bit, what is known
	local wanted=off has=off
	[[ "$offered" != *" $3 "* ]] || has=on
	equal "$2" "$has" "$1, offered" || return
	[[ "$4" != *" ${1##* } "* ]] || wanted=$2
	has=off
	[[ "$accepted" != *" $3 "* ]] || has=on
	equal "$wanted" "$has" "$1, accepted"
}

# By the device's registers: the configuration's vector and those of the queues, and how
# large these are.
vectors() {
	local slot kind bad=0
	while read -r slot kind _; do
		equal " ${VECTORS[$kind]}" "${shown[$slot config_msix_vector]% }${shown[$slot vector]}" \
			"$slot $kind: vectors" || bad=1
		equal " ${SIZES[$kind]}" "${shown[$slot size]}" "$slot $kind: sizes of queues" || bad=1
		if [[ $kind == *-line ]]; then
			[ ! -d "/sys/bus/pci/devices/0000:00:$slot/msi_irqs" ] || bad=1
		else
			[ -d "/sys/bus/pci/devices/0000:00:$slot/msi_irqs" ] || bad=1
		fi
	done < <(devices .)
	return $bad
}

# All disks that match at once: what comes back is what was written there.
disks() { # features: packed in_order
	local slot path jobs=()
	while read -r slot _; do
		for path in "/sys/bus/pci/devices/0000:00:$slot"/block/vd* \
			"/sys/bus/pci/devices/0000:00:$slot"/virtio*/block/vd*; do
			[ ! -e "$path" ] || jobs+=(--name="$slot" --filename="/dev/${path##*/}")
		done
	done < <(devices " blk-.* $1 (on|off) (on|off)$")
	equal 24 "${#jobs[@]}" "words about disks"
	timeout 200 fio --output="$scratch/fio" --thread --direct=1 --ioengine=libaio --iodepth=16 \
		--verify=crc32c --verify_fatal=1 --verify_state_save=0 --randrepeat=0 \
		--rw=randwrite --bsrange=512-128k --size=1m "${jobs[@]}" || {
		grep -E 'verify|err=' "$scratch/fio" | grep -v 'err= *0' | head -n 20
		return 1
	}
	equal 12 "$(grep -c 'err= 0' "$scratch/fio")" "disks that fio found right"
}

# What each generator gives is new, and not what another gave.
generators_work() {
	local name count=0
	for name in $(</sys/class/misc/hw_random/rng_available); do
		[[ $name == virtio_rng.* ]] || continue
		echo "$name" >/sys/class/misc/hw_random/rng_current
		equal "$name" "$(</sys/class/misc/hw_random/rng_current)"
		head -c 2048 /dev/hwrng >>"$scratch/random"
		count=$((count + 1))
	done
	equal 32 $count "generators"
	equal $((32 * 2048)) "$(stat -c %s "$scratch/random")" "bytes"
	equal "" "$(od -An -v -tx1 -w16 "$scratch/random" | sort | uniq -d)" "repeated pieces"
	equal 256 "$(od -An -v -tx1 -w1 "$scratch/random" | sort -u | wc -l)" "values of bytes"
}

# Its rings are where memory is, and the IOMMU is not asked.
direct() {
	local address
	for address in ${shown[$DIRECT desc]}; do greater "$(end_of_memory)" "$address" "end of memory, address"; done
	[[ "${shown[$DIRECT device_feature]}" != *" $ACCESS_PLATFORM "* ]]
	round_trip "$(disk $DIRECT)"
}

# The addresses of rings behind an IOMMU: given out from 4 GiB down.
bus_addresses() {
	local slot address end
	end=$(end_of_memory)
	while read -r slot _; do
		for address in ${shown[$slot desc]}; do greater "$address" "$end" "$slot: address"; done
	done < <(devices .)
}

# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
# shellcheck shell=bash
#
# Loads under which something is done to a device, after which it has to go on. To be
# sourced after lib.sh.

works() { # slot
	equal 15 "$(registers "$1" device_status)" "device_status"
}

# Requests in and out, all verified, in the background; by another engine if one is named.
start_load() { # slot, [fio's options of an engine...]
	local engine=("${@:2}")
	[ $# -gt 1 ] || engine=(--ioengine=libaio)
	fio --output="$scratch/fio" --eta=never --name=load --filename="/dev/$(disk "$1")" --direct=1 "${engine[@]}" \
		--iodepth=8 --numjobs=1 --rw=randrw --bsrange=512-64k --size=8m --verify=crc32c --verify_fatal=1 \
		--verify_backlog=32 --verify_state_save=0 --randrepeat=0 --time_based --runtime=3600 &
	load=$!
	sleep 1
	kill -0 $load
}

# It has seen no error.
end_load() {
	kill -0 $load
	kill -INT $load
	within 60 tail --pid=$load -f /dev/null
	grep 'err= 0' "$scratch/fio" || {
		tail -n 20 "$scratch/fio"
		return 1
	}
}

requests() { # slot
	awk '{ print $1 + $5 }' "/sys/block/$(disk "$1")/stat"
}

more_requests() { # slot, than
	[ "$(requests "$1")" -gt $(($2 + 20)) ]
}

# Has something done to a disk under load, so many times, and requests go on after each. The options
# of an engine, which begin with a dash, come last.
disk_under() { # slot, times, command..., [fio's options of an engine...]
	local slot=$1 times=$2 i before load what=() engine=()
	shift 2
	while [ $# -gt 0 ] && [[ $1 != --* ]]; do
		what+=("$1")
		shift
	done
	engine=("$@")
	start_load "$slot" "${engine[@]}"
	for ((i = 0; i < times; i++)); do
		"${what[@]}" "$slot"
		before=$(requests "$slot")
		eventually 15 more_requests "$slot" "$before"
		works "$slot"
	done
	end_load
	round_trip "$(disk "$slot")"
}

# The same with a generator, whose bytes go on and do not repeat.
generator_under() { # slot, times, command...
	local slot=$1 times=$2 i size draw
	shift 2
	choose "$slot"
	head -c 1G /dev/hwrng >"$scratch/random" &
	draw=$!
	for ((i = 0; i < times; i++)); do
		size=$(stat -c %s "$scratch/random")
		eventually 20 longer $((size + 4096))
		"$@" "$slot"
		size=$(stat -c %s "$scratch/random")
		eventually 20 longer $((size + 4096))
		works "$slot"
	done
	kill $draw
	head -c 256k "$scratch/random" >"$scratch/part"
	equal "" "$(od -An -v -tx1 -w16 "$scratch/part" | sort | uniq -d)" "repeated pieces"
}

longer() { # size
	[ "$(stat -c %s "$scratch/random")" -gt "$1" ]
}

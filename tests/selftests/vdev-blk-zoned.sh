#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Disks of our own with zones that are written in order: 16 of 4 MiB, of which 3 MiB can be
# written. The disks look at each request. Then such that lie about their zones.
#
# boot: vdev
# timeout: 240

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh

# A disk, bound in a scenario, without what was in its zones before.
bound_in() { # slot, scenario
	disk_in "$1" "$2"
	disk=$(disk "$1")
	[ "$(disk_attribute "$1" queue/zoned)" = none ] || within 20 blkzone reset "/dev/$disk"
}

# State and write pointer of a zone: "em 0x000000".
state() { # zone
	within 20 blkzone report --offset $(($1 * 8192)) --count 1 "/dev/$disk" |
		sed -E 's/.*wptr (0x[0-9a-f]+) .*zcond: *[0-9]+\((..)\).*/\2 \1/'
}

is() { # zone, state
	equal "$2" "$(state "$1")" "zone $1"
}

zone() { # command, zone
	within 20 blkzone "$1" --offset $(($2 * 8192)) --count 1 "/dev/$disk"
}

# Writes blocks of 64 KiB.
fill() { # number of the block, how many
	within 20 dd if="$scratch/data" of="/dev/$disk" bs=64k seek="$1" count="$2" oflag=direct status=none
}

# Writes where the first zone goes on.
short() { # bytes
	within 20 dd if="$scratch/data" of="/dev/$disk" bs="$1" count=1 seek=262144 oflag=direct,seek_bytes status=none
}

attributes() { # slot, scenario, bytes that can be appended
	local name value
	bound_in "$1" "$2"
	while read -r name value; do
		equal "$value" "$(disk_attribute "$1" "queue/$name")" "$name"
	done <<-END
		zoned host-managed
		nr_zones 16
		chunk_sectors 8192
		max_open_zones 4
		max_active_zones 6
		zone_append_max_bytes $3
		zone_write_granularity 4096
		physical_block_size 4096
		minimum_io_size 4096
		discard_max_bytes 0
	END
	verdict "$1"
}

managed() { # slot
	local zone
	bound_in "$1" zoned-managed
	head -c 256k /dev/urandom >"$scratch/data"
	equal 16 "$(within 20 blkzone report "/dev/$disk" | grep -c 'SEQ_WRITE_REQUIRED')" "zones"
	is 0 'em 0x000000'
	fill 0 4
	is 0 'oi 0x000200'
	within 20 dd if="/dev/$disk" of="$scratch/back" bs=64k count=4 iflag=direct status=none
	cmp "$scratch/data" "$scratch/back"
	# Not where the zone goes on: nothing becomes of that.
	refused fill 8 1
	is 0 'oi 0x000200'
	# Less than the unit in which zones are written does not come to the disk, which would say so.
	refused short 512
	refused short 2048
	is 0 'oi 0x000200'
	zone close 0
	is 0 'cl 0x000200'
	zone open 0
	is 0 'oe 0x000200'
	zone finish 0
	is 0 'fu 0x002000'
	refused fill 4 1
	zone reset 0
	is 0 'em 0x000000'
	# As many as may be open.
	for zone in 0 1 2 3; do
		zone open $zone
	done
	refused zone open 4
	is 4 'em 0x000000'
	within 20 blkzone reset "/dev/$disk"
	equal 16 "$(within 20 blkzone report "/dev/$disk" | grep -c '(em)')" "empty zones"
	# All of a zone, up to what can be written and not beyond.
	head -c 4M /dev/urandom >"$scratch/data"
	within 20 dd if="$scratch/data" of="/dev/$disk" bs=1M count=3 seek=4 oflag=direct status=none
	is 1 'fu 0x002000'
	verdict "$1"
}

mixed() { # slot
	bound_in "$1" zoned-mixed
	head -c 256k /dev/urandom >"$scratch/data"
	equal 2 "$(within 20 blkzone report "/dev/$disk" | grep -c CONVENTIONAL)" "conventional zones"
	fill 5 2
	fill 0 2
	# There, what is written has no unit.
	short 512
	fill 128 2
	is 2 'oi 0x000100'
	verdict "$1"
}

regular() { # slot, scenario
	bound_in "$1" "$2"
	equal none "$(disk_attribute "$1" queue/zoned)" "kind of zones"
	within 30 round_trip "$disk"
	within 20 blkdiscard --length 64k "/dev/$disk"
	verdict "$1"
}

refuses() { # slot, scenario
	scenario "$1" "$2"
	refused within 20 probe "$1"
	verdict "$1"
}

# What the block layer knows of, and what the disk has.
has() { # slot, zones, sectors
	equal "$2" "$(disk_attribute "$1" queue/nr_zones)" "zones"
	equal "$3" "$(disk_attribute "$1" size)" "sectors"
}

resized() { # slot
	bound_in "$1" zoned-few
	has "$1" 8 65536
	head -c 384k /dev/urandom >"$scratch/data"
	fill 0 4
	vdev "$1" "do grow"
	eventually 20 has "$1" 16 131072
	equal 4 "$(disk_attribute "$1" queue/max_open_zones)" "open zones"
	# What was begun goes on, and what is new can be begun.
	is 0 'oi 0x000200'
	within 20 dd if="$scratch/data" of="/dev/$disk" bs=64k skip=4 seek=4 count=2 oflag=direct status=none
	within 20 dd if="/dev/$disk" of="$scratch/back" bs=64k count=6 iflag=direct status=none
	cmp "$scratch/data" "$scratch/back"
	fill 512 4
	is 8 'oi 0x000200'
	# The block layer goes on to know of zones that are gone.
	vdev "$1" "do shrink"
	eventually 20 has "$1" 16 32768
	refused fill 512 1
	fill 6 1
	vdev "$1" "do grow"
	eventually 20 has "$1" 16 65536
	vdev "$1" "do grow"
	eventually 20 has "$1" 16 131072
	is 8 'em 0x000000'
	zone reset 8
	fill 512 4
	is 8 'oi 0x000200'
	verdict "$1"
}

resized_wrongly() { # slot
	bound_in "$1" zoned-few-late
	head -c 64k /dev/urandom >"$scratch/data"
	vdev "$1" "do grow"
	eventually 20 has "$1" 0 0
	refused fill 0 1
	vdev "$1" "do shrink"
	eventually 20 has "$1" 4 32768
	fill 0 1
	is 0 'oi 0x000080'
	verdict "$1"
}

other_model() { # slot
	bound_in "$1" zoned-few
	head -c 64k /dev/urandom >"$scratch/data"
	vdev "$1" "do grow-otherwise"
	eventually 20 equal 1 "$(log_lines 'zones of another model')"
	has "$1" 8 65536
	fill 0 1
	verdict "$1"
}

# The device is restarted while it is asked for its zones, and others wait for that.
resized_over_restart() { # slot
	local reader restarts
	bound_in "$1" zoned-few-silent
	restarts=$(shown "$1" state restarts)
	vdev "$1" "do grow"
	eventually 20 has "$1" 8 131072
	dd if="/dev/$disk" of=/dev/null bs=64k count=1 iflag=direct status=none &
	reader=$!
	sleep 1
	kill -0 $reader
	vdev "$1" "do needs-reset"
	eventually 20 has "$1" 16 131072
	wait $reader
	equal $((restarts + 1)) "$(shown "$1" state restarts)" "restarts"
	verdict "$1"
}

removed_on_the_way() { # slot
	bound_in "$1" zoned-few-silent
	vdev "$1" "do grow"
	eventually 20 has "$1" 8 131072
	within 20 unbind "$1"
	verdict "$1"
}

disk=
# BLK-INIT-05 BLK-INIT-06
check "a disk has the zones that it says" attributes 12 zoned 65536
check "a disk with a packed ring has the zones that it says" attributes 13 zoned 65536
check "a disk that does not append is appended to without its help" attributes 12 zoned-no-append 4194304
# BLK-Z-01 BLK-Z-02 BLK-Z-03 BLK-Z-04 BLK-Z-05 BLK-Z-10 BLK-Z-11 BLK-Z-12
check "zones are written, opened, closed, filled and emptied as the disk wants it" managed 12
check "the same on a packed ring" managed 13
check "zones without an order are written in any" mixed 12
# BLK-INIT-07 BLK-INIT-09 BLK-INIT-10
check "a disk whose zones need no order is a regular one" regular 12 zoned-aware
check "a disk without zones that could have some is a regular one" regular 13 zoned-none
# BLK-INIT-08
check "a disk whose zones are of an unknown model is refused" refuses 12 zoned-unknown
# BLK-INIT-12
for what in of-nothing of-1 of-6144 granularity-0 granularity-3000 granularity-all append-1; do
	check "zones that nobody can work with are refused: $what" refuses 12 zoned-$what
done
# BLK-OP-01
check "a disk with zones grows and shrinks" resized 12
check "the same on a packed ring" resized 13
check "a disk that lies about the zones that it has grown by is empty until it does not" resized_wrongly 12
check "a disk keeps its zones when it says that it has others" other_model 12
check "a disk is restarted while it is asked for the zones that it has grown by" resized_over_restart 12
check "a disk is removed while it is asked for the zones that it has grown by" removed_on_the_way 12

# BLK-Z-14
cases=()
for what in capacity-all capacity-0 report-none report-stands start-outside start-unaligned pointer-outside \
	too-large no-capacity type preferred state unordered; do
	cases+=("refused:12:zoned-$what")
done
cases+=(any:12:zoned-report-many any:13:zoned-open-all any:12:zoned-active-1 refused:13:zoned-report-stands works:12:good)
meet "${cases[@]}"
check "each of the ${#cases[@]} scenarios has come" equal "${cases[*]}" "${came[*]}"
finish

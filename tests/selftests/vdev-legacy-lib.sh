# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
# shellcheck shell=bash
# shellcheck disable=SC2154
#
# What is asked of devices of our own with a legacy interface; after vdev-lib.sh.

# A generator, bound in a scenario, from which is drawn; nothing is wrong with its driver when that
# has gone.
draws() { # slot, scenario
	scenario "$1" "$2"
	select_new "$1"
	draw 640
	all_letters "$scratch/drawn"
	within 20 unbind "$1"
	verdict "$1"
}

# What the device has to say, but for violations that begin with "but", if that is set.
judged() { # slot
	if [ -n "${but:-}" ]; then
		equal pass "$(vdev "$1" "verdict but $but")"
	else
		verdict "$1"
	fi
}

# The same of a disk, which keeps what it is given.
works() { # slot, scenario, [sectors]
	scenario "$1" "$2"
	within 20 probe "$1"
	eventually 10 disk "$1"
	udevadm settle --timeout=20
	[ -z "${3:-}" ] || disk_attribute "$1" size | grep -E "^($3)$"
	within 30 round_trip "$(disk "$1")"
	equal vdev-with-20-letters "$(disk_attribute "$1" serial)"
	within 20 unbind "$1"
	judged "$1"
}

# A device that the driver leaves alone, in so many seconds.
unused() { # slot, scenario
	local begin=$SECONDS
	scenario "$1" "$2"
	within 20 probe "$1" || echo "not bound"
	greater "$((9 * slowness))" "$(elapsed $begin)" "seconds, and it took"
	verdict "$1"
	refused disk "$1"
	! bound "$1" || within 20 unbind "$1"
}

# What the device saw is in its log.
seen() { # slot, line
	greater "$(vdev "$1" "count $2")" 0 "lines '$2'"
}

# The kernel finds the device anew, with the numbers of a scenario: revision, device id and that of the
# subsystem. Its driver is the one that the device had.
found_as() { # slot, scenario, numbers
	local path override
	path=$(device "$1")
	override=$(cat "$path/driver_override")
	scenario "$1" "$2"
	echo 0 >/sys/bus/pci/drivers_autoprobe
	echo 1 >"$path/remove"
	echo 1 >/sys/bus/pci/rescan
	echo 1 >/sys/bus/pci/drivers_autoprobe
	equal "$3" "$(cat "$path"/{revision,device,subsystem_device} | paste -sd ' ')" "numbers"
	! bound "$1" || within 20 unbind "$1"
	echo "$override" >"$path/driver_override"
}

# Found with the numbers of a scenario, it is none of its driver's.
not_found() { # slot, scenario
	local path numbers
	path=$(device "$1")
	numbers=$(cat "$path"/device)
	case $2 in
	*-revision-*) numbers="0x01 $numbers $(cat "$path/subsystem_device")" ;;
	*) numbers="0x00 $numbers $(printf '0x%04x' "${2##*-}")" ;;
	esac
	found_as "$1" "$2" "$numbers"
	within 20 probe "$1" || echo "not bound"
	verdict "$1"
	refused bound "$1"
}

# And as it was.
found_again() { # slot, subsystem, works or draws
	local path
	path=$(device "$1")
	found_as "$1" good "0x00 $(cat "$path/device") $2"
	"$3" "$1" legacy-order
}

# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
# shellcheck shell=bash
# shellcheck disable=SC2154
#
# What the tests with devices of our own share; after lib.sh. tests/host/vdev says what there
# is to ask of them.

# Gives a device a command and prints its answer: vdev 10 scenario good
vdev() { # slot, command...
	local config
	config=$(device "$1")/config
	shift
	printf '%-64s' "$*" >"$scratch/command"
	dd if="$scratch/command" of="$config" bs=64 seek=3 conv=notrunc status=none
	while dd if="$config" bs=64 skip=3 count=1 status=none >"$scratch/piece" &&
		! cmp -s -n 1 "$scratch/piece" /dev/zero; do
		tr -d '\0' <"$scratch/piece"
	done
}

# Begins a scenario with a device that no driver has.
scenario() { # slot, name
	! bound "$1" || within 20 unbind "$1"
	equal ok "$(vdev "$1" scenario "$2")" "scenario $2"
}

# A disk, bound in a scenario. Who looks for partitions is not to be in the way.
disk_in() { # slot, scenario
	scenario "$1" "$2"
	within 20 probe "$1"
	eventually 10 disk "$1"
	udevadm settle --timeout=20
}

# What the device has to say of its driver.
verdict() { # slot
	local verdict
	verdict=$(vdev "$1" verdict)
	[ "$verdict" = pass ] || {
		# What is wrong comes last: of what is printed, only the end is shown.
		vdev "$1" log | tail -n 30
		echo "$verdict"
		return 1
	}
}

# Has vdev-hostile.py do what it is asked to, with a check for each scenario, without the cost of
# one. Leaves the scenarios in came, and remarks in scratch/remarks.
came=()
meet() { # arguments...
	local result case rest
	: >"$scratch/remarks"
	while read -r result case rest; do
		case $result in
		ok)
			points=$((points + 1))
			came+=("$case")
			echo "ok $points - $case"
			echo "$case $rest" >>"$scratch/times"
			;;
		not)
			points=$((points + 1)) failures=$((failures + 1))
			came+=("$case")
			echo "not ok $points - $case # $rest"
			;;
		*)
			echo "# $result $case $rest"
			[ "$result" = begin ] || echo "$result $case $rest" >>"$scratch/remarks"
			;;
		esac
	done < <(SLOWNESS=$slowness ./vdev-hostile.py "$@" 2>"$scratch/errors")
	sed 's/^/# /' "$scratch/errors"
	awk '{ print $2, $1 }' "$scratch/times" | sort -rn | head -n 5 | sed 's/^/# longest: /'
}

# Gives a generator to its driver, and has /dev/hwrng read from it.
select_new() { # slot
	generators >"$scratch/others"
	within 20 probe "$1"
	generators | comm -13 "$scratch/others" - | tee /sys/class/misc/hw_random/rng_current
}

# Seconds since something.
elapsed() { # SECONDS of then
	echo $((SECONDS - $1))
}

# Bytes of the generator.
draw() { # bytes
	within 25 head -c "$1" /dev/hwrng >"$scratch/drawn"
	equal "$1" "$(stat -c %s "$scratch/drawn")" "bytes drawn"
}

# They are all from a device of our own, and were given as such. The pool that the kernel
# has of its own may have others, and is drawn from first: of another device.
all_letters() { # file
	equal "" "$(tr -d 'a-p' <"$1" | head -c 100 | od -An -tx1)" "bytes that are none of the device's"
}

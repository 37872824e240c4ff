# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
# shellcheck shell=bash
#
# What the tests share: TAP, bounds, devices, QEMU's monitor. To be sourced first.
#
# A test is a list of calls of `check NAME COMMAND...`, closed by `finish`. A check's
# command is mostly a function, which ends at its first command that fails.

set -u
export LC_ALL=C

# Where the modules under test are in a guest. Elsewhere there are none.
MODULES=/run/virtio-rust/modules

# How much slower a kernel that looks for faults may be.
slowness=1
[ ! -e /sys/kernel/debug/kmemleak ] || slowness=4

points=0 failures=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo "TAP version 13"

if [ -d $MODULES ]; then
	# From here on the kernel's log is this test's.
	echo "<6>selftests: test $$ begins" >/dev/kmsg
	# A task that waits for longer than this makes the kernel say so in its log.
	echo 40 >/proc/sys/kernel/hung_task_timeout_secs
fi

# TAP
# ---

# Passes if the command succeeds. What it printed is shown if it does not. It runs
# in a subshell: it leaves no variable behind.
check() { # name, command...
	local name=$1 status
	shift
	(
		set -eE
		trap 'echo "line $LINENO: status $?: $BASH_COMMAND"' ERR
		"$@"
	) >"$scratch/output" 2>&1 </dev/null
	status=$?
	points=$((points + 1))
	if [ $status = 0 ]; then
		echo "ok $points - $name"
	else
		failures=$((failures + 1))
		echo "not ok $points - $name"
		tail -n 40 "$scratch/output" | sed 's/^/# /'
	fi
}

skip() { # name, reason
	points=$((points + 1))
	echo "ok $points - $1 # SKIP $2"
}

# A check of what the C driver does otherwise, on purpose.
check_rust() { # slot, name, command...
	local slot=$1
	shift
	if [ "$(driver_kind "$slot")" = rust ]; then
		check "$@"
	else
		skip "$1" "the C driver does otherwise"
	fi
}

# Closes the test: the kernel's log is the last check.
finish() {
	[ ! -d $MODULES ] || check "the kernel log is clean" log_is_clean
	echo "1..$points"
	[ $failures = 0 ]
	exit
}

# Assertions
# ----------

equal() { # wanted, got, [what]
	[ "$1" = "$2" ] || {
		echo "${3:-value}: wanted '$1', got '$2'"
		return 1
	}
}

# For numbers: greater A B, that is A > B.
greater() { # a, b, [what]
	[ "$1" -gt "$2" ] || {
		echo "${3:-value}: wanted more than '$2', got '$1'"
		return 1
	}
}

refused() { # command...
	local status=0
	"$@" || status=$?
	[ $status != 0 ] || {
		echo "was not refused: $*"
		return 1
	}
}

# The command fails with this message.
fails_with() { # extended regular expression, command...
	local pattern=$1 output
	shift
	if output=$("$@" 2>&1); then
		echo "did not fail: $*"
		return 1
	fi
	grep -qE -- "$pattern" <<<"$output" || {
		echo "failed otherwise: $output"
		return 1
	}
}

# Waits
# -----

# Runs a command for so long at most, or longer on a kernel that is slow; a process that
# cannot be killed is left behind. 124: it did not end.
within() { # seconds, command...
	local limit=$(($1 * slowness)) pid alarm status=0 first
	shift
	"$@" &
	pid=$!
	sleep "$limit" &
	alarm=$!
	wait -n -p first "$pid" "$alarm" || status=$?
	if [ "$first" = "$pid" ]; then
		# Where the machine stood still meanwhile, the alarm has ended as well.
		kill "$alarm" 2>/dev/null || :
		wait "$alarm" 2>/dev/null || :
		return "$status"
	fi
	echo "not finished after $limit s: $*"
	cat "/proc/$pid/stack" 2>/dev/null || :
	kill -9 "$pid" 2>/dev/null || :
	return 124
}

# Waits until a command succeeds.
eventually() { # seconds, command...
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || {
			echo "not within the time: $*"
			return 1
		}
		sleep 0.1
	done
}

# The kernel's log
# ----------------

# What the kernel said since this test began.
kernel_log() {
	dmesg | sed "1,/selftests: test $$ begins/d"
}

# What it says of faults.
export FAULTS='WARNING|BUG[: ]|Oops|Call Trace|general protection|UBSAN|KASAN|refcount_t|possible (circular|recursive) locking|inconsistent lock state|blocked for more than|soft lockup|rcu.*stall|DMAR:.*fault|swiotlb buffer is full|rust_kernel: panicked|page allocation failure'

log_is_clean() {
	! kernel_log | grep -E "$FAULTS"
}

# Lines that our modules and devices wrote.
log_lines() { # extended regular expression
	kernel_log | grep -cE -- "$1" || :
}

# Addresses of memory are below this one.
end_of_memory() {
	echo $((16#$(sed -nE 's/^[0-9a-f]+-([0-9a-f]+) : System RAM$/\1/p' /proc/iomem | tail -n 1)))
}

# Devices
# -------

# A device under test is named by its slot on the root bus, as in addr= of its
# options: 10, or 10.1 for another function. 10/0 is the device below the port at 10.
device() { # slot
	local slot=$1
	if [[ $slot == */* ]]; then
		echo "/sys/bus/pci/devices/0000:00:${slot%/*}.0"/0000:*:00."${slot#*/}"
		return
	fi
	[[ $slot == *.* ]] || slot=$slot.0
	echo "/sys/bus/pci/devices/0000:00:$slot"
}

address() { # slot
	basename "$(device "$1")"
}

driver_of() { # slot
	basename "$(readlink "$(device "$1")/driver")"
}

# rust or c
driver_kind() { # slot
	case $(driver_of "$1") in
	*_rust) echo rust ;;
	*) echo c ;;
	esac
}

bound() { # slot
	[ -e "$(device "$1")/driver" ]
}

unbind() { # slot
	address "$1" >"$(device "$1")/driver/unbind"
}

# Gives the device to the driver that its driver_override names, or to any.
probe() { # slot
	address "$1" >/sys/bus/pci/drivers_probe
	bound "$1"
}

# Makes a device a driver's, and no other's: take 10 virtio_rng_rust. Without a
# driver: anyone's.
reserve() { # slot, [driver]
	! bound "$1" || unbind "$1"
	echo "${2:-}" >"$(device "$1")/driver_override"
}

# The disk of a device: vda. The C driver's is a virtio device's, below; a virtio-mmio device
# is below the PCI device that carries it.
disk() { # slot
	local path device
	device=$(device "$1")
	for path in "$device"{,/virtio-mmio.*}{,/virtio[0-9]*}/block/vd*; do
		[ ! -e "$path" ] || {
			basename "$path"
			return
		}
	done
	echo "no disk at $1" >&2
	return 1
}

# An attribute of a disk: disk_attribute 10 queue/rotational
disk_attribute() { # slot, path
	cat "/sys/block/$(disk "$1")/$2"
}

# The random number generators of virtio devices that the kernel has, one a line.
generators() {
	tr ' ' '\n' </sys/class/misc/hw_random/rng_available | grep '^virtio_rng\.[0-9]*$' | sort
}

# Has /dev/hwrng read from the device, which is bound again for that: a generator's name
# does not tell whose it is.
choose() { # slot
	unbind "$1"
	generators >"$scratch/others"
	probe "$1"
	generators | comm -13 "$scratch/others" - | tee /sys/class/misc/hw_random/rng_current
}

# The interrupts of a device, those of MSI-X or its line.
irqs() { # slot
	# A driver that tried MSI-X in vain leaves an empty directory.
	find "$(device "$1")/msi_irqs" -type f -printf '%f\n' 2>/dev/null | sort -n | grep . ||
		cat "$(device "$1")/irq"
}

# The names that an interrupt has in /proc/interrupts.
irq_names() { # irq
	cat "/sys/kernel/irq/$1/actions"
}

# The interrupt of a device whose name ends like this: irq_named 10 req.0
irq_named() { # slot, ending
	local irq
	for irq in $(irqs "$1"); do
		case $(irq_names "$irq") in
		*-"$2")
			echo "$irq"
			return
			;;
		esac
	done
	echo "no interrupt named *-$2 at $1" >&2
	return 1
}

# How often an interrupt came, on all CPUs.
irq_count() { # irq
	tr ',' '+' <"/sys/kernel/irq/$1/per_cpu_count" | { read -r sum && echo $((sum)); }
}

# The registers of a device, one a line; see the program. With a name: the values of
# that one.
registers() { # slot, [name]
	./registers "$(address "$1")" | sed -nE "s/^${2:-}${2:+ }//p"
}

# The name that the device has in /proc/interrupts and debugfs: virtio0.
virtio_name() { # slot
	local irq name
	for irq in $(irqs "$1"); do
		name=$(irq_names "$irq")
		echo "${name%%-*}"
		return
	done
}

# What debugfs has to say of a device, one value: shown 10 state restarts.
shown() { # slot, file, key
	awk -v key="$3" '$1 == key { print $2 }' "/sys/kernel/debug/virtio_rust/$(virtio_name "$1")/$2"
}

# What the driver accepted, by the numbers of the features.
accepted() { # slot, bit
	[[ " $(registers "$1" driver_feature) " == *" $2 "* ]]
}

# It was offered, but not accepted.
not_accepted() { # slot, bit
	[[ " $(registers "$1" device_feature) " == *" $2 "* ]]
	! accepted "$1" "$2"
}

# Data
# ----

# Writes, reads and compares all sizes of blocks from 512 bytes (or the disk's) to
# 1 MiB, in order and at random.
verify() { # disk, depth, [MiB]
	local disk=$1 depth=$2 size=${3:-16} block
	block=$(cat "/sys/block/$disk/queue/logical_block_size")
	timeout 200 fio --output="$scratch/fio" --filename="/dev/$disk" --direct=1 --ioengine=libaio \
		--iodepth="$depth" --verify=crc32c --verify_fatal=1 --verify_state_save=0 --randrepeat=0 \
		--name=order --rw=write --bsrange="$block-1m" --size="${size}m" \
		--name=small --rw=randwrite --bs="$block" --offset="${size}m" --size=256k \
		--name=pages --rw=randwrite --bs=4k --offset="$((size + 1))m" --size="$((size / 4))m" \
		--name=large --rw=randwrite --bs=1m --offset="$((size * 2))m" --size="${size}m" || {
		local status=$?
		tail -n 20 "$scratch/fio"
		return $status
	}
}

# A quicker one: 2 MiB of random bytes come back.
round_trip() { # disk
	head -c 2M /dev/urandom >"$scratch/data"
	dd if="$scratch/data" of="/dev/$1" bs=256k oflag=direct status=none
	dd if="/dev/$1" of="$scratch/back" bs=256k count=8 iflag=direct status=none
	cmp "$scratch/data" "$scratch/back"
}

# Reads 4 KiB so many times, each when the one before is long over: the interrupt of one
# comes before the next, however busy the machine. Requests in a row may share one.
read_apart() { # disk, times, [CPU]
	local i cpu=${3:-}
	for ((i = 0; i < $2; i++)); do
		${cpu:+taskset -c "$cpu"} dd if="/dev/$1" of=/dev/null bs=4k skip="$i" count=1 iflag=direct status=none
	done
}

# A file system keeps what it was given.
file_system() { # slot
	local disk mnt=$scratch/mnt
	disk=$(disk "$1")
	mkfs.ext4 -q -F "/dev/$disk"
	mkdir -p "$mnt"
	mount "/dev/$disk" "$mnt"
	head -c 16M /dev/urandom >"$mnt/file"
	sha256sum "$mnt/file" >"$scratch/sum"
	umount "$mnt"
	mount "/dev/$disk" "$mnt"
	sha256sum -c "$scratch/sum"
	umount "$mnt"
}

# The generator at this slot gives bytes, none of them twice.
generator_works() { # slot
	choose "$1"
	head -c 64000 /dev/hwrng >"$scratch/random"
	equal "" "$(od -An -v -tx1 -w16 "$scratch/random" | sort | uniq -d)" "repeated pieces"
}

# QEMU
# ----

# QEMU's monitor is on a serial line of the guests that have one; see boots/. To be called
# once, before the first check that needs it.
open_monitor() {
	local name
	eventually 20 grep -qx monitor /sys/class/virtio-ports/*/name
	name=$(grep -lx monitor /sys/class/virtio-ports/*/name)
	exec 7<>"/dev/$(basename "${name%/name}")"
	# A byte that is in no JSON ends what QEMU has taken for the beginning of a command:
	# the line may have echoed.
	printf '\377\n' >&7
	# It may be known from the test before.
	qmp qmp_capabilities >/dev/null || :
}

# Sends a command and prints the answer: qmp query-status, or with arguments in
# JSON: qmp block_resize '{"node-name": "d0", "size": 1048576}'
qmp() { # command, [arguments]
	local id=$BASHPID.$RANDOM answer
	printf '{"execute": "%s", "arguments": %s, "id": "%s"}\n' "$1" "${2:-{\}}" "$id" >&7
	# Events and what was left over are none of ours.
	answer=$(timeout 30 grep -a -m 1 -F "\"$id\"" <&7) || answer="no answer from QEMU to $1"
	echo "$answer"
	[[ $answer == *'"return": '* ]]
}

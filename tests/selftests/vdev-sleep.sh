#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices of our own that suspend themselves when the machine goes to sleep (VIRTIO 1.4, 3.4):
# what the driver does meanwhile is asserted on by them. No other virtio driver is in the
# guest, some of which refuse to sleep.
#
# timeout: 200

if [ ! -e /run/virtio-rust ]; then
	# On this machine: boots the guest, in which the same begins anew, after the libraries.
	cd "$(dirname "$0")" || exit 1
	set -euo pipefail
	. ../../scripts/lib.sh
	need_sdk
	dir=$(mktemp -d)
	trap 'kill $button 2>/dev/null; rm -rf "$dir"' EXIT
	# The clock of QEMU does not wake the guest, its power button does. It is pressed every
	# now and then; that does nothing to a guest that is awake.
	"$TOP/scripts/chroot-run" "$SDK_ROOT" python3 -c '
import json, socket, sys, time
end = time.monotonic() + 120
while True:
    try:
        monitor = socket.socket(socket.AF_UNIX)
        monitor.connect(sys.argv[1])
        break
    except OSError:
        if time.monotonic() > end:
            sys.exit("no monitor")
        time.sleep(0.5)
answers = monitor.makefile()
command = "qmp_capabilities"
while True:
    monitor.sendall(json.dumps({"execute": command}).encode())
    while "return" not in json.loads(answers.readline()):
        pass
    command = "system_powerdown"
    time.sleep(4)' "$dir/qmp" 2>/dev/null &
	button=$!
	"$TOP/scripts/guest" --bare --timeout 700 --memory 512M --console "$dir/console" --qmp "$dir/qmp" \
		--append no_console_suspend \
		--vdev rng,addr=0x10 --vdev blk,event_idx,indirect_desc,addr=0x11 --vdev blk,packed,addr=0x12 \
		-- bash -c "mkdir /run/virtio-rust/modules; $(cat lib.sh vdev-lib.sh "$(basename "$0")")" || {
		status=$?
		tail -n 20 "$dir/console" | sed 's/^/# /'
		exit $status
	}
	exit
fi

# Asleep until the button is pressed. If that happens on the way, it does not sleep.
sleep_once() {
	local before try
	before=$(cat /sys/power/suspend_stats/success)
	for try in 1 2 3 4 5; do
		! echo freeze >/sys/power/state || break
		sleep 1
	done
	equal $((before + 1)) "$(cat /sys/power/suspend_stats/success)" "times that it slept, at try $try"
}

# A disk with a load, and a generator, in a scenario.
begin() { # slot, scenario
	scenario "$1" "$2"
	within 20 probe "$1"
}

# Slept under load, whose requests all come back. The device has some while it is suspended.
disk_sleeps() { # slot, scenario
	local load disk
	begin "$1" "$2"
	disk=$(disk "$1")
	fio --output="$scratch/fio" --eta=never --name=load --filename="/dev/$disk" --direct=1 \
		--ioengine=libaio --iodepth=4 --rw=randrw --bs=4k --size=8m --verify=crc32c --verify_fatal=1 \
		--verify_backlog=8 --verify_state_save=0 --randrepeat=0 --time_based --runtime=600 &
	load=$!
	eventually 20 busy "$disk"
	sleep_once
	kill -0 $load
	eventually 20 busy "$disk"
	kill -INT $load
	within 30 tail --pid=$load -f /dev/null
	grep 'err= 0' "$scratch/fio"
	echo "log: $(vdev "$1" count taken) taken, $(vdev "$1" count status) statuses"
	verdict "$1"
	equal 0 "$(shown "$1" state restarts)" "restarts"
}

# More requests than there were.
busy() { # disk
	local now
	now=$(awk '{ print $1 + $5 }' "/sys/block/$1/stat")
	# Longer than the device takes for an answer.
	sleep 2
	[ "$(awk '{ print $1 + $5 }' "/sys/block/$1/stat")" -gt "$now" ]
}

# It has twice the size afterwards, and nobody need say so.
disk_changes() { # slot, scenario
	local disk
	begin "$1" "$2"
	disk=$(disk "$1")
	equal 131072 "$(disk_attribute "$1" size)" "sectors before"
	sleep_once
	eventually 10 equal 262144 "$(disk_attribute "$1" size)" "sectors afterwards"
	dd if="/dev/$disk" of=/dev/null bs=4k count=1 iflag=direct status=none
	verdict "$1"
}

generator_sleeps() { # slot
	begin "$1" suspend
	generators
	head -c 256 /dev/hwrng >/dev/null
	sleep_once
	head -c 256 /dev/hwrng >"$scratch/drawn"
	verdict "$1"
	equal 0 "$(shown "$1" state restarts)" "restarts"
}

# SUSP-03 SUSP-04 SUSP-05
check "nothing is added, notified or written while a disk is suspended" disk_sleeps 11 suspend-in-flight
check "the same of a disk with a packed ring" disk_sleeps 12 suspend-in-flight
check "nothing is added, notified or written while a generator is suspended" generator_sleeps 10
# SUSP-08
check "a suspended disk that answers and interrupts does no harm" disk_sleeps 11 suspend-restless
# SUSP-09
check "a disk that changed while it was suspended is looked at again" disk_changes 11 suspend-changed-quietly
check "so is one that says so" disk_changes 12 suspend-changed
status=0
(finish) || status=$?
sleep 1
echo "<2>guest: exit status $status" >/dev/kmsg
sync
echo b >/proc/sysrq-trigger

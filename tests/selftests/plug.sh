#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Devices are plugged in, and pulled out under load: with notice and without. Requests end,
# and the driver is gone in time.
#
# boot: plug
# timeout: 300
# debug: unproved, pciehp takes its reset_lock and the lock of rescans in both orders

cd "$(dirname "$0")" || exit 1
. ./lib.sh
open_monitor

# Ten at once, five times; less often where all takes longer.
ROUNDS=$((5 / slowness + (slowness > 1)))
DISKS=(10 11 12 13 14 15) GENERATORS=(16 17 18 19)

# Removal has 10 seconds. A port that was asked to let a device go waits for 5 before it does,
# and with ten of them at once a machine may be busy.
GONE=25

block_driver=$(driver_of 1a) rng_driver=$(driver_of 1b)
before=$(ls /sys/kernel/debug/virtio_rust 2>/dev/null)

# Nobody takes a new device before it was said who is to have it.
echo 0 >/sys/bus/pci/drivers_autoprobe
# What udev runs for each disk takes most of the time.
udevadm control --stop-exec-queue

there() { # slot...
	local slot path
	for slot; do
		path=(/sys/bus/pci/devices/0000:00:"$slot".0/0000:*:00.0/vendor)
		[ -e "${path[0]}" ] || return 1
	done
}

not_there() { # slot...
	local slot
	for slot; do ! there "$slot" || return 1; done
}

# QEMU has none of the devices any more.
unknown() {
	local answer
	answer=$(qmp qom-list '{"path": "/machine/peripheral"}')
	[[ $answer != *plugged* ]]
}

is_disk() { # slot
	[[ " ${DISKS[*]} " == *" $1 "* ]]
}

# All of this with few programs, which take their time to start in an emulated guest. A
# generator gives little, so that who reads waits.
plug() { # slot...
	local slot device path
	for slot; do
		device='"driver": "virtio-rng-pci", "max-bytes": 64, "period": 100'
		! is_disk "$slot" || device="\"driver\": \"virtio-blk-pci\", \"drive\": \"disk$slot\", \"num-queues\": 2"
		qmp device_add "{$device, \"bus\": \"port$slot\", \"id\": \"plugged$slot\"}"
	done
	eventually 30 there "$@"
	for slot; do
		path=(/sys/bus/pci/devices/0000:00:"$slot".0/0000:*:00.0)
		if is_disk "$slot"; then echo "$block_driver"; else echo "$rng_driver"; fi >"${path[0]}/driver_override"
		echo "${path[0]##*/}" >/sys/bus/pci/drivers_probe
		[ -e "${path[0]}/driver" ]
	done
}

# Starts a load on all disks, each of which works for it then, and on the last generator.
load() { # slot...
	local slot jobs=() path disks=()
	rm -f "$scratch/random"
	for slot; do
		is_disk "$slot" || continue
		for path in /sys/bus/pci/devices/0000:00:"$slot".0/0000:*:00.0{,/virtio*}/block/vd*; do
			[ ! -e "$path" ] || disks+=("${path##*/}")
		done
	done
	for path in "${disks[@]}"; do jobs+=(--name="$path" --filename="/dev/$path"); done
	fio --output="$scratch/fio" --eta=never --thread --direct=1 --ioengine=libaio --iodepth=8 --rw=randrw \
		--bsrange=512-64k --size=64m --time_based --runtime=3600 "${jobs[@]}" 2>/dev/null &
	workers=($!)
	eventually 60 busy "${disks[@]}"
	generators | tail -n 1 >/sys/class/misc/hw_random/rng_current
	head -c 1G /dev/hwrng >"$scratch/random" &
	workers+=($!)
	eventually 30 drawn
}

busy() { # disk...
	local disk stat
	for disk; do
		read -ra stat <"/sys/block/$disk/stat"
		[ $((stat[0] + stat[4])) -gt 20 ] || return 1
	done
}

drawn() {
	[ "$(stat -c %s "$scratch/random")" -gt 64 ]
}

# The load has met errors, and ended: that of each disk. A disk that is gone has no space.
ended() { # disks
	within 15 tail --pid="${workers[0]}" -f /dev/null
	grep -E '^vd.*err=' "$scratch/fio"
	equal "$1" "$(grep -cE '^vd.*err= *(5|6|19|28)\b' "$scratch/fio")" "disks that failed with EIO, ENXIO, ENODEV or ENOSPC"
}

# Who waited for a generator does not any more: it has met an error, or reads from another.
drawing_ends() {
	local size
	size=$(stat -c %s "$scratch/random")
	eventually 15 woken "$size"
	kill "${workers[-1]}" 2>/dev/null || :
	within 10 tail --pid="${workers[-1]}" -f /dev/null
}

woken() { # size
	! kill -0 "${workers[-1]}" || [ "$(stat -c %s "$scratch/random")" -gt "$1" ]
}

# Nobody waits for ever, and nothing is left of the devices.
nothing_left() {
	refused eval "ps -eo stat=,args= | grep -E '^D.*(fio|head|dd)'"
	equal "$before" "$(ls /sys/kernel/debug/virtio_rust 2>/dev/null)" "directories in debugfs"
}

often() {
	local i slot workers start
	for ((i = 0; i < ROUNDS; i++)); do
		start=$SECONDS
		plug "${DISKS[@]}" "${GENERATORS[@]}"
		load "${DISKS[@]}" "${GENERATORS[@]}"
		echo "round $i: under load after $((SECONDS - start)) s" >>"$scratch/times"
		for slot in "${DISKS[@]}" "${GENERATORS[@]}"; do
			qmp device_del "{\"id\": \"plugged$slot\"}" >/dev/null
		done
		eventually "$GONE" not_there "${DISKS[@]}" "${GENERATORS[@]}"
		echo "round $i: gone after $((SECONDS - start)) s" >>"$scratch/times"
		ended ${#DISKS[@]}
		drawing_ends
		eventually 10 unknown
		nothing_left
		echo "round $i: $((SECONDS - start)) s" >>"$scratch/times"
	done
}

# Changes bits of configuration space: of a register of 16 bits, so far into the capability
# with this number, or of all of it if that is 0.
change() { # device, capability, offset, clear, set
	python3 -IS - "$1/config" "${@:2}" <<-'EOT'
		import sys
		file = open(sys.argv[1], "r+b", buffering=0)
		def read(at, size):
		    file.seek(at)
		    return int.from_bytes(file.read(size), "little")
		capability, offset, clear, set = (int(word, 0) for word in sys.argv[2:])
		at = 0
		if capability:
		    at = read(0x34, 1)
		    while read(at, 1) != capability:
		        at = read(at + 1, 1)
		value = read(at + offset, 2)
		file.seek(at + offset)
		file.write((value & ~clear | set).to_bytes(2, "little"))
	EOT
}

# The port's Slot Control, behind the back of its driver: power controller off, and its lamp
# as well. QEMU takes the device away then. That its link is down, the port does not say.
pull() { # slot
	change "$(device "$1")" 0x10 0x18 0 0x700
}

# Power alone: the device stays, and answers nothing.
cut_power() { # slot
	change "$(device "$1")" 0x10 0x18 0 0x400
}

# The device does not decode memory: it does not answer.
deafen() { # slot
	change "$(device "$1/0")" 0 4 2 0
}

# A disk and a generator under load, to both of which something is done.
do_to_pair() { # disk, generator, command
	plug "$1" "$2"
	load "$1" "$2"
	"$3" "$1"
	"$3" "$2"
}

# The port's driver is told to switch it off, for which it sends the device's driver away.
switch_off() { # slot
	within 10 eval "echo 0 >/sys/bus/pci/slots/$1/power"
	not_there "$1"
}

# The device is removed from the bus. Its port is told that it has power, and switched off,
# unless it has found out itself that it is empty.
remove() { # slot
	within 10 eval "echo 1 >$(device "$1/0")/remove"
	not_there "$1"
	change "$(device "$1")" 0x10 0x18 0x700 0x100
	echo 0 >"/sys/bus/pci/slots/$1/power" || :
}

switched_off() { # disk, generator
	local workers
	do_to_pair "$1" "$2" :
	switch_off "$1"
	switch_off "$2"
	ended 1
	drawing_ends
	eventually 10 unknown
	nothing_left
}

removed_after() { # disk, generator, command
	local workers
	do_to_pair "$@"
	remove "$1"
	remove "$2"
	ended 1
	drawing_ends
	eventually 10 unknown
	nothing_left
}

# Nobody removes them: the drivers find out.
found_out_after() { # disk, generator, command
	local workers
	do_to_pair "$@"
	within 70 tail --pid="${workers[0]}" -f /dev/null
	ended 1
	eventually 30 eval "equal failed \$(shown $1/0 state state)"
	eventually 30 eval "equal failed \$(shown $2/0 state state)"
	remove "$1"
	remove "$2"
	drawing_ends
	eventually 10 unknown
	nothing_left
}

# What was there all the time.
others_work() {
	round_trip "$(disk 1a)"
	generator_works 1b
}

check "ten devices are plugged in and pulled out under load, $ROUNDS times" often
sed 's/^/# /' "$scratch/times"
check "ports are switched off under load: devices leave in time" switched_off 10 16
check "devices that were pulled out before anybody was told are removed in time" removed_after 11 17 pull
check "devices that have lost their power are removed in time" removed_after 12 18 cut_power
check "devices that do not answer any more are removed in time" removed_after 13 19 deafen
check_rust 1a "devices that were pulled out are found out" found_out_after 14 16 pull
check "other devices work" others_work
echo 1 >/sys/bus/pci/drivers_autoprobe
udevadm control --start-exec-queue
finish

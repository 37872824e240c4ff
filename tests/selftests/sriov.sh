#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# A device with virtual functions (SR_IOV): there are none before the feature is agreed on,
# and as many as are wanted afterwards.
#
# boot: life
# timeout: 60
# debug: no, pci_disable_sriov() wants a lock that is not held where drivers are removed

cd "$(dirname "$0")" || exit 1
. ./lib.sh

SR_IOV=37

rng_driver=$(driver_of 11)
if [ "$(driver_kind 11)" != rust ]; then
	skip "virtual functions" "this is about our drivers"
	finish
fi

# The functions on the bus: the physical one, and the virtual ones.
functions() {
	find "$(device 17)/" -maxdepth 1 -name '0000:*:00.*' -printf '%f\n' | wc -l
}

ask_for() { # count
	echo "$1" >"$(device 17/0)/sriov_numvfs"
}

has_functions() { # count
	equal "$1" "$(cat "$(device 17/0)/sriov_numvfs")" "virtual functions, by the kernel"
	equal $(($1 + 1)) "$(functions)" "functions on the bus"
}

# Refused, and nothing is there then.
refuses() { # message
	fails_with "$1" ask_for 2
	has_functions 0
}

bound_by_us() {
	reserve 17/0 "$rng_driver"
	probe 17/0
	equal "$rng_driver" "$(driver_of 17/0)" "driver"
}

agreed() {
	accepted 17/0 "$SR_IOV"
	equal 15 "$(registers 17/0 device_status)" "device_status"
	has_functions 0
}

without_driver() {
	unbind 17/0
	# It is the kernel that refuses this.
	refuses 'write error'
	probe 17/0
}

# A virtual function says that it is a network controller; it has no ids of its own.
answers() { # device
	equal "00 02" "$(od -An -tx1 -j10 -N2 "$1/config" | xargs)" "class in configuration space"
}

come() {
	local path
	ask_for 2
	has_functions 2
	for path in "$(device 17/0)"/virtfn{0,1}; do
		equal "0x1af4 0x1041" "$(cat "$path/vendor" "$path/device" | paste -sd ' ')" "ids"
		answers "$path"
	done
	generator_works 17/0
}

# The function is reset, and has virtual ones again.
function_reset() {
	ask_for 2
	echo 1 >"$(device 17/0)/reset"
	eventually 15 equal 15 "$(registers 17/0 device_status)"
	equal 1 "$(shown 17/0 state restarts)" "restarts"
	has_functions 2
	answers "$(device 17/0)/virtfn1"
}

go() {
	ask_for 0
	has_functions 0
}

leave_with_driver() {
	ask_for 1
	has_functions 1
	unbind 17/0
	has_functions 0
	probe 17/0
	has_functions 0
	generator_works 17/0
}

# Where nobody answers, nothing is agreed on: the device is told to decode no memory, and is
# found out by who reads from it.
refused_after_failure() {
	local path
	path=$(device 17/0)
	choose 17/0
	printf '\0' | dd of="$path/config" bs=1 seek=4 conv=notrunc status=none
	timeout 40 head -c 640 /dev/hwrng >/dev/null || :
	eventually 20 eval "equal failed \$(shown 17/0 state state)"
	refuses 'Invalid argument'
	within 10 unbind 17/0
}

check "the device is bound to its driver" bound_by_us
# RSV-11
check "SR_IOV is agreed on, and there is no virtual function yet" agreed
check "without a driver there is none" without_driver
# RSV-09
check "two virtual functions come" come
check "and go" go
check "the function is reset, and they are there again" function_reset
check "and go again" go
check "they leave with the driver" leave_with_driver
# RSV-11
check "a device that has failed gets none" refused_after_failure
finish

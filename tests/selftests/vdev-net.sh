#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Network devices of our own with the kernel's C driver: a split and a packed one with a
# station on the other side, and two that are joined, one of them in another network
# namespace. What the driver did is asserted on by the devices.
#
# guest: --cpus 2 --append 'intel_iommu=on iommu.strict=1'
# guest: --qemu '-device intel-iommu,intremap=off,caching-mode=on'
# guest: --driver c --vdev net,iommu_platform,addr=0x10
# guest: --vdev net,iommu_platform,packed,event_idx,indirect_desc,addr=0x11
# guest: --vdev net,iommu_platform,peer,indirect_desc,event_idx,addr=0x12
# guest: --vdev net,iommu_platform,peer,packed,in_order,addr=0x13
# timeout: 200
# debug: no, that kernel has no C drivers of these devices

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./vdev-lib.sh

# The interface of a device.
interface() { # slot
	basename "$(echo "$(device "$1")"/virtio*/net/*)"
}

# What the interface says of itself.
link_attribute() { # slot, file
	cat "/sys/class/net/$(interface "$1")/$2"
}

# A device, bound in a scenario, whose interface has got its name.
named() { # slot, scenario
	scenario "$1" "$2"
	within 20 probe "$1"
	udevadm settle --timeout=20
}

# An interface, bound in a scenario, and up.
bound_in() { # slot, scenario, [address]
	named "$1" "$2"
	equal virtio-pci "$(driver_of "$1")"
	ip link set "$(interface "$1")" up
	[ -z "${3:-}" ] || ip address add "$3" dev "$(interface "$1")"
	eventually 10 carrier "$1" 1
}

carrier() { # slot, 0 or 1
	equal "$2" "$(link_attribute "$1" carrier)" "carrier"
}

# The station answers.
pings() { # slot, address, [bytes]
	within 30 busybox ping -c 2 -w 20 -s "${3:-56}" "$2"
}

# The driver says that the number of buffers is what was in its memory before, if there is
# never more than one. Nothing else is wrong.
verdict_of_c() { # slot
	vdev "$1" verdict | tee "$scratch/verdict"
	grep -qE '^pass$|^fail: violation num_buffers' "$scratch/verdict" || {
		vdev "$1" log | tail -n 30
		return 1
	}
}

# Frames of many lengths come back, and so do pings.
echoes() { # slot, scenario, the longest frame
	bound_in "$1" "$2" 10.0.0.1/24
	within 60 ./vdev-net.py echo "$(interface "$1")" 60 61 590 1513 1514 $(($3 / 2)) $(($3 - 1)) "$3"
	pings "$1" 10.0.0.9
	pings "$1" 10.0.0.9 $(($3 - 42))
	# Of what it has, it keeps some there for what comes.
	greater "$(vdev "$1" count 'taken 0')" 30 "receive buffers"
	greater "$(vdev "$1" count 'request send')" 30 "frames sent"
	greater "$(vdev "$1" count 'request receive')" 30 "frames received"
	verdict_of_c "$1"
}

# The address, the longest payload and the speed are what the device says.
configuration() { # slot, the end of the address
	bound_in "$1" good
	equal "52:54:00:76:64:$2" "$(link_attribute "$1" address)"
	equal 9000 "$(link_attribute "$1" mtu)"
	equal 1000 "$(link_attribute "$1" speed)"
	equal full "$(link_attribute "$1" duplex)"
	refused ip link set "$(interface "$1")" mtu 9001
	verdict_of_c "$1"
}

# The link goes and comes again, and the interface with it.
link() { # slot
	bound_in "$1" good 10.0.0.1/24
	pings "$1" 10.0.0.9
	equal ok "$(vdev "$1" "do link-down")"
	eventually 10 carrier "$1" 0
	equal ok "$(vdev "$1" "do link-up")"
	eventually 10 carrier "$1" 1
	pings "$1" 10.0.0.9
	verdict_of_c "$1"
}

# One that begins without a link gets one.
no_link() { # slot
	named "$1" net-no-link
	ip link set "$(interface "$1")" up
	ip address add 10.0.0.1/24 dev "$(interface "$1")"
	carrier "$1" 0
	equal ok "$(vdev "$1" "do link-up")"
	eventually 10 carrier "$1" 1
	pings "$1" 10.0.0.9
	verdict_of_c "$1"
}

# Receive modes, addresses and VLANs are asked for as they are to be.
control() { # slot
	local name before
	bound_in "$1" good 10.0.0.1/24
	name=$(interface "$1")
	before=$(link_attribute "$1" address)
	ip link set "$name" promisc on
	eventually 10 asked "$1" '[0, 0] with 1'
	ip link set "$name" promisc off
	ip link set "$name" allmulticast on
	eventually 10 asked "$1" '[0, 1] with 1'
	ip maddress add 01:00:5e:01:02:03 dev "$name"
	eventually 10 asked "$1" '[1, 0] with '
	ip link set "$name" address 52:54:00:aa:bb:cc
	asked "$1" '[1, 1] with 6'
	pings "$1" 10.0.0.9
	equal ok "$(vdev "$1" "do announce")"
	eventually 10 asked "$1" '[3, 0] with 0'
	verdict_of_c "$1"
	# Now that it is the driver's, the address is another; a reset gives the old one back.
	within 20 unbind "$1"
	within 20 probe "$1"
	udevadm settle --timeout=20
	equal "$before" "$(link_attribute "$1" address)"
}

# The driver asked for this.
asked() { # slot, text
	greater "$(vdev "$1" "count request control $2")" 0 "commands $2"
}

# Two interfaces that are joined, the second in a namespace of its own.
joined() { # scenario
	ip netns del other 2>/dev/null || :
	ip netns add other
	bound_in 12 "$1" 10.1.0.1/24
	named 13 "$1"
	second=$(interface 13)
	ip link set "$second" netns other
	ip -n other link set lo up
	ip -n other link set "$second" up
	ip -n other address add 10.1.0.2/24 dev "$second"
}

# Data go both ways, and come back.
talk() { # scenario, payload
	local second server
	joined "$1"
	within 30 busybox ping -c 2 -w 20 -s "$2" 10.1.0.2
	within 30 ip netns exec other busybox ping -c 2 -w 20 -s "$2" 10.1.0.1
	ip netns exec other ./vdev-net.py serve 10.1.0.2 &
	server=$!
	within 60 ./vdev-net.py connect 10.1.0.2 2000000
	wait $server
	verdict_of_c 12
	verdict_of_c 13
}

for slot in 10 11; do
	check "the configuration of the device at $slot is used" configuration $slot 0$((slot - 10))
	check "frames come back in several buffers each at $slot" echoes $slot net-merged 9014
	check "frames come back in one long buffer each at $slot" echoes $slot net-big 9014
	check "frames come back in short buffers at $slot" echoes $slot net-small 1514
	check "the link at $slot goes down and comes up" link $slot
	check "the control queue at $slot is used" control $slot
done
check "a device with nothing but two queues works" echoes 10 net-bare 1514
check "the same with a packed ring" echoes 11 net-bare 1514
check "a device that begins without a link gets one" no_link 10
check "a device that is slow to send works" echoes 11 net-slow 1514
check "two devices that are joined talk to each other" talk net-merged 8000
check "so they do without merged buffers" talk net-big 8000
finish

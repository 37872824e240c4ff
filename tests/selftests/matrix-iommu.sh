#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Every form of queue with every way to interrupt, behind a strict IOMMU.
#
# boot: matrix iommu
# timeout: 200

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./matrix-lib.sh

# The firmware, which drives disks too, has had its own when the kernel took over.
no_faults() {
	! kernel_log | grep -E 'DMAR:.*(fault|ERROR)'
}

check "each form has its devices" all_bound
look
check "what was asked for is offered, and accepted" features on
check "vectors and sizes are those asked for" vectors
# RSV-04
check "rings are at bus addresses" bus_addresses
check "split: disks verify" disks "off off"
check "split, in order: disks verify" disks "off on"
check "packed: disks verify" disks "on off"
check "packed, in order: disks verify" disks "on on"
check "generators of all forms" generators_work
# RSV-05
check "a disk without ACCESS_PLATFORM, beside them" direct
# RSV-04
check "the IOMMU saw no fault" no_faults
finish

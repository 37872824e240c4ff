#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Every form of queue with every way to interrupt: {split, packed} x {in order or not} x
# {event index or not} x {indirect or not} x {a vector a queue, one for all, the line}.
#
# boot: matrix plain
# timeout: 200
# debug: no, matrix-iommu.sh has the same forms

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./matrix-lib.sh

check "each form has its devices" all_bound
look
check "what was asked for is offered, and accepted" features off
check "vectors and sizes are those asked for" vectors
check "split: disks verify" disks "off off"
check "split, in order: disks verify" disks "off on"
check "packed: disks verify" disks "on off"
check "packed, in order: disks verify" disks "on on"
check "generators of all forms" generators_work
# RSV-05
check "a disk without ACCESS_PLATFORM, beside them" direct
finish

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Functions that are reset under load: the devices come back, and the data are right.
#
# boot: life
# timeout: 150

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./load-lib.sh

flr() { # slot
	echo 1 >"$(device "$1")/reset"
}

has_flr() { # slot
	grep -w flr "$(device "$1")/reset_method"
}

check "functions can be reset" has_flr 14/0
check "a disk's function is reset ten times under load" disk_under 14/0 10 flr
finish

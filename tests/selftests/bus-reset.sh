#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# Functions that are reset, and errors that devices report on the bus, all under load: the
# devices come back, and the data are right.
#
# boot: life
# timeout: 200

cd "$(dirname "$0")" || exit 1
. ./lib.sh
. ./load-lib.sh
open_monitor

flr() { # slot
	echo 1 >"$(device "$1")/reset"
}

has_flr() { # slot
	grep -w flr "$(device "$1")/reset_method"
}

# An error that the device reports, by QEMU's names of both. It is restarted.
report() { # error, id, slot
	local before
	before=$(shown "$3" state restarts)
	qmp human-monitor-command "{\"command-line\": \"pcie_aer_inject_error $2 $1\"}"
	eventually 30 eval "greater \$(shown $3 state restarts) $before"
	eventually 10 eval "equal working \$(shown $3 state state)"
}

# It was an error of this kind that the kernel has dealt with.
counted() { # slot, fatal or nonfatal, name, at least
	cat "$(device "$1")/aer_dev_$2"
	greater "$(awk -v name="$3" '$1 == name { print $2 }' "$(device "$1")/aer_dev_$2")" $(($4 - 1)) "errors"
}

# After a fatal error the kernel resets the link, which QEMU's port does not bring up again:
# the bus gives the device up. All requests end.
given_up() { # slot, id
	local load
	start_load "$1"
	qmp human-monitor-command "{\"command-line\": \"pcie_aer_inject_error $2 MALF_TLP\"}"
	eventually 30 eval "equal failed \$(shown $1 state state)"
	within 30 tail --pid="$load" -f /dev/null
	refused grep 'err= 0' "$scratch/fio"
	counted "$1" fatal TOTAL_ERR_FATAL 1
	within 10 unbind "$1"
}

check "functions can be reset" has_flr 14/0
check "a disk's function is reset ten times under load" disk_under 14/0 10 flr
check "a generator's function is reset ten times under load" generator_under 15/0 10 flr
check "errors on the bus, not fatal: a disk" disk_under 14/0 2 report COMP_TIME express
check "errors on the bus, not fatal: the kernel has seen the disk's" counted 14/0 nonfatal CmpltTO 2
check "errors on the bus, not fatal: a generator" generator_under 15/0 2 report COMP_TIME source
check "errors on the bus, not fatal: the kernel has seen the generator's" counted 15/0 nonfatal CmpltTO 2
check "an error on the bus, fatal: the disk fails, and requests end" given_up 14/0 express
finish

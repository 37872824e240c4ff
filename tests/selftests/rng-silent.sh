#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# A random number generator that gives nothing: every wait for it ends.
#
# boot: drivers
# timeout: 150

cd "$(dirname "$0")" || exit 1
. ./lib.sh

# Starts a reader, and waits until it waits in the driver: the kernel reads, too, and only
# one can.
start_reader() {
	dd if=/dev/hwrng of=/dev/null bs=64 count=1 status=none 2>"$scratch/reader" &
	reader=$!
	eventually 40 grep -qE 'virtio_r(ng_rust|ead)' "/proc/$reader/stack"
}

# It ends on a signal, long before the driver would give up.
ends_by() { # signal
	local reader
	start_reader
	kill -s "$1" "$reader"
	eventually 4 gone "$reader"
}

gone() { # pid
	! kill -0 "$1"
}

times_out() {
	local status=0
	within 45 dd if=/dev/hwrng of=/dev/null bs=64 count=1 || status=$?
	equal 1 "$status" "status of dd"
}

at_once() {
	python3 -IS - <<-'EOT'
		import errno, os, sys, time
		file = os.open("/dev/hwrng", os.O_RDONLY | os.O_NONBLOCK)
		end = time.monotonic() + 45
		# Another reader, the kernel, may keep it waiting first.
		try:
		    print(os.read(file, 64))
		    sys.exit(1)
		except OSError as error:
		    print(errno.errorcode[error.errno])
		    sys.exit(error.errno != errno.EAGAIN)
	EOT
}

unbound() {
	local reader
	start_reader
	within 10 unbind 16
	eventually 4 gone "$reader"
}

others_work() {
	choose 11
	head -c 640 /dev/hwrng | wc -c
}

check "the silent generator is chosen" choose 16
check "a reader ends by SIGTERM at once" ends_by TERM
check "a reader ends by SIGKILL at once" ends_by KILL
# STAT-06 VQ-SPLIT-27
check_rust 16 "a read ends by itself" times_out
check "a read that must not wait does not" within 45 at_once
check "the device is unbound under a reader, which ends" unbound
check "it is bound again" probe 16
check "other generators work" others_work
finish

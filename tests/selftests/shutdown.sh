#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
#
# The machine is switched off, or given to another kernel, under load: each device is reset
# before, and makes no use of memory from there on, by a trace of QEMU.
#
# timeout: 240

cd "$(dirname "$0")" || exit 1
. ./lib.sh

# A disk that answers after 20 ms, so that it has requests, and a generator.
printf '%s\n' virtio_set_status memory_region_ops_read pci_cfg_write virtio_blk_handle_read \
	virtio_blk_handle_write virtio_blk_req_complete virtio_rng_pushed >"$scratch/events"

# In the guest: loads, and then the end.
cat >"$scratch/work" <<'END'
set -eu
disk=$(basename "$(echo /sys/bus/pci/devices/0000:00:10.0/block/*)")
for _ in 1 2 3 4; do dd if=/dev/zero of="/dev/$disk" bs=64k oflag=direct status=none 2>/dev/null & done
head -c 1G /dev/hwrng >/dev/null &
sleep 3
[ "$(awk '{ print $9 }' "/sys/block/$disk/stat")" -gt 0 ] || echo "nothing is in flight"
END
cat >"$scratch/off" <<'END'
echo ready
busybox poweroff -f
sleep 60
END
# The stock kernel once more, with nothing to do.
cat >"$scratch/kexec" <<'END'
mkdir -p /tmp/second/bin
cp "$(command -v busybox)" /tmp/second/bin
printf '#!/bin/busybox sh\nbusybox mount -t devtmpfs none /dev\necho "<1>the second kernel runs" >/dev/kmsg\nbusybox poweroff -f\n' >/tmp/second/init
chmod +x /tmp/second/init
mkdir /tmp/second/dev
(cd /tmp/second && find . | busybox cpio -o -H newc >/tmp/initramfs)
python3 -IS - "/boot/vmlinuz-$(uname -r)" /tmp/initramfs <<'EOT'
import ctypes, os, sys
kernel, initramfs = (os.open(name, os.O_RDONLY) for name in sys.argv[1:])
line = b"console=ttyS0 panic=-1 no_timer_check initcall_blacklist=virtio_pci_driver_init\0"
libc = ctypes.CDLL(None, use_errno=True)
# kexec_file_load
if libc.syscall(320, kernel, initramfs, ctypes.c_ulong(len(line)), line, ctypes.c_ulong(0)):
    sys.exit(f"kexec_file_load: {os.strerror(ctypes.get_errno())}")
print("ready", flush=True)
# reboot: LINUX_REBOOT_CMD_KEXEC
libc.syscall(169, 0xfee1dead, 0x28121969, 0x45584543, 0)
sys.exit(f"reboot: {os.strerror(ctypes.get_errno())}")
EOT
END

# The guest ends without the end of what it runs.
run() { # how
	local trace=$scratch/trace.$1
	../../scripts/guest --root host --timeout 200 --driver rust --console "$scratch/console.$1" \
		--device virtio-blk-pci,drive=d0,num-queues=2,ioeventfd=off --device virtio-rng-pci,ioeventfd=off \
		--qemu "-blockdev null-co,node-name=d0,size=1073741824,read-zeroes=on,latency-ns=20000000
			-trace events=$scratch/events -D $trace" \
		-- bash -c "$(cat "$scratch/work" "$scratch/$1")" >"$scratch/said.$1" 2>"$scratch/errors.$1" || :
	cat "$scratch/said.$1"
	grep -x ready "$scratch/said.$1" || {
		cat "$scratch/errors.$1"
		return 1
	}
	refused grep 'nothing is in flight' "$scratch/said.$1"
	# What the devices did, and when: reset is what the driver has read back.
	awk '
		FNR == 1 { round++ }
		/^virtio_blk_/ { type[$3] = "blk" }
		/^virtio_rng_pushed/ { sub(/:$/, "", $2); sub(/:$/, "", $3); type[$2 ~ /^0x/ ? $2 : $3] = "rng" }
		round == 1 { next }
		/^virtio_set_status/ && $3 in type {
			t = type[$3]
			status[t] = $NF
			if ($NF == 0) { print "reset", t } else { print "status", t, $NF; quiet[t] = 0 }
		}
		/^memory_region_ops_read/ && match($0, /virtio-pci-common-virtio-(blk|rng)/) {
			t = substr($0, RSTART + RLENGTH - 3, 3)
			if (t in status && status[t] == 0 && !quiet[t]) { print "quiet", t; quiet[t] = 1 }
		}
		/^virtio_(blk_handle|blk_req|rng_pushed)/ {
			t = /^virtio_blk/ ? "blk" : "rng"
			if (quiet[t]) print "late", t, $0
			count[t]++
		}
		/^pci_cfg_write virtio-(blk|rng)/ && /@0x4 / { print "command", substr($2, 8, 3), $NF }
		END { for (t in count) print "count", t, count[t] }' "$trace" "$trace" >"$scratch/found.$1"
	rm "$trace"
}

# After the device was at work for the last time, it was reset, and the driver has seen it. It
# did nothing from there on, and is reset only: by QEMU, as the machine ends.
ended() { # how, type
	local last
	last=$(awk -v type="$2" '
		$2 != type { next }
		$1 == "status" { last = $3 == 15 ? "" : "setup" }
		$1 == "reset" || $1 == "quiet" { last = last $1 " " }
		END { print last }' "$scratch/found.$1")
	grep " $2" "$scratch/found.$1" | tail -n 20
	grep -xE '(reset )+quiet (reset )*' <<<"$last"
	refused grep "^late $2" "$scratch/found.$1"
	greater "$(awk -v type="$2" '$1 == "count" && $2 == type { print $3 }' "$scratch/found.$1")" 20 "what it did before"
}

# It is off the bus, too: bit 2 of the command register.
off_the_bus() { # how, type
	local last
	last=$(awk -v type="$2" '$1 == "command" && $2 == type { last = $3 } END { print last }' "$scratch/found.$1")
	equal 0 $((last & 4)) "bus master"
}

second_kernel() {
	grep 'the second kernel runs' "$scratch/console.kexec"
}

check "a guest is switched off under load" run off
check "switched off: the disk is quiet" ended off blk
check "switched off: the disk is off the bus" off_the_bus off blk
check "switched off: the generator is quiet" ended off rng
check "switched off: the generator is off the bus" off_the_bus off rng
check "a guest goes on with another kernel, under load" run kexec
check "another kernel: it runs" second_kernel
check "another kernel: the disk is quiet" ended kexec blk
check "another kernel: the generator is quiet" ended kexec rng
finish

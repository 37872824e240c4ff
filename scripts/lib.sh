# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
# shellcheck shell=bash
#
# What the scripts share: messages, the cache, and entering the SDK. To be
# sourced after `set -euo pipefail`.

# The source tree.
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

# The kernel to build for. The flavour is Debian's word for a configuration; two are ours,
# from the source of the stock kernel: debug, which looks for faults, and arm64, for another
# processor.
KERNEL_SERIES=${KERNEL_SERIES:-7.3}
FLAVOUR=${FLAVOUR:-cloud}
case $FLAVOUR in
cloud | cloud-amd64) FLAVOUR=cloud-amd64 ;;
esac
STOCK_FLAVOUR=$FLAVOUR
case $FLAVOUR in
debug | arm64) STOCK_FLAVOUR=cloud-amd64 ;;
esac

# Everything that is not the project's own work is kept here.
CACHE=${VIRTIO_RUST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/virtio-rust}

# Where the source tree is inside the SDK and inside a guest, whatever its path
# outside is.
GUEST_TOP=/srv/virtio-rust

# Where the modules for this flavour are built.
BUILD=$TOP/build/$FLAVOUR

# Where the SDK has what only the arm64 kernel needs.
ARM64=/opt/arm64
export TOP KERNEL_SERIES FLAVOUR STOCK_FLAVOUR CACHE GUEST_TOP BUILD ARM64

die() {
	printf '%s: %s\n' "${PROGRAM:-${0##*/}}" "$*" >&2
	exit 1
}

info() {
	printf '%s: %s\n' "${PROGRAM:-${0##*/}}" "$*" >&2
}

# The bounds of what the scripts are written for, each with what to do about it.
# They print nothing when all is well and are functions of their arguments, so
# that tests can call them with any.
check_arch() { # machine
	[ "$1" = x86_64 ] ||
		die "this machine is $1; the set-up needs x86-64 (the modules are built for Debian's amd64 kernel)"
}

check_root() { # uid
	[ "$1" = 0 ] ||
		die "root is needed to make and enter the SDK (a chroot); run it as root, e.g. with sudo"
}

check_distribution() { # os-release file
	local id=
	[ ! -r "$1" ] || id=$(sed -n 's/^ID\(_LIKE\)\?=//p' "$1" | tr -d '"' | tr '\n' ' ')
	case " $id " in
	*" debian "*) ;;
	*) die "this machine is not Debian (ID=${id:-unknown}); the set-up needs Debian 12 or 13 and its package archive" ;;
	esac
}

check_flavour() { # flavour
	case $1 in
	cloud-amd64 | amd64 | debug | arm64) ;;
	*) die "FLAVOUR=$1 is unknown; it is one of: cloud amd64 debug arm64" ;;
	esac
}

# A compiler that runs out of space says so in the middle of a run, and in many ways.
check_space() { # GiB, directory that is there
	local free
	free=$(($(df --output=avail --block-size=1M "$2" | tail -n 1)))
	[ $free -ge $(($1 * 1024)) ] ||
		die "$2 has $free MiB free; $1 GiB are needed"
}

# All mounts are made in a namespace of their own, which some containers forbid.
check_namespaces() {
	unshare --mount --pid --fork --kill-child=KILL --propagation private true 2>/dev/null ||
		die "this environment does not allow mount namespaces (unshare failed); in a container, give it CAP_SYS_ADMIN"
}

check_machine() {
	check_arch "$(uname -m)"
	check_distribution /etc/os-release
	check_root "$(id -u)"
	check_flavour "$FLAVOUR"
	check_namespaces
}

# The release and the paths of a finished SDK, written by scripts/sdk: sets
# SDK_ROOT, KERNEL_RELEASE, KERNEL_SOURCE, SDK_TREE and KERNEL_IMAGE (paths as seen
# in it).
sdk_file() {
	printf '%s/sdk-%s-%s-%s' "$CACHE" "$(sdk_key)" "$KERNEL_SERIES" "$STOCK_FLAVOUR"
}

# The same of a kernel of our own, debug or arm64, written by scripts/own-kernel.
own_file() { # flavour
	printf '%s/%s-%s-%s' "$CACHE" "$1" "$(sdk_key)" "$(own_key "$1")"
}

# What such a kernel is made from: the SDK has the compilers. The recipe's number changes
# with the way in which it is made.
own_key() { # flavour
	{
		echo recipe 1 "$KERNEL_SOURCE"
		grep -Ev '^(#( [^C]|$)|$)' "$TOP/scripts/$1.config"
	} | sha256sum | cut -c1-8
}

# What the root tree is made from. Its recipe's number changes with the way in
# which it is made.
sdk_key() {
	{
		echo recipe 1 trixie
		grep -Ev '^(#|$)' "$TOP/scripts/sdk.packages"
	} | sha256sum | cut -c1-12
}

# Makes the SDK if it is not there, and says where it is.
need_sdk() {
	local file
	file=$(sdk_file)
	if [ ! -f "$file" ]; then
		FLAVOUR=$STOCK_FLAVOUR "$TOP/scripts/sdk" || exit 1
	fi
	SDK_TOOLS=CC=x86_64-linux-gnu-gcc-14
	# shellcheck disable=SC1090
	. "$file"
	if [ "$FLAVOUR" != "$STOCK_FLAVOUR" ]; then
		file=$(own_file "$FLAVOUR")
		[ -f "$file" ] || "$TOP/scripts/own-kernel" "$FLAVOUR" || exit 1
		# shellcheck disable=SC1090
		. "$file"
		touch "$SDK_ROOT$SDK_TREE/last-used"
	fi
	export SDK_ROOT KERNEL_RELEASE KERNEL_SOURCE SDK_TREE SDK_TOOLS KERNEL_IMAGE
	[ -d "$SDK_ROOT$SDK_TREE" ] ||
		die "the SDK in $SDK_ROOT is damaged; remove $CACHE and run make sdk"
}

# Runs a command that ends when the time for all tests is over.
bounded() {
	local left
	if [ -z "${DEADLINE:-}" ]; then
		"$@"
		return
	fi
	left=$((DEADLINE - $(date +%s)))
	timeout -k 10 $((left > 1 ? left : 1)) "$@"
}

# Runs a command in a root tree: sdk_run ROOT COMMAND...
# BINDS holds further directories that shall be there under their own path.
sdk_run() {
	"$TOP/scripts/chroot-run" "$@"
}

# A directory of this run, removed at its end. It is below /tmp, which the SDK
# shares with the machine, so that its path is good on both sides.
make_run_dir() {
	RUN=$(mktemp -d /tmp/virtio-rust.XXXXXXXX)
	[ -n "${KEEP_RUN:-}" ] || trap 'rm -rf "$RUN"' EXIT
}

# Runs cargo, the SDK's newer one, on the host's crates: host_cargo test --workspace. Its
# registry is kept with the SDK.
host_cargo() {
	export CARGO_HOME=$CACHE/cargo CARGO_TARGET_DIR=$TOP/build/host CARGO_TERM_COLOR=never
	mkdir -p "$CARGO_HOME"
	# Where this machine's cargo finds its registry, this one does.
	[ ! -f "${HOME:-/root}/.cargo/config.toml" ] || cp "${HOME:-/root}/.cargo/config.toml" "$CARGO_HOME"
	(cd "$TOP/tests/host" && BINDS=$CARGO_HOME SDK_PATH=/opt/rust-host/bin \
		bounded "$TOP/scripts/chroot-run" "$SDK_ROOT" cargo "$@")
}

# Builds the server of devices of our own, tests/host/vdev, and sets VDEV to where it is. It
# runs in the SDK.
need_vdev() {
	local log
	VDEV=$TOP/build/host/debug/vdev
	log=$(host_cargo build --locked --quiet -p vdev --bin vdev 2>&1) || {
		printf '%s\n' "$log" >&2
		die "cannot build the device server"
	}
}

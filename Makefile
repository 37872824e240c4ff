# SPDX-License-Identifier: GPL-2.0
#
# What a person can do here; make help lists it. kbuild does not read this file
# but Kbuild.

.DEFAULT_GOAL := modules

# Variables of the command line are the scripts' too.
export KERNEL_SERIES FLAVOUR KERNEL_TREE VIRTIO_RUST_CACHE DEBIAN_MIRROR RUSTC TESTS JOBS TARGET FUZZ_SECONDS

.PHONY: modules
modules: ## build the modules (into build/)
	@scripts/build modules

.PHONY: demo
demo: modules ## boot a guest whose disk and entropy come by our drivers, and look at it
	@scripts/demo

.PHONY: shell
shell: modules ## a shell in the same guest
	@scripts/demo --shell

.PHONY: check
check: ## all tests
	@scripts/check

.PHONY: check-host
check-host: ## the tests that need no guest
	@scripts/check host

.PHONY: check-guest
check-guest: ## the tests in guests; TESTS='tests/selftests/x.sh ...' chooses
	@scripts/check guest

.PHONY: check-debug
check-debug: ## the tests in guests, on a kernel with KASAN and lockdep
	@scripts/check debug

.PHONY: check-arm64
check-arm64: ## modules for arm64, and the drivers in a guest there
	@scripts/check arm64

.PHONY: conformance
conformance: modules ## C and Rust drivers in each scenario of our devices; DRIVER=c|rust: these alone
	@scripts/conformance $(if $(DRIVER),--driver '$(DRIVER)')

.PHONY: bench
bench: ## Rust drivers beside C drivers, as ratios; BENCH='--count blk' are options of scripts/bench
	@scripts/bench $(BENCH)

.PHONY: fuzz
fuzz: ## fuzz rings and parsers; FUZZ_SECONDS=300 TARGET='split ...' say how long and which
	@scripts/fuzz

.PHONY: hostile
hostile: modules ## drivers against devices that do anything at random; SECONDS=600 SEED=... ROUNDS=0
	@scripts/hostile --seconds "$(SECONDS)" --seed "$(SEED)" --rounds "$(ROUNDS)"

.PHONY: clippy
clippy: ## lints; a warning is an error
	@scripts/build clippy

.PHONY: fmt
fmt: ## format all Rust code
	@scripts/format

.PHONY: fmt-check
fmt-check: ## is all Rust code formatted?
	@scripts/format --check

.PHONY: rust-analyzer
rust-analyzer: ## write rust-project.json for editors
	@scripts/build rust-analyzer

.PHONY: sdk
sdk: ## make the toolchain, the stock kernel and its prepared tree (others do when needed)
	@scripts/sdk

.PHONY: sdk-update
sdk-update: ## look for a newer point release of the kernel and prepare it
	@scripts/sdk --update

.PHONY: clean
clean: ## remove what was built here (not the SDK)
	@scripts/build clean

.PHONY: help
help: ## this list
	@echo 'Targets:'
	@sed -nE 's/^([a-z0-9-]+):[^#]*## (.*)/  \1\t\2/p' Makefile | expand -t 18
	@echo
	@echo 'Variables:'
	@echo '  KERNEL_SERIES     series of the stock kernel (default: 7.3)'
	@echo '  FLAVOUR           its flavour: cloud (default) or amd64; debug, arm64: kernels of our own'
	@echo '  KERNEL_TREE       build for this prepared kernel tree instead, with the machine'\''s compilers'
	@echo '  RUSTC             the compiler for KERNEL_TREE'
	@echo '  VIRTIO_RUST_CACHE where the SDK is kept (default: ~/.cache/virtio-rust)'
	@echo '  DEBIAN_MIRROR     package archive (default: the one that this machine uses)'
	@echo
	@echo 'scripts/guest --help tells how to boot guests with devices of your choice.'

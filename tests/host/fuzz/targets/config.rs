// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! See [`walk::target::config`].

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| walk::target::config(input));

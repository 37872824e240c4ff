// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What the kernel's prelude has.

pub use std::ffi::c_void;

/// An error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error(i32);

/// Out of memory.
pub const ENOMEM: Error = Error(12);
/// Invalid argument.
pub const EINVAL: Error = Error(22);

/// What may fail with an error number.
pub type Result<T = (), E = Error> = core::result::Result<T, E>;

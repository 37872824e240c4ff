// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Block devices.

mod cache;
pub mod mq;
mod name;
mod size;

pub use self::{
    cache::Cache,
    size::Size, //
};

/// Bytes of a sector, the unit in which the block layer counts whatever the block size is.
pub const SECTOR_SIZE: u32 = 1 << SECTOR_SHIFT;

/// Binary logarithm of [`SECTOR_SIZE`].
pub const SECTOR_SHIFT: u32 = 9;

/// Makes the module ready to use.
///
/// # Safety
///
/// To be called once, before anything else of the module.
pub(crate) unsafe fn init() {
    // SAFETY: By the requirement of this function.
    unsafe { name::init() };
}

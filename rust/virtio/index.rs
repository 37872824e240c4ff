// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The number in a device's name: `virtio0`, `virtio1` and so on, the smallest that is free.

use kernel::{
    id_pool::IdPool,
    prelude::*, //
};

kernel::sync::global_lock! {
    // SAFETY: `init` is called when the module is loaded, before any driver can register.
    unsafe(uninit) static INDEXES: Mutex<Option<IdPool>> = None;
}

/// Makes the numbers ready to use.
///
/// # Safety
///
/// To be called once, before the first [`Index`] is made.
pub(crate) unsafe fn init() {
    // SAFETY: By the requirement of this function.
    unsafe { INDEXES.init() };
}

/// Forgets the numbers, none of which is in use any more.
pub(crate) fn exit() {
    *INDEXES.lock() = None;
}

/// A number that no other device has until this is dropped.
pub(crate) struct Index(usize);

impl Index {
    /// Takes the smallest free number.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or `ENOSPC` when all numbers are taken.
    pub(crate) fn new() -> Result<Self> {
        let mut indexes = INDEXES.lock();
        let pool = indexes.get_or_insert_with(IdPool::new);

        loop {
            if let Some(id) = pool.find_unused_id(0) {
                return Ok(Self(id.acquire()));
            }
            let resizer = pool.grow_request().ok_or(ENOSPC)?.realloc(GFP_KERNEL)?;
            pool.grow(resizer);
        }
    }

    /// The number.
    pub(crate) fn get(&self) -> usize {
        self.0
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        if let Some(pool) = INDEXES.lock().as_mut() {
            pool.release_id(self.0);
        }
    }
}

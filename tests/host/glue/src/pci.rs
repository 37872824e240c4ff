// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! PCI functions.

#[allow(dead_code)]
#[path = "../../../../rust/pci/mapping.rs"]
mod mapping;

use pure::transport::pci::common::Registers;
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

/// A function, and how many of its ranges were unmapped.
#[derive(Debug, Default)]
pub struct Function(Cell<usize>);

impl Function {
    /// Unmaps a range.
    ///
    /// # Safety
    ///
    /// None: nothing was mapped.
    unsafe fn unmap(&self, _: NonNull<c_void>) {
        self.0.set(self.0.get() + 1);
    }

    /// Ranges that were unmapped.
    pub fn unmapped(&self) -> usize {
        self.0.get()
    }
}

/// Registers as the library maps them, which are these bytes. They must not go before it.
#[allow(clippy::arc_with_non_send_sync)]
pub fn map(bytes: &[Cell<u8>], function: &Arc<Function>) -> impl Registers {
    let ptr = NonNull::from(bytes).cast();
    // SAFETY: The range is as long as the bytes.
    unsafe { mapping::Mapping::new(ptr, bytes.len(), function.clone()) }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! PCI functions.

use crate::io::{
    Mapping,
    Owner, //
};
use pure::transport::registers::Registers;
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicUsize,
    Ordering, //
};
use std::sync::Arc;

/// A function, and how many of its ranges were unmapped.
#[derive(Debug, Default)]
pub struct Function(AtomicUsize);

impl Function {
    /// Ranges that were unmapped.
    pub fn unmapped(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Owner for Function {
    unsafe fn unmap(&self, _: NonNull<c_void>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Registers as the library maps them, which are these bytes. They must not go before it.
pub fn map(bytes: &[Cell<u8>], function: &Arc<Function>) -> impl Registers {
    let ptr = NonNull::from(bytes).cast();
    // SAFETY: The range is as long as the bytes.
    unsafe { Mapping::new(ptr, bytes.len(), function.clone()) }
}

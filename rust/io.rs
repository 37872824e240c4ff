// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Ranges of registers, mapped: of memory or, behind PCI, of I/O ports.

use core::ptr::NonNull;

#[cfg(CONFIG_GENERIC_IOMAP)]
use kernel::bindings;
use kernel::{
    prelude::*,
    sync::Arc, //
};

// Inline functions of the kernel, which are helpers here.
#[cfg(not(CONFIG_GENERIC_IOMAP))]
use crate::bindings;
use crate::virtio::transport::registers::Registers;

/// What registers are of, and what ends their mapping.
pub(crate) trait Owner: Send + Sync {
    /// Ends a mapping.
    ///
    /// # Safety
    ///
    /// `ptr` must be a mapping that was made for this owner, and is not used any more.
    unsafe fn unmap(&self, ptr: NonNull<c_void>);
}

/// A mapped range of registers.
///
/// # Invariants
///
/// `ptr` is a cookie for `ioread32()` and its like that covers `length` bytes as long as `owner` is
/// there and has not been told to unmap it.
pub(crate) struct Mapping {
    ptr: NonNull<c_void>,
    length: usize,
    owner: Arc<dyn Owner>,
}

// SAFETY: Device registers belong to no thread.
unsafe impl Send for Mapping {}
// SAFETY: Single accesses to device registers may be made from any thread.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// The range that `ptr` is the cookie of.
    ///
    /// # Safety
    ///
    /// `ptr` must be a cookie for `ioread32()` and its like that covers `length` bytes until `owner`
    /// is told to unmap it, and is to be told so by nobody else.
    pub(crate) unsafe fn new(ptr: NonNull<c_void>, length: usize, owner: Arc<dyn Owner>) -> Self {
        // INVARIANT: By the requirement of this function.
        Self { ptr, length, owner }
    }

    /// The cookie for `width` bytes at `offset`, if they are mapped.
    #[inline]
    fn at(&self, offset: usize, width: usize) -> Option<*mut c_void> {
        let end = offset.checked_add(width)?;
        (end <= self.length).then(|| self.ptr.as_ptr().wrapping_byte_add(offset))
    }
}

/// Defines one width of access. Out of the mapping, reads give all ones and writes do nothing: what
/// a bus gives where no device answers.
macro_rules! access {
    ($ty:ty, $read:ident, $write:ident, $c_read:ident, $c_write:ident) => {
        impl Mapping {
            /// Reads a little-endian register.
            pub(crate) fn $read(&self, offset: usize) -> $ty {
                match self.at(offset, size_of::<$ty>()) {
                    // CAST: The C function returns the value widened to an int.
                    // SAFETY: The range is mapped.
                    Some(ptr) => unsafe { bindings::$c_read(ptr) as $ty },
                    None => !0,
                }
            }

            /// Writes a little-endian register.
            #[inline]
            pub(crate) fn $write(&self, offset: usize, value: $ty) {
                if let Some(ptr) = self.at(offset, size_of::<$ty>()) {
                    // SAFETY: The range is mapped.
                    unsafe { bindings::$c_write(value, ptr) }
                }
            }
        }
    };
}

access!(u8, read8, write8, ioread8, iowrite8);
access!(u16, read16, write16, ioread16, iowrite16);
access!(u32, read32, write32, ioread32, iowrite32);

impl Registers for Mapping {
    fn len(&self) -> usize {
        self.length
    }

    fn read8(&self, offset: usize) -> u8 {
        Mapping::read8(self, offset)
    }

    fn read16(&self, offset: usize) -> u16 {
        Mapping::read16(self, offset)
    }

    fn read32(&self, offset: usize) -> u32 {
        Mapping::read32(self, offset)
    }

    fn write8(&self, offset: usize, value: u8) {
        Mapping::write8(self, offset, value);
    }

    #[inline]
    fn write16(&self, offset: usize, value: u16) {
        Mapping::write16(self, offset, value);
    }

    #[inline]
    fn write32(&self, offset: usize, value: u32) {
        Mapping::write32(self, offset, value);
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: By the type invariant; this was the only use of it.
        unsafe { self.owner.unmap(self.ptr) };
    }
}

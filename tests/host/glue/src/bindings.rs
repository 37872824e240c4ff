// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The kernel's functions for device registers. On any processor these take and give values in its
//! byte order, and the register is little-endian: here a slice of bytes, to which the cookie points.

use std::ffi::c_void;

macro_rules! access {
    ($type:ty, $read:ident, $write:ident) => {
        /// Reads a little-endian register.
        ///
        /// # Safety
        ///
        /// `at` must be valid for reading as many bytes.
        pub unsafe fn $read(at: *const c_void) -> u32 {
            let mut bytes = [0; size_of::<$type>()];
            for (index, byte) in bytes.iter_mut().enumerate() {
                // SAFETY: By the requirement of this function.
                *byte = unsafe { at.cast::<u8>().add(index).read() };
            }
            <$type>::from_le_bytes(bytes).into()
        }

        /// Writes a little-endian register.
        ///
        /// # Safety
        ///
        /// `at` must be valid for writing as many bytes.
        pub unsafe fn $write(value: $type, at: *mut c_void) {
            for (index, byte) in value.to_le_bytes().into_iter().enumerate() {
                // SAFETY: By the requirement of this function.
                unsafe { at.cast::<u8>().add(index).write(byte) };
            }
        }
    };
}

access!(u8, ioread8, iowrite8);
access!(u16, ioread16, iowrite16);
access!(u32, ioread32, iowrite32);

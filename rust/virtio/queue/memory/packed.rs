// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The memory of a packed ring.

use super::{
    block::{
        Block,
        Form, //
    },
    load,
    store,
    ByteOrder,
    DESC, //
};
use crate::virtio::{
    byte_order::{
        Guest,
        Machine,
        Number, //
    },
    ring::{
        layout::Parts,
        packed::{
            layout,
            PackedMemory, //
        },
    },
};

/// Packed rings.
pub(in super::super) enum Packed {}

impl Form for Packed {
    const LINKED: bool = false;

    fn is_valid_size(size: u16) -> bool {
        layout::is_valid_size(size)
    }

    fn parts(size: u16, align: usize) -> Parts {
        layout::parts(size, align)
    }
}

/// The memory of one packed ring and of its indirect tables.
pub(in super::super) type PackedRing<M = Guest> = Block<Packed, M>;

/// Numbers of packed rings, which no legacy device has.
const BYTES: ByteOrder = ByteOrder::LITTLE;

/// Writes a field.
///
/// # Safety
///
/// `ptr` must be valid for writing a `T`, and aligned to its size.
#[inline]
unsafe fn write<T: Number>(ptr: *mut u8, value: T) {
    // SAFETY: By the requirement of this function.
    unsafe { store(ptr, BYTES.encode(value)) }
}

/// Reads a field, once.
///
/// # Safety
///
/// `ptr` must be valid for reading a `T`, and aligned to its size.
#[inline]
unsafe fn read<T: Number>(ptr: *mut u8) -> T {
    // SAFETY: By the requirement of this function.
    BYTES.decode(unsafe { load(ptr) })
}

impl<M: Machine> PackedRing<M> {
    /// The descriptor at `offset`, if there is one.
    #[inline]
    fn descriptor(&self, offset: u16) -> Option<*mut u8> {
        if offset >= self.size {
            return None;
        }
        // No wrap: inside the ring.
        Some(
            self.desc
                .wrapping_add(usize::from(offset).wrapping_mul(DESC)),
        )
    }
}

impl<M: Machine> PackedMemory for PackedRing<M> {
    #[inline]
    fn write_desc(&self, offset: u16, addr: u64, len: u32, id: u16) {
        let Some(desc) = self.descriptor(offset) else {
            return;
        };
        // SAFETY: The descriptor is inside the ring, and its fields are aligned.
        unsafe {
            write(desc.wrapping_add(layout::ADDR), addr);
            write(desc.wrapping_add(layout::LEN), len);
            write(desc.wrapping_add(layout::ID), id);
        }
    }

    #[inline]
    fn write_flags(&self, offset: u16, flags: u16) {
        if let Some(desc) = self.descriptor(offset) {
            // SAFETY: The descriptor is inside the ring.
            unsafe { write(desc.wrapping_add(layout::FLAGS), flags) }
        }
    }

    #[inline]
    fn write_driver_event(&self, event: u16) {
        // SAFETY: The field is inside the driver's event suppression.
        unsafe { write(self.driver.wrapping_add(layout::EVENT_DESC), event) }
    }

    #[inline]
    fn write_driver_flags(&self, flags: u16) {
        // SAFETY: The field is inside the driver's event suppression.
        unsafe { write(self.driver.wrapping_add(layout::EVENT_FLAGS), flags) }
    }

    #[inline]
    fn read_flags(&self, offset: u16) -> u16 {
        match self.descriptor(offset) {
            // SAFETY: The descriptor is inside the ring.
            Some(desc) => unsafe { read(desc.wrapping_add(layout::FLAGS)) },
            None => 0,
        }
    }

    #[inline]
    fn read_used(&self, offset: u16) -> (u16, u32) {
        match self.descriptor(offset) {
            // SAFETY: The descriptor is inside the ring, and its fields are aligned.
            Some(desc) => unsafe {
                (
                    read(desc.wrapping_add(layout::ID)),
                    read(desc.wrapping_add(layout::LEN)),
                )
            },
            // An id that no chain has.
            None => (u16::MAX, 0),
        }
    }

    #[inline]
    fn read_device_event(&self) -> (u16, u16) {
        // SAFETY: The structure is aligned to 4 and has 4 bytes.
        let event: u32 = unsafe { read(self.device) };
        // CAST: The two halves; what does not fit has been masked or shifted out.
        ((event & 0xffff) as u16, (event >> 16) as u16)
    }
}

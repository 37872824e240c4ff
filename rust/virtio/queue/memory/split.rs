// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The memory of a split ring.

use super::{
    block::{
        Block,
        Form, //
    },
    load,
    store,
    DESC, //
};
use crate::virtio::{
    byte_order::{
        Guest,
        Machine, //
    },
    ring::{
        descriptor::Descriptor,
        layout::{
            self,
            Parts, //
        },
        split::SplitMemory, //
    },
};

/// Split rings.
pub(in super::super) enum Split {}

impl Form for Split {
    const LINKED: bool = true;

    fn is_valid_size(size: u16) -> bool {
        layout::is_valid_size(size)
    }

    fn parts(size: u16, align: usize) -> Parts {
        layout::parts(size, align)
    }
}

/// The memory of one split ring and of its indirect tables.
pub(in super::super) type SplitRing<M = Guest> = Block<Split, M>;

impl<M: Machine> SplitRing<M> {
    /// The entry for the free-running `position` in the available ring.
    #[inline]
    fn avail_entry(&self, position: u16) -> *mut u8 {
        self.driver
            .wrapping_add(layout::avail_entry(position & self.mask))
    }

    /// A descriptor, as its two halves are to be stored.
    #[inline]
    fn halves(&self, desc: Descriptor) -> (u64, u64) {
        let addr = self.bytes.encode(desc.addr);
        (
            addr,
            self.bytes.encode_three(desc.len, desc.flags, desc.next),
        )
    }

    /// Writes a field.
    ///
    /// # Safety
    ///
    /// `ptr` must be inside the ring, and aligned to 2.
    #[inline]
    unsafe fn write16(&self, ptr: *mut u8, value: u16) {
        // SAFETY: By the requirement of this function.
        unsafe { store(ptr, self.bytes.encode(value)) }
    }

    /// Reads a field, once.
    ///
    /// # Safety
    ///
    /// `ptr` must be inside the ring, and aligned to 2.
    #[inline]
    unsafe fn read16(&self, ptr: *mut u8) -> u16 {
        // SAFETY: By the requirement of this function.
        self.bytes.decode(unsafe { load(ptr) })
    }

    /// Reads a field, once.
    ///
    /// # Safety
    ///
    /// `ptr` must be inside the ring, and aligned to 4.
    #[inline]
    unsafe fn read32(&self, ptr: *mut u8) -> u32 {
        // SAFETY: By the requirement of this function.
        self.bytes.decode(unsafe { load(ptr) })
    }
}

impl<M: Machine> SplitMemory for SplitRing<M> {
    #[inline]
    fn write_desc(&self, index: u16, desc: Descriptor) {
        // No wrap: inside the table.
        let offset = usize::from(index & self.mask).wrapping_mul(DESC);
        let ptr = self.desc.wrapping_add(offset);
        let (addr, tail) = self.halves(desc);
        // SAFETY: The masked index is inside the descriptor table.
        unsafe {
            store(ptr, addr);
            store(ptr.wrapping_add(8), tail);
        }
    }

    #[inline]
    fn write_desc_flags(&self, index: u16, flags: u16) {
        // No wrap: inside the table.
        let offset = usize::from(index & self.mask).wrapping_mul(DESC);
        // SAFETY: The masked index is inside the descriptor table, and the field in the descriptor.
        unsafe { self.write16(self.desc.wrapping_add(offset).wrapping_add(12), flags) }
    }

    #[inline]
    fn write_avail_ring(&self, position: u16, head: u16) {
        // SAFETY: The entry is inside the available ring.
        unsafe { self.write16(self.avail_entry(position), head) }
    }

    #[inline]
    fn write_avail_idx(&self, idx: u16) {
        // SAFETY: The field is inside the available ring.
        unsafe { self.write16(self.driver.wrapping_add(layout::IDX), idx) }
    }

    #[inline]
    fn write_avail_flags(&self, flags: u16) {
        // SAFETY: The field is inside the available ring.
        unsafe { self.write16(self.driver.wrapping_add(layout::FLAGS), flags) }
    }

    #[inline]
    fn write_used_event(&self, idx: u16) {
        let offset = layout::used_event(self.size);
        // SAFETY: The field is inside the available ring.
        unsafe { self.write16(self.driver.wrapping_add(offset), idx) }
    }

    #[inline]
    fn read_used_idx(&self) -> u16 {
        // SAFETY: The field is inside the used ring.
        unsafe { self.read16(self.device.wrapping_add(layout::IDX)) }
    }

    #[inline]
    fn read_used_elem(&self, position: u16) -> (u32, u32) {
        let entry = self
            .device
            .wrapping_add(layout::used_entry(position & self.mask));
        // SAFETY: The entry is inside the used ring and aligned to 4.
        unsafe { (self.read32(entry), self.read32(entry.wrapping_add(4))) }
    }

    #[inline]
    fn read_used_flags(&self) -> u16 {
        // SAFETY: The field is inside the used ring.
        unsafe { self.read16(self.device.wrapping_add(layout::FLAGS)) }
    }

    #[inline]
    fn read_avail_event(&self) -> u16 {
        let offset = layout::avail_event(self.size);
        // SAFETY: The field is inside the used ring.
        unsafe { self.read16(self.device.wrapping_add(offset)) }
    }
}

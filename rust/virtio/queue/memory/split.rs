// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The memory of a split ring.

use kernel::{
    prelude::*,
    sync::Arc, //
};

use super::{
    read16,
    read32,
    write16,
    write64,
    Layout,
    Order,
    Tables,
    CACHE_LINE,
    DESC, //
};
use crate::{
    dma::{
        Shared,
        Space, //
    },
    virtio::{
        bringup::RingAddresses,
        ring::{
            descriptor::Descriptor,
            layout,
            split::SplitMemory,
            stats::Stats,
            Memory, //
        }, //
    },
};

/// The memory of one split ring and of its indirect tables.
///
/// # Invariants
///
/// - `size` is a valid size of a split ring, and `mask` is `size - 1`.
/// - `ring` holds, at `desc`, `avail` and `used`, the parts of a ring of that size, aligned as the
///   layout asks for.
pub(in super::super) struct SplitRing {
    desc: *mut u8,
    avail: *mut u8,
    used: *mut u8,
    tables: Tables,
    mask: u16,
    size: u16,
    order: Order,
    ring: Shared,
    stats: Arc<Stats>,
}

// SAFETY: The memory belongs to no thread; the pointers are into it.
unsafe impl Send for SplitRing {}
// SAFETY: Every access is a single volatile one, as with memory that a device writes anyway.
unsafe impl Sync for SplitRing {}

impl SplitRing {
    /// Allocates a ring with its tables: see [`super::RingMemory::allocate`].
    pub(super) fn allocate(space: &Space, wanted: &Layout, stats: Arc<Stats>) -> Result<Self> {
        let size = wanted.size;
        if !layout::is_valid_size(size) {
            return Err(EINVAL);
        }

        let avail_offset = layout::desc_bytes(size);
        let used_offset = (avail_offset + layout::avail_bytes(size)).next_multiple_of(CACHE_LINE);
        let ring = space.allocate(used_offset + layout::used_bytes(size))?;
        let base = ring.as_ptr();
        // INVARIANT: The parts follow each other in an allocation that ends with the used ring; it
        // is page-aligned, and the offsets are multiples of 16 and of a cache line.
        Ok(Self {
            desc: base,
            avail: base.wrapping_add(avail_offset),
            used: base.wrapping_add(used_offset),
            tables: Tables::allocate(space, size, wanted.table_len),
            mask: size - 1,
            size,
            order: Order::new(wanted.platform_order),
            ring,
            stats,
        })
    }

    /// Where the device finds the parts.
    pub(super) fn addresses(&self) -> RingAddresses {
        let bus = self.ring.bus();
        let offset = |part: *mut u8| (part as usize - self.desc as usize) as u64;
        RingAddresses {
            descriptor: bus,
            driver: bus + offset(self.avail),
            device: bus + offset(self.used),
        }
    }

    /// The entry for the free-running `position` in the available ring.
    #[inline]
    fn avail_entry(&self, position: u16) -> *mut u8 {
        self.avail
            .wrapping_add(layout::avail_entry(position & self.mask))
    }
}

/// What follows the address in a descriptor.
#[inline]
fn tail(desc: Descriptor) -> u64 {
    u64::from(desc.len) | u64::from(desc.flags) << 32 | u64::from(desc.next) << 48
}

impl Memory for SplitRing {
    #[inline]
    fn size(&self) -> u16 {
        self.size
    }

    #[inline]
    fn stats(&self) -> &Stats {
        &self.stats
    }

    fn clear(&self) {
        // No wrap: the used ring is behind the descriptor table.
        let used = (self.used as usize).wrapping_sub(self.desc as usize);
        let bytes = used.wrapping_add(layout::used_bytes(self.size));
        // SAFETY: The parts lie behind each other in one allocation, which ends with the used ring.
        // Nobody else accesses it, as far as this kernel knows; if a device does, bytes are all it
        // can change.
        unsafe { core::ptr::write_bytes(self.desc, 0, bytes) };
    }

    #[inline]
    fn table_len(&self) -> u16 {
        self.tables.len()
    }

    #[inline]
    fn table_addr(&self, head: u16) -> u64 {
        self.tables.bus(head & self.mask)
    }

    #[inline]
    fn wmb(&self) {
        self.order.wmb();
    }

    #[inline]
    fn rmb(&self) {
        self.order.rmb();
    }

    #[inline]
    fn mb(&self) {
        self.order.mb();
    }
}

impl SplitMemory for SplitRing {
    #[inline]
    fn write_desc(&self, index: u16, desc: Descriptor) {
        // No wrap: inside the table.
        let offset = usize::from(index & self.mask).wrapping_mul(DESC);
        let ptr = self.desc.wrapping_add(offset);
        // SAFETY: The masked index is inside the descriptor table.
        unsafe {
            write64(ptr, desc.addr);
            write64(ptr.wrapping_add(8), tail(desc));
        }
    }

    #[inline]
    fn write_avail_ring(&self, position: u16, head: u16) {
        // SAFETY: The entry is inside the available ring.
        unsafe { write16(self.avail_entry(position), head) }
    }

    #[inline]
    fn write_avail_idx(&self, idx: u16) {
        // SAFETY: The field is inside the available ring.
        unsafe { write16(self.avail.wrapping_add(layout::IDX), idx) }
    }

    #[inline]
    fn write_avail_flags(&self, flags: u16) {
        // SAFETY: The field is inside the available ring.
        unsafe { write16(self.avail.wrapping_add(layout::FLAGS), flags) }
    }

    #[inline]
    fn write_used_event(&self, idx: u16) {
        let offset = layout::used_event(self.size);
        // SAFETY: The field is inside the available ring.
        unsafe { write16(self.avail.wrapping_add(offset), idx) }
    }

    #[inline]
    fn read_used_idx(&self) -> u16 {
        // SAFETY: The field is inside the used ring.
        unsafe { read16(self.used.wrapping_add(layout::IDX)) }
    }

    #[inline]
    fn read_used_elem(&self, position: u16) -> (u32, u32) {
        let entry = self
            .used
            .wrapping_add(layout::used_entry(position & self.mask));
        // SAFETY: The entry is inside the used ring and aligned to 4.
        unsafe { (read32(entry), read32(entry.wrapping_add(4))) }
    }

    #[inline]
    fn read_used_flags(&self) -> u16 {
        // SAFETY: The field is inside the used ring.
        unsafe { read16(self.used.wrapping_add(layout::FLAGS)) }
    }

    #[inline]
    fn read_avail_event(&self) -> u16 {
        let offset = layout::avail_event(self.size);
        // SAFETY: The field is inside the used ring.
        unsafe { read16(self.used.wrapping_add(offset)) }
    }

    #[inline]
    fn write_table(&self, head: u16, entry: u16, desc: Descriptor) {
        self.tables
            .write(head & self.mask, entry, desc.addr, tail(desc));
    }
}

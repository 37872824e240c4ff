// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The memory of a packed ring.

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
            packed::{
                layout,
                PackedMemory, //
            },
            stats::Stats,
            Memory, //
        }, //
    },
};

/// The memory of one packed ring and of its indirect tables.
///
/// # Invariants
///
/// - `size` is a valid size of a packed ring.
/// - `ring` holds, at `desc`, `driver` and `device`, the parts of a ring of that size, aligned as
///   the layout asks for.
pub(in super::super) struct PackedRing {
    desc: *mut u8,
    driver: *mut u8,
    device: *mut u8,
    tables: Tables,
    size: u16,
    order: Order,
    ring: Shared,
    stats: Arc<Stats>,
}

// SAFETY: The memory belongs to no thread; the pointers are into it.
unsafe impl Send for PackedRing {}
// SAFETY: Every access is a single volatile one, as with memory that a device writes anyway.
unsafe impl Sync for PackedRing {}

impl PackedRing {
    /// Allocates a ring with its tables: see [`super::RingMemory::allocate`].
    pub(super) fn allocate(space: &Space, wanted: &Layout, stats: Arc<Stats>) -> Result<Self> {
        let size = wanted.size;
        if !layout::is_valid_size(size) {
            return Err(EINVAL);
        }

        let driver_offset = layout::desc_bytes(size).next_multiple_of(CACHE_LINE);
        let device_offset = driver_offset + CACHE_LINE;
        let ring = space.allocate(device_offset + layout::EVENT_BYTES)?;
        let base = ring.as_ptr();
        // INVARIANT: The parts follow each other in an allocation that ends with the device's event
        // suppression; it is page-aligned, and the offsets are multiples of a cache line.
        Ok(Self {
            desc: base,
            driver: base.wrapping_add(driver_offset),
            device: base.wrapping_add(device_offset),
            tables: Tables::allocate(space, size, wanted.table_len),
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
            driver: bus + offset(self.driver),
            device: bus + offset(self.device),
        }
    }

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

impl Memory for PackedRing {
    #[inline]
    fn size(&self) -> u16 {
        self.size
    }

    #[inline]
    fn stats(&self) -> &Stats {
        &self.stats
    }

    fn clear(&self) {
        // No wrap: the device's event suppression is behind the descriptors.
        let device = (self.device as usize).wrapping_sub(self.desc as usize);
        let bytes = device.wrapping_add(layout::EVENT_BYTES);
        // SAFETY: The parts lie behind each other in one allocation, which ends with the device's
        // event suppression. Nobody else accesses it, as far as this kernel knows; if a device does,
        // bytes are all it can change.
        unsafe { core::ptr::write_bytes(self.desc, 0, bytes) };
    }

    #[inline]
    fn table_len(&self) -> u16 {
        self.tables.len()
    }

    #[inline]
    fn table_addr(&self, head: u16) -> u64 {
        self.tables.bus(head)
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

impl PackedMemory for PackedRing {
    #[inline]
    fn write_desc(&self, offset: u16, addr: u64, len: u32, id: u16) {
        let Some(desc) = self.descriptor(offset) else {
            return;
        };
        // SAFETY: The descriptor is inside the ring, and its fields are aligned.
        unsafe {
            write64(desc.wrapping_add(layout::ADDR), addr);
            desc.wrapping_add(layout::LEN)
                .cast::<u32>()
                .write_volatile(len.to_le());
            write16(desc.wrapping_add(layout::ID), id);
        }
    }

    #[inline]
    fn write_flags(&self, offset: u16, flags: u16) {
        if let Some(desc) = self.descriptor(offset) {
            // SAFETY: The descriptor is inside the ring.
            unsafe { write16(desc.wrapping_add(layout::FLAGS), flags) }
        }
    }

    #[inline]
    fn write_driver_event(&self, event: u16) {
        // SAFETY: The field is inside the driver's event suppression.
        unsafe { write16(self.driver.wrapping_add(layout::EVENT_DESC), event) }
    }

    #[inline]
    fn write_driver_flags(&self, flags: u16) {
        // SAFETY: The field is inside the driver's event suppression.
        unsafe { write16(self.driver.wrapping_add(layout::EVENT_FLAGS), flags) }
    }

    #[inline]
    fn read_flags(&self, offset: u16) -> u16 {
        match self.descriptor(offset) {
            // SAFETY: The descriptor is inside the ring.
            Some(desc) => unsafe { read16(desc.wrapping_add(layout::FLAGS)) },
            None => 0,
        }
    }

    #[inline]
    fn read_used(&self, offset: u16) -> (u16, u32) {
        match self.descriptor(offset) {
            // SAFETY: The descriptor is inside the ring, and its fields are aligned.
            Some(desc) => unsafe {
                (
                    read16(desc.wrapping_add(layout::ID)),
                    read32(desc.wrapping_add(layout::LEN)),
                )
            },
            // An id that no chain has.
            None => (u16::MAX, 0),
        }
    }

    #[inline]
    fn read_device_event(&self) -> (u16, u16) {
        // SAFETY: The structure is aligned to 4 and has 4 bytes.
        let event = unsafe { read32(self.device) };
        // CAST: The two halves; what does not fit has been masked or shifted out.
        ((event & 0xffff) as u16, (event >> 16) as u16)
    }

    #[inline]
    fn write_table(&self, head: u16, entry: u16, addr: u64, len: u32, flags: u16) {
        let tail = u64::from(len) | u64::from(flags) << 48;
        self.tables.write(head, entry, addr, tail);
    }
}

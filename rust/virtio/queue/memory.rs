// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The memory of a split ring: shared with the device, accessed one field at a time.

use core::sync::atomic::{
    fence,
    Ordering, //
};

use kernel::{
    prelude::*,
    sync::Arc, //
};

use crate::{
    dma::{
        Shared,
        Space, //
    },
    virtio::{
        ring::{
            descriptor::Descriptor,
            layout,
            split::SplitMemory,
            stats::Stats,
            Memory, //
        },
        transport::RingAddresses, //
    },
};

/// Distance kept between what the driver and what the device writes.
const CACHE_LINE: usize = 64;

/// The memory of one split ring and of its indirect tables.
///
/// # Invariants
///
/// - `size` is a valid size of a split ring, and `mask` is `size - 1`.
/// - `ring` holds, at `desc`, `avail` and `used`, the parts of a ring of that size, aligned as the
///   layout asks for.
/// - `tables` holds `size` tables of `table_len` descriptors each, if `table_len` is not 0.
pub(crate) struct RingMemory {
    desc: *mut u8,
    avail: *mut u8,
    used: *mut u8,
    tables: *mut u8,
    tables_bus: u64,
    mask: u16,
    table_len: u16,
    size: u16,
    ring: Shared,
    _tables: Option<Shared>,
    stats: Arc<Stats>,
}

// SAFETY: The memory belongs to no thread; the pointers are into it.
unsafe impl Send for RingMemory {}
// SAFETY: Every access is a single volatile one, as with memory that a device writes anyway.
unsafe impl Sync for RingMemory {}

impl RingMemory {
    /// Allocates a ring of `size` entries with a table of `table_len` descriptors for each.
    ///
    /// Tables are a convenience: where there is no memory for them the ring goes without.
    ///
    /// # Errors
    ///
    /// `EINVAL` when `size` is not valid, `ENOMEM`.
    pub(super) fn allocate(
        space: &Space,
        size: u16,
        table_len: u16,
        stats: Arc<Stats>,
    ) -> Result<Self> {
        if !layout::is_valid_size(size) {
            return Err(EINVAL);
        }

        let avail_offset = layout::desc_bytes(size);
        let used_offset = (avail_offset + layout::avail_bytes(size)).next_multiple_of(CACHE_LINE);
        let ring = space.allocate(used_offset + layout::used_bytes(size))?;

        let table_bytes = usize::from(size) * usize::from(table_len) * Self::DESC;
        let tables = if table_len == 0 {
            None
        } else {
            space.allocate(table_bytes).ok()
        };

        let base = ring.as_ptr();
        // INVARIANT: The parts follow each other in an allocation that ends with the used ring; it
        // is page-aligned, and the offsets are multiples of 16 and of a cache line.
        Ok(Self {
            desc: base,
            avail: base.wrapping_add(avail_offset),
            used: base.wrapping_add(used_offset),
            tables: tables
                .as_ref()
                .map_or(core::ptr::null_mut(), Shared::as_ptr),
            tables_bus: tables.as_ref().map_or(0, Shared::bus),
            mask: size - 1,
            table_len: if tables.is_some() { table_len } else { 0 },
            size,
            ring,
            _tables: tables,
            stats,
        })
    }

    /// Size of a descriptor.
    const DESC: usize = Descriptor::SIZE as usize;

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

    /// Counters, which outlive the ring.
    pub(super) fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// Offset of the entry for the free-running `position` in the available ring.
    #[inline]
    fn avail_entry(&self, position: u16) -> *mut u8 {
        self.avail
            .wrapping_add(layout::avail_entry(position & self.mask))
    }
}

/// Writes a descriptor, as two aligned halves.
///
/// # Safety
///
/// `ptr` must be valid for writing 16 bytes, and aligned to 16.
#[inline]
unsafe fn write_descriptor(ptr: *mut u8, desc: Descriptor) {
    let tail = u64::from(desc.len) | u64::from(desc.flags) << 32 | u64::from(desc.next) << 48;

    // SAFETY: By the requirement of this function.
    unsafe {
        ptr.cast::<u64>().write_volatile(desc.addr.to_le());
        ptr.cast::<u64>().add(1).write_volatile(tail.to_le());
    }
}

/// Writes a little-endian 16-bit field.
///
/// # Safety
///
/// `ptr` must be valid for writing 2 bytes, and aligned to 2.
#[inline]
unsafe fn write16(ptr: *mut u8, value: u16) {
    // SAFETY: By the requirement of this function.
    unsafe { ptr.cast::<u16>().write_volatile(value.to_le()) }
}

/// Reads a little-endian 16-bit field, once.
///
/// # Safety
///
/// `ptr` must be valid for reading 2 bytes, and aligned to 2.
#[inline]
unsafe fn read16(ptr: *mut u8) -> u16 {
    // SAFETY: By the requirement of this function.
    u16::from_le(unsafe { ptr.cast::<u16>().read_volatile() })
}

// The kernel's barriers are calls into C helpers from Rust, and these stand on the path of every
// request. Without ORDER_PLATFORM the other side is another processor, for which the fences of the
// language are what `virt_wmb()`, `virt_rmb()` and `virt_mb()` are: no instruction at all for the
// first two on x86 (TSO), and at least as strong elsewhere (arm64: `dmb ish`, `dmb ishld`,
// `dmb ish`). All accesses that they order are volatile, so that the compiler keeps them, too.
impl Memory for RingMemory {
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
        self.table_len
    }

    #[inline]
    fn table_addr(&self, head: u16) -> u64 {
        // The tables are in memory that was allocated, so that nothing wraps; said by name to keep
        // the check out of the way of every request.
        let index = u64::from(head & self.mask).wrapping_mul(self.table_len.into());
        self.tables_bus
            .wrapping_add(index.wrapping_mul(Self::DESC as u64))
    }

    #[inline]
    fn wmb(&self) {
        fence(Ordering::Release);
    }

    #[inline]
    fn rmb(&self) {
        fence(Ordering::Acquire);
    }

    #[inline]
    fn mb(&self) {
        fence(Ordering::SeqCst);
    }
}

impl SplitMemory for RingMemory {
    #[inline]
    fn write_desc(&self, index: u16, desc: Descriptor) {
        let offset = usize::from(index & self.mask) * Self::DESC;
        // SAFETY: The masked index is inside the descriptor table.
        unsafe { write_descriptor(self.desc.wrapping_add(offset), desc) }
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
            .wrapping_add(layout::used_entry(position & self.mask))
            .cast::<u32>();
        // SAFETY: The entry is inside the used ring and aligned to 4.
        unsafe {
            (
                u32::from_le(entry.read_volatile()),
                u32::from_le(entry.add(1).read_volatile()),
            )
        }
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
        if entry >= self.table_len {
            return;
        }
        // Less than 2^32: nothing wraps.
        let index = usize::from(head & self.mask)
            .wrapping_mul(self.table_len.into())
            .wrapping_add(entry.into());
        let offset = index.wrapping_mul(Self::DESC);
        // SAFETY: There are `size` tables of `table_len` descriptors, so the index is inside.
        unsafe { write_descriptor(self.tables.wrapping_add(offset), desc) }
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What the memory of a ring has, of whatever form it is.

use core::marker::PhantomData;

use kernel::{
    prelude::*,
    sync::Arc, //
};

use super::{
    tables::{
        Table,
        Tables, //
    },
    Layout,
    Order, //
};
use crate::{
    dma::{
        Shared,
        Space, //
    },
    virtio::{
        bringup::RingAddresses,
        byte_order::{
            ByteOrder,
            Guest,
            Machine, //
        },
        ring::{
            layout::Parts,
            stats::Stats,
            Memory, //
        }, //
    },
};

/// A form of rings.
pub(in super::super) trait Form {
    /// Whether the entries of its indirect tables are linked.
    const LINKED: bool;

    /// Whether a ring may have `size` entries.
    fn is_valid_size(size: u16) -> bool;

    /// Where the parts of a ring of `size` entries go: see [`Layout::align`].
    fn parts(size: u16, align: usize) -> Parts;
}

/// The memory of one ring and of its indirect tables.
///
/// # Invariants
///
/// - `size` is a valid size of the form, and `mask` is `size - 1`.
/// - `ring` holds, at `desc`, `driver` and `device`, the parts of a ring of that size, aligned as the
///   form asks for.
pub(in super::super) struct Block<F, M = Guest> {
    pub(super) desc: *mut u8,
    pub(super) driver: *mut u8,
    pub(super) device: *mut u8,
    pub(super) tables: Tables<M>,
    pub(super) size: u16,
    pub(super) mask: u16,
    order: Order,
    pub(super) bytes: ByteOrder<M>,
    align: usize,
    ring: Shared,
    stats: Arc<Stats>,
    form: PhantomData<F>,
}

// SAFETY: The memory belongs to no thread; the pointers are into it.
unsafe impl<F, M> Send for Block<F, M> {}
// SAFETY: Every access is a single volatile one, as with memory that a device writes anyway.
unsafe impl<F, M> Sync for Block<F, M> {}

impl<F: Form, M: Machine> Block<F, M> {
    /// Allocates a ring with its tables: see [`super::allocate`].
    pub(super) fn allocate(space: &Space, wanted: &Layout<M>, stats: Arc<Stats>) -> Result<Self> {
        let size = wanted.size;
        if !F::is_valid_size(size) {
            return Err(EINVAL);
        }
        let parts = F::parts(size, wanted.align);
        let ring = space.allocate(parts.bytes(wanted.align))?;
        let base = ring.as_ptr();
        // INVARIANT: The parts follow each other in an allocation that is as long as they are; it is
        // page-aligned.
        Ok(Self {
            desc: base,
            driver: base.wrapping_add(parts.driver),
            device: base.wrapping_add(parts.device),
            tables: Tables::allocate(space, wanted, F::LINKED),
            size,
            mask: size - 1,
            order: Order::new(wanted.platform_order),
            bytes: wanted.bytes,
            align: wanted.align,
            ring,
            stats,
            form: PhantomData,
        })
    }

    /// Where the device finds the parts.
    pub(in super::super) fn addresses(&self) -> RingAddresses {
        let bus = self.ring.bus();
        let offset = |part: *mut u8| (part as usize - self.desc as usize) as u64;
        RingAddresses {
            descriptor: bus,
            driver: bus + offset(self.driver),
            device: bus + offset(self.device),
        }
    }
}

impl<F: Form, M: Machine> Memory for Block<F, M> {
    type Table<'a>
        = Table<'a, M>
    where
        Self: 'a;

    #[inline]
    fn size(&self) -> u16 {
        self.size
    }

    #[inline]
    fn stats(&self) -> &Stats {
        &self.stats
    }

    fn clear(&self) {
        // SAFETY: This is the allocation and its length. Nobody else accesses it, as far as this
        // kernel knows; if a device does, bytes are all it can change.
        unsafe { core::ptr::write_bytes(self.ring.as_ptr(), 0, self.ring.len()) };
    }

    fn resize(&mut self, size: u16) -> bool {
        if !F::is_valid_size(size) {
            return false;
        }
        let parts = F::parts(size, self.align);
        if parts.end > self.ring.len() {
            return false;
        }
        // INVARIANT: As in `allocate`; the parts end where the allocation does, or before.
        self.driver = self.desc.wrapping_add(parts.driver);
        self.device = self.desc.wrapping_add(parts.device);
        self.size = size;
        self.mask = size.wrapping_sub(1);
        true
    }

    #[inline]
    fn table_len(&self) -> u16 {
        self.tables.len()
    }

    #[inline(always)]
    fn table(&self, head: u16, len: u16, _linked: bool) -> Table<'_, M> {
        self.tables.table(head, len)
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

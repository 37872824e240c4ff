// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Indirect tables, laid out with their ring: one for each of its entries.

use super::{
    store,
    DESC, //
};
use crate::dma::{
    Shared,
    Space, //
};

/// The indirect tables of a ring.
///
/// # Invariants
///
/// `base` points to `count` tables of `len` entries each, aligned to 16, unless `len` is 0.
pub(super) struct Tables {
    base: *mut u8,
    bus: u64,
    count: u16,
    len: u16,
    _memory: Option<Shared>,
}

impl Tables {
    /// Allocates tables of `len` entries for a ring of `count` entries, or none if there is no
    /// memory for them.
    pub(super) fn allocate(space: &Space, count: u16, len: u16) -> Self {
        let bytes = usize::from(count) * usize::from(len) * DESC;
        let memory = match len {
            0 => None,
            _ => space.allocate(bytes).ok(),
        };
        // INVARIANT: The allocation is page-aligned and has room for the tables; without one the
        // length is 0.
        Self {
            base: memory
                .as_ref()
                .map_or(core::ptr::null_mut(), Shared::as_ptr),
            bus: memory.as_ref().map_or(0, Shared::bus),
            count,
            len: if memory.is_some() { len } else { 0 },
            _memory: memory,
        }
    }

    /// Entries of each table; 0 when there are none.
    #[inline]
    pub(super) fn len(&self) -> u16 {
        self.len
    }

    /// Writes an entry, in two halves as they are to be stored. One that does not exist is left out.
    #[inline]
    pub(super) fn write(&self, table: u16, entry: u16, addr: u64, tail: u64) {
        if table >= self.count || entry >= self.len {
            return;
        }
        // Less than 2^32: nothing wraps.
        let index = usize::from(table)
            .wrapping_mul(self.len.into())
            .wrapping_add(entry.into());
        let ptr = self.base.wrapping_add(index.wrapping_mul(DESC));
        // SAFETY: By the type invariant and the check above, the entry exists.
        unsafe {
            store(ptr, addr);
            store(ptr.wrapping_add(8), tail);
        }
    }

    /// The bus address of a table.
    #[inline]
    pub(super) fn bus(&self, table: u16) -> u64 {
        // The tables are in memory that was allocated, so that nothing wraps; said by name to keep
        // the check out of the way of every request.
        let index = u64::from(table).wrapping_mul(self.len.into());
        self.bus.wrapping_add(index.wrapping_mul(DESC as u64))
    }
}

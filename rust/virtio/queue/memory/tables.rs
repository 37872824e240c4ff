// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Indirect tables, laid out with their ring: one for each of its entries.

use super::{
    store,
    Layout,
    DESC, //
};
use crate::{
    dma::{
        Shared,
        Space, //
    },
    virtio::{
        byte_order::{
            ByteOrder,
            Machine, //
        },
        ring::{
            self,
            descriptor::Descriptor, //
        }, //
    },
};

/// The indirect tables of a ring.
///
/// # Invariants
///
/// `base` points to `count` tables of `len` entries each, aligned to 16, unless `len` is 0.
pub(super) struct Tables<M> {
    base: *mut u8,
    bus: u64,
    count: u16,
    len: u16,
    order: ByteOrder<M>,
    /// What the first entry of each has behind its length, if the device reads it: flags and the next
    /// entry, or nothing and flags.
    tail: u32,
    /// By how much that of the next entry differs.
    step: u32,
    /// What there is besides if the device writes it.
    write: u32,
    _memory: Option<Shared>,
}

impl<M: Machine> Tables<M> {
    /// Allocates tables for a ring, `linked` or not, or none if there is no memory for them.
    pub(super) fn allocate(space: &Space, wanted: &Layout<M>, linked: bool) -> Self {
        let (count, len) = (wanted.size, wanted.table_len);
        let bytes = usize::from(count) * usize::from(len) * DESC;
        let memory = match len {
            0 => None,
            _ => space.allocate(bytes).ok(),
        };
        let order = wanted.bytes;
        let (tail, step, write) = if linked {
            let tail = order.pair(Descriptor::NEXT, 1);
            (tail, order.pair(0, 1), order.pair(Descriptor::WRITE, 0))
        } else {
            (0, 0, order.pair(0, Descriptor::WRITE))
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
            order,
            tail,
            step,
            write,
            _memory: memory,
        }
    }

    /// Entries of each table; 0 when there are none.
    #[inline]
    pub(super) fn len(&self) -> u16 {
        self.len
    }

    /// The table that belongs to `head`, to write its first `len` entries, or none if it does not exist.
    #[inline(always)]
    pub(super) fn table(&self, head: u16, len: u16) -> Table<'_, M> {
        // Less than 2^32 entries: nothing wraps.
        let stride = usize::from(self.len).wrapping_mul(DESC);
        let first = self
            .base
            .wrapping_add(usize::from(head).wrapping_mul(stride));
        let len = if head < self.count && len <= self.len {
            len
        } else {
            0
        };
        // INVARIANT: By the type invariant and the check above the entries exist.
        Table {
            tables: self,
            first,
            next: first,
            end: first.wrapping_add(usize::from(len).wrapping_mul(DESC)),
            tail: self.tail,
        }
    }
}

/// A table that is being written.
///
/// # Invariants
///
/// From `next` to `end` there are entries of one of `tables`; so there are from `first` to `next`, and
/// these are written.
pub(in super::super) struct Table<'a, M> {
    tables: &'a Tables<M>,
    first: *mut u8,
    next: *mut u8,
    end: *mut u8,
    /// What the next entry has behind its length, if the device reads it.
    tail: u32,
}

impl<M: Machine> ring::Table for Table<'_, M> {
    #[inline(always)]
    fn push(&mut self, addr: u64, len: u32, writable: bool) -> bool {
        if self.next == self.end {
            return false;
        }
        let Tables {
            order, step, write, ..
        } = self.tables;
        let tail = if writable {
            self.tail | write
        } else {
            self.tail
        };
        // SAFETY: By the type invariant there is an entry at `next`, which is aligned to 16.
        unsafe {
            store(self.next, order.encode(addr));
            store(self.next.wrapping_add(8), order.encode_both(len, tail));
        }
        // No more than there are entries, of which the numbers have 16 bits.
        self.tail = self.tail.wrapping_add(*step);
        // INVARIANT: It was not the end, and is written.
        self.next = self.next.wrapping_add(DESC);
        true
    }

    #[inline]
    fn len(&self) -> u16 {
        let bytes = (self.next as usize).wrapping_sub(self.first as usize);
        // CAST: A table has no more entries than a number of 16 bits says.
        (bytes / DESC) as u16
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.next == self.first
    }

    #[inline]
    fn close(&mut self) {
        // INVARIANT: None are left.
        self.end = self.next;
    }

    #[inline]
    fn end(&mut self, writable: bool) {
        if self.is_empty() {
            return;
        }
        let flags = if writable { Descriptor::WRITE } else { 0 };
        // SAFETY: By the type invariant there is an entry before `next`, which ends with two numbers
        // of 16 bits.
        unsafe {
            store(
                self.next.wrapping_sub(4),
                self.tables.order.encode_pair(flags, 0),
            );
        }
    }

    #[inline]
    fn addr(&self) -> u64 {
        let offset = (self.first as usize).wrapping_sub(self.tables.base as usize);
        self.tables.bus.wrapping_add(offset as u64)
    }
}

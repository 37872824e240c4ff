// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Indirect tables, as those see them who write them.

/// An indirect table that is being written, from its first entry on (VIRTIO 1.4, 2.7.5.3 and 2.8.7).
///
/// Comes from [`Memory::table`](super::Memory::table), which says how far it may be written.
pub trait Table {
    /// Writes the next entry; `addr` is a bus address. False if there is none.
    ///
    /// In a linked table each entry has one after it, until [`Self::end`].
    fn push(&mut self, addr: u64, len: u32, writable: bool) -> bool;

    /// Entries written.
    fn len(&self) -> u16;

    /// Whether none is written.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Leaves no entry to write.
    fn close(&mut self);

    /// In a linked table: no entry follows the one written last.
    fn end(&mut self, writable: bool);

    /// The bus address of the table.
    fn addr(&self) -> u64;
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What any ring needs of the memory that it shares with the device.

use super::{
    stats::Stats,
    Table, //
};

/// Access to the shared memory of one ring, whatever its form is.
///
/// Positions and indexes are any number: the implementer takes care that no argument leads out of
/// its memory. It also converts to and from little-endian, and makes one access of each read and
/// write unless something else is said.
///
/// With `VIRTIO_F_ORDER_PLATFORM` the barriers are those that the platform has for hardware;
/// otherwise those that processors have among each other are enough.
pub trait Memory {
    /// What writes an indirect table.
    type Table<'a>: Table
    where
        Self: 'a;

    /// Entries of the ring. Only [`Self::resize`] changes that.
    fn size(&self) -> u16;

    /// Lays the parts out for a ring of `size` entries, which is no more than it was made for. Whether
    /// that is a size that it can have, which by itself is none but the one it has. The device does
    /// not use it.
    fn resize(&mut self, size: u16) -> bool {
        size == self.size()
    }

    /// Counters, of which the ring that has the memory is the writer.
    fn stats(&self) -> &Stats;

    /// Zeroes the parts of the ring. The device does not use it.
    fn clear(&self);

    /// Entries of each of the indirect tables, of which there is one for each descriptor; zero
    /// without tables.
    fn table_len(&self) -> u16;
    /// The indirect table that belongs to `head`, to write its first `len` entries, which are at most
    /// [`Self::table_len`]; `linked` as those of split rings are, or not (VIRTIO 1.4, 2.8.7).
    fn table(&self, head: u16, len: u16, linked: bool) -> Self::Table<'_>;

    /// Orders writes to the ring before the barrier before those after it, as the device sees them.
    fn wmb(&self);
    /// Orders reads of what the device writes before the barrier before those after it.
    fn rmb(&self);
    /// Orders all accesses before the barrier before all those after it.
    fn mb(&self);
}

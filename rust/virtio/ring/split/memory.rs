// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a split ring needs of the memory that it shares with the device.

use super::{
    super::Memory,
    Descriptor, //
};

/// Access to the shared memory of one split ring, of which the size is a power of two of at most
/// 2^15.
pub trait SplitMemory: Memory {
    /// Writes a descriptor of the descriptor table.
    fn write_desc(&self, index: u16, desc: Descriptor);
    /// Writes the flags of a descriptor.
    fn write_desc_flags(&self, index: u16, flags: u16);
    /// Writes an entry of the available ring.
    fn write_avail_ring(&self, position: u16, head: u16);
    /// Writes the index of the available ring.
    fn write_avail_idx(&self, idx: u16);
    /// Writes the flags of the available ring.
    fn write_avail_flags(&self, flags: u16);
    /// Writes the index of the used ring at which the driver asks for an interrupt.
    fn write_used_event(&self, idx: u16);

    /// Reads the index of the used ring.
    fn read_used_idx(&self) -> u16;
    /// Reads an entry of the used ring: id and length, each once.
    fn read_used_elem(&self, position: u16) -> (u32, u32);
    /// Reads the flags of the used ring.
    fn read_used_flags(&self) -> u16;
    /// Reads the index of the available ring at which the device asks for a notification.
    fn read_avail_event(&self) -> u16;
}

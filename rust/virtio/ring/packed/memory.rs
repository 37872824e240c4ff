// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a packed ring needs of the memory that it shares with the device.

use super::super::Memory;

/// Access to the shared memory of one packed ring, of any size of at most 2^15. An offset is less
/// than the size, and an entry less than the length of a table, or the access is left out.
pub trait PackedMemory: Memory {
    /// Writes all of a descriptor but its flags.
    fn write_desc(&self, offset: u16, addr: u64, len: u32, id: u16);
    /// Writes the flags of a descriptor.
    fn write_flags(&self, offset: u16, flags: u16);
    /// Writes the descriptor of the driver's event suppression.
    fn write_driver_event(&self, event: u16);
    /// Writes the flags of the driver's event suppression.
    fn write_driver_flags(&self, flags: u16);

    /// Reads the flags of a descriptor.
    fn read_flags(&self, offset: u16) -> u16;
    /// Reads the rest of a descriptor that the device has used: id and length, each once.
    fn read_used(&self, offset: u16) -> (u16, u32);
    /// Reads the device's event suppression: descriptor and flags, both by one access.
    fn read_device_event(&self) -> (u16, u16);
}

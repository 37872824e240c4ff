// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Chains, as those see them who make them and take them back.

/// Why a chain was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainError {
    /// There is no room now; there will be when chains complete.
    Full,
    /// It will never fit, or it was announced as having no segment.
    TooLong,
    /// The queue is broken.
    Broken,
    /// A segment or the chain is empty.
    Empty,
    /// A segment that the device reads follows one that it writes.
    Order,
    /// There are more segments than were announced.
    Excess,
    /// The segments add up to more than 2^32 - 1 bytes.
    Bytes,
}

/// Where a segment was put. No two segments of outstanding chains have the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In a descriptor, which has this number in a split ring. In a packed ring, where descriptors
    /// have none, it is that of a slot of its own.
    Direct(u16),
    /// In an indirect table.
    Table {
        /// The descriptor to which the table belongs.
        head: u16,
        /// The entry of the table.
        entry: u16,
    },
}

/// A chain that the device has used, and that is the driver's again.
#[derive(Debug, PartialEq, Eq)]
pub struct Used {
    /// What `commit` called it: its head, or its buffer id.
    pub head: u16,
    /// Bytes that the device says it wrote, but no more than it could have written.
    pub written: u32,
}

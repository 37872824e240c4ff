// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a driver must not do.

/// A rule that the driver broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// The size is not one that the form of the ring can have (2.7, 2.8.10.1).
    Size(u16),
    /// A part of the ring is not aligned as it must be (2.7.1, 2.8.11).
    Alignment(u64),
    /// There is no memory at this address.
    Address(u64),
    /// The available index moved back, or beyond what the ring can hold (2.7.6.1).
    AvailIndex(u16),
    /// A head or a next is no descriptor of the table (2.7.5).
    Range(u16),
    /// A descriptor belongs to two chains that the device has (2.7.13.1).
    InUse(u16),
    /// A descriptor, or an indirect table, was changed while the device had it (2.8.16).
    Changed(u16),
    /// A list has more descriptors than the queue (2.7.5.3.1, 2.8.17).
    TooLong,
    /// The elements of a list add up to more than 2^32 bytes (2.7.5.2).
    Bytes,
    /// An element has no bytes. No rule forbids that; no driver has a reason for it.
    Empty(u16),
    /// An element that the device reads follows one that it writes (2.7.4.2, 2.8.17).
    Order(u16),
    /// Flags that mean nothing there, are reserved, or exclude each other.
    Flags(u16),
    /// The device was given an indirect table without `VIRTIO_F_INDIRECT_DESC` (2.7.5.3.1, 2.8.19).
    IndirectNotNegotiated,
    /// A table in a table, or the flag beside `NEXT` (2.7.5.3.1, 2.8.19).
    Nested(u16),
    /// The size of a table is zero or not a multiple of that of a descriptor, or descriptors are
    /// left over at its end (2.7.5.3, 2.8.7).
    TableSize(u32),
    /// Descriptors do not follow each other in the order of the table, as `VIRTIO_F_IN_ORDER` wants
    /// (2.7.5, 2.7.5.2, 2.7.5.3.1).
    RingOrder(u16),
    /// A descriptor in the midst of a list is not available, although the first one is (2.8.6,
    /// 2.8.17), or one has bits that only a used one has (2.8.1).
    WrapBits(u16),
    /// A buffer's id is not below the size of the queue, which a device may rely on (2.8.22).
    IdRange(u16),
    /// A buffer's id is that of another buffer that the device has (2.8.21.1).
    IdInUse(u16),
    /// The flags of the available ring, or of the driver's event suppression, have a value that
    /// they must not have (2.7.7.1, 2.8.10, 2.8.14).
    EventFlags(u16),
    /// The driver's event suppression names a descriptor that does not exist (2.8.10).
    EventOffset(u16),
    /// A notification does not tell of the next descriptor that will be made available (2.9,
    /// 2.8.16).
    Notification(u16),
}

impl core::fmt::Display for Violation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the driver broke a rule: {self:?}")
    }
}

impl core::error::Error for Violation {}

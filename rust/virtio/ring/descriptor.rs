// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Descriptors of a split ring and of its indirect tables.

/// One descriptor, in the CPU's byte order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Bus address of the buffer.
    pub addr: u64,
    /// Bytes in the buffer.
    pub len: u32,
    /// Any of [`Self::NEXT`], [`Self::WRITE`] and [`Self::INDIRECT`].
    pub flags: u16,
    /// The next descriptor of the chain, with [`Self::NEXT`].
    pub next: u16,
}

impl Descriptor {
    /// The chain goes on at `next`.
    pub const NEXT: u16 = 1;
    /// The device writes this buffer; otherwise it reads it.
    pub const WRITE: u16 = 2;
    /// The buffer is a table of descriptors.
    pub const INDIRECT: u16 = 4;
    /// Bytes that a descriptor takes in memory.
    pub const SIZE: u32 = 16;
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Random walks of a driver's ring.
//!
//! A walk does one thing after the other that a driver or a device can do, as a generator or a
//! fuzzer decides. [`honest`] has a device that keeps to the rules, and demands all that follows
//! from them; [`hostile`] has none, but memory that changes whenever the driver looks, and demands
//! that nothing bad comes of it.

pub mod bus;
pub mod honest;
pub mod hostile;
mod parser;
mod source;
pub mod target;

pub use self::source::Source;

/// What a ring is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// `VIRTIO_F_RING_PACKED`.
    pub packed: bool,
    /// `VIRTIO_F_IN_ORDER`.
    pub in_order: bool,
    /// `VIRTIO_F_EVENT_IDX`.
    pub event_idx: bool,
    /// `VIRTIO_F_INDIRECT_DESC`.
    pub indirect: bool,
    /// Entries.
    pub size: u16,
    /// Entries of each indirect table.
    pub table_len: u16,
}

impl Kind {
    /// Descriptors that chains can have: one is left alone in a ring that is used in order.
    pub fn capacity(&self) -> u16 {
        match self.size {
            2.. if self.in_order => self.size - 1,
            size => size,
        }
    }
}

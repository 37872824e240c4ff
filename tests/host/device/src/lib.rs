// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The device's side of virtqueues.
//!
//! It is written from the specification, of which it names the sections, and shares nothing with
//! the driver's side but the memory. What the specification asks of a driver, and a device can see,
//! is checked: see [`Violation`]. Positions are counted from when the queue was made and never
//! wrap, which keeps the code apart from the ways in which a driver counts.

mod chain;
mod memory;
mod packed;
mod queue;
mod split;
mod violation;

pub use self::{
    chain::{
        Chain,
        Element, //
    },
    memory::{
        Arena,
        Memory, //
    },
    packed::Packed,
    queue::Queue,
    split::Split,
    violation::Violation,
};

/// What was negotiated about rings, apart from their form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// `VIRTIO_F_INDIRECT_DESC`.
    pub indirect: bool,
    /// `VIRTIO_F_EVENT_IDX`.
    pub event_idx: bool,
    /// `VIRTIO_F_IN_ORDER`.
    pub in_order: bool,
}

/// Where the parts of a ring are, as they are written to the registers of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Descriptor area: the descriptor table, or the descriptor ring.
    pub desc: u64,
    /// Driver area: the available ring, or the driver's event suppression.
    pub driver: u64,
    /// Device area: the used ring, or the device's event suppression.
    pub device: u64,
}

/// Of which buffers a side wants to be notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Of none.
    Nothing,
    /// Of all.
    All,
    /// Of the one that is so many entries after the next one. Only with the event index.
    After(u16),
}

/// Checks that an address is a multiple of `align`, as 2.7.1 and 2.8.11 want of each part.
fn aligned(addr: u64, align: u64) -> Result<u64, Violation> {
    match addr % align {
        0 => Ok(addr),
        _ => Err(Violation::Alignment(addr)),
    }
}

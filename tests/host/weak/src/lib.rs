// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Memory under the model of loom, which explores the orders in which threads can run and the
//! values that they can see.
//!
//! All accesses are relaxed, so what one thread sees of the other is up to the barriers of the ring
//! and of the device. A barrier of the ring can be left out, to show that it is needed: then the
//! model has to fail.

mod memory;
pub mod packed;
pub mod split;

use pure::ring::{
    Either,
    Options,
    Ring as EitherRing,
    Slot, //
};

/// A barrier of the driver's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// The write barrier.
    Wmb,
    /// The read barrier.
    Rmb,
    /// The full barrier.
    Mb,
}

/// What is modelled.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Whether the ring is packed.
    pub packed: bool,
    /// `VIRTIO_F_IN_ORDER`.
    pub in_order: bool,
    /// `VIRTIO_F_EVENT_IDX`.
    pub event_idx: bool,
    /// Entries.
    pub size: u16,
    /// The barrier that is left out.
    pub omitted: Option<Barrier>,
}

/// The ring under test.
pub type Ring = EitherRing<split::Memory, packed::Memory, Vec<Slot>>;

/// The device's side, with all the barriers that it needs.
#[derive(Debug)]
pub enum Device {
    /// Of a split ring.
    #[expect(private_interfaces, reason = "only this crate looks inside")]
    Split(split::Device),
    /// Of a packed ring.
    #[expect(private_interfaces, reason = "only this crate looks inside")]
    Packed(packed::Device),
}

/// One for each entry.
fn cells<T>(size: u16, new: impl Fn() -> T) -> Vec<T> {
    (0..size).map(|_| new()).collect()
}

/// A ring, and the device at its other end.
pub fn ring(kind: Kind) -> (Ring, Device) {
    let (memory, device) = if kind.packed {
        let (memory, device) = packed::new(kind);
        (Either::Packed(memory), Device::Packed(device))
    } else {
        let (memory, device) = split::new(kind);
        (Either::Split(memory), Device::Split(device))
    };
    let options = Options {
        event_idx: kind.event_idx,
        indirect: false,
        in_order: kind.in_order,
    };
    let slots = vec![Slot::default(); usize::from(kind.size)];
    let ring = Ring::new(memory, slots, options).expect("the layout is valid");
    (ring, device)
}

/// Adds a chain of segments by which the device can tell which one it is.
pub fn add(ring: &mut Ring, tag: u64, segments: u16) {
    let mut chain = ring.chain(segments).expect("there is room");
    for _ in 0..segments {
        chain.push(tag, 1000, true).expect("the segment is valid");
    }
    chain.commit().expect("the chain is not empty");
}

/// Adds and publishes a chain of one segment. Whether a notification is wanted.
pub fn publish(ring: &mut Ring, tag: u64) -> bool {
    add(ring, tag, 1);
    ring.publish()
}

/// Takes back the next chain: the bytes written.
pub fn pop(ring: &mut Ring) -> Option<u32> {
    let used = ring.pop().expect("a stale entry")?;
    let written = used.written;
    Some(written)
}

/// Does the same with either form.
macro_rules! both {
    ($device:expr, $form:ident => $do:expr) => {
        match $device {
            Device::Split($form) => $do,
            Device::Packed($form) => $do,
        }
    };
}

impl Device {
    /// Takes a chain: what to call it, and its tag.
    pub fn take(&mut self) -> Option<(u16, u64)> {
        both!(self, device => device.take())
    }

    /// Chains taken.
    pub fn taken(&self) -> u16 {
        both!(self, device => device.taken())
    }

    /// Asks for no notifications.
    pub fn disable_notifications(&self) {
        both!(self, device => device.disable_notifications());
    }

    /// Asks for a notification of the next chain. Whether the device may wait for it.
    pub fn enable_notifications(&self) -> bool {
        both!(self, device => device.enable_notifications())
    }

    /// Uses so many chains, each of one segment, and says so of the last one. Whether the driver
    /// wants an interrupt.
    pub fn complete(&mut self, id: u16, len: u32, count: u16) -> bool {
        both!(self, device => device.complete(id, len, count))
    }
}

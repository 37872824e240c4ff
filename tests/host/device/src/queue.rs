// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A virtqueue of either form.

use crate::{
    Addresses,
    Chain,
    Features,
    Memory,
    Packed,
    Split,
    Violation,
    Wish, //
};

/// The device's side of a virtqueue.
#[derive(Debug)]
pub enum Queue<M> {
    /// Of a split one.
    Split(Split<M>),
    /// Of a packed one.
    Packed(Packed<M>),
}

/// Does the same with either form.
macro_rules! both {
    ($queue:expr, $form:ident => $do:expr) => {
        match $queue {
            Queue::Split($form) => $do,
            Queue::Packed($form) => $do,
        }
    };
}

impl<M: Memory> Queue<M> {
    /// The device's side of a queue that was just enabled; `packed` with `VIRTIO_F_RING_PACKED`.
    ///
    /// # Errors
    ///
    /// When the size or an address is not one that it can have.
    pub fn new(
        memory: M,
        packed: bool,
        size: u16,
        at: Addresses,
        features: Features,
    ) -> Result<Self, Violation> {
        Ok(if packed {
            Self::Packed(Packed::new(memory, size, at, features)?)
        } else {
            Self::Split(Split::new(memory, size, at, features)?)
        })
    }

    /// Entries.
    pub fn size(&self) -> u16 {
        both!(self, queue => queue.size())
    }

    /// How much the driver has made available, as far as the device has looked: a number to give to
    /// [`Self::asked`].
    pub fn seen(&self) -> u64 {
        both!(self, queue => queue.seen())
    }

    /// Reads all that the driver made available, and checks it. Returns how many buffers were new.
    ///
    /// # Errors
    ///
    /// When the driver broke a rule, as with all that follows. The device then needs a reset.
    pub fn poll(&mut self) -> Result<u16, Violation> {
        both!(self, queue => queue.poll())
    }

    /// Takes the next available buffer.
    pub fn take(&mut self) -> Result<Option<Chain>, Violation> {
        both!(self, queue => queue.take())
    }

    /// Uses buffers, into each of which so many bytes were written, and shows the driver all at once.
    /// Whether it wants to be notified. With `VIRTIO_F_IN_ORDER` they are the ones taken longest
    /// ago, in order.
    pub fn complete(&mut self, chains: Vec<(Chain, u32)>) -> Result<bool, Violation> {
        both!(self, queue => queue.complete(chains))
    }

    /// Uses buffers by naming the last of them only, which needs `VIRTIO_F_IN_ORDER`: the others count
    /// as written completely. They are the ones taken longest ago, in order. Whether the driver
    /// wants to be notified.
    pub fn complete_batch(&mut self, chains: Vec<Chain>, written: u32) -> Result<bool, Violation> {
        both!(self, queue => queue.complete_batch(chains, written))
    }

    /// Shows the driver a used buffer of any id and length, at the place of the next one, or as far
    /// away as a jump of the used index takes. No device does that which is to be relied on, and the
    /// queue itself knows nothing of it.
    pub fn forge(&mut self, id: u32, len: u32, jump: u16) -> Result<(), Violation> {
        both!(self, queue => queue.forge(id, len, jump))
    }

    /// Says of which buffers the device wants to be notified. Whether it may wait for that: not if
    /// there is something available already.
    pub fn ask(&mut self, wish: Wish) -> Result<bool, Violation> {
        both!(self, queue => queue.ask(wish))
    }

    /// Whether the driver must notify the device of what was made available since [`Self::seen`] was
    /// this, by what the device asked for.
    pub fn asked(&self, since: u64) -> Result<bool, Violation> {
        both!(self, queue => queue.asked(since))
    }

    /// Checks what a notification carries with `VIRTIO_F_NOTIFICATION_DATA`, when all that is
    /// available has been seen.
    pub fn notified(&self, data: u16) -> Result<(), Violation> {
        both!(self, queue => queue.notified(data))
    }
}

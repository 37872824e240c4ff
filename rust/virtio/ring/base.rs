// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What rings of both forms have.

use super::{
    chains::Chains,
    health::Health,
    ChainError,
    LayoutError,
    Memory,
    Options,
    Slot,
    Violation, //
};
use core::ops::DerefMut;

/// What the device said of the chains that it used last, while not all of them are taken back. These
/// are several only with `VIRTIO_F_IN_ORDER` (VIRTIO 1.4, 2.7.9 and 2.8.8).
#[derive(Clone, Copy)]
pub(super) struct Batch {
    /// The last one of the chains.
    pub(super) last: u16,
    /// Bytes written to it. To the others all was written that could be.
    pub(super) written: u32,
}

/// What a [`Split`](super::split::Split) and a [`Packed`](super::packed::Packed) have, and what can be
/// said of either.
pub struct Base<S> {
    /// Chains and free descriptors.
    pub(super) chains: Chains<S>,
    /// Entries of each indirect table; zero if they are not to be used.
    pub(super) table_len: u16,
    /// What was negotiated.
    pub(super) options: Options,
    /// Whether the queue works.
    pub(super) health: Health,
}

impl<S: DerefMut<Target = [Slot]>> Base<S> {
    /// The base of a ring that is to be reset before it is used, with as many entries as its memory
    /// has: there has to be a slot for each.
    pub(super) fn new<M: Memory>(
        memory: &M,
        slots: S,
        options: Options,
    ) -> Result<Self, LayoutError> {
        if slots.len() != usize::from(memory.size()) {
            return Err(LayoutError::Slots);
        }
        let table_len = if options.indirect {
            memory.table_len()
        } else {
            0
        };
        Ok(Self {
            chains: Chains::new(slots, options.in_order),
            table_len,
            options,
            health: Health::default(),
        })
    }

    /// Whether it can become that of a ring of `size` entries, which `is_valid` for its form.
    pub(super) fn fits(&self, size: u16, is_valid: bool) -> Result<(), LayoutError> {
        if !is_valid {
            return Err(LayoutError::Size);
        }
        if !self.chains.has_slots(size) {
            return Err(LayoutError::Slots);
        }
        Ok(())
    }

    /// Makes it as new, for a ring of `size` entries.
    pub(super) fn reset(&mut self, size: u16) {
        self.chains.reset(size);
        self.health = Health::default();
    }

    /// Free descriptors that chains can have.
    #[inline]
    pub fn num_free(&self) -> u16 {
        self.chains.num_free()
    }

    /// Descriptors that all chains together can have, and segments that one can have: all there are,
    /// or one less with `VIRTIO_F_IN_ORDER`.
    #[inline]
    pub fn capacity(&self) -> u16 {
        self.chains.capacity()
    }

    /// What broke the queue, if it is broken.
    #[inline]
    pub fn broken(&self) -> Option<Violation> {
        self.health.broken()
    }

    /// Whether a chain of at most `max` segments, for which there is room, goes to the table of the first
    /// free descriptor.
    ///
    /// One segment goes into the ring, more go to a table if one is long enough. That takes one
    /// descriptor, and the driver fewer instructions. In both cases a chain has no more segments than
    /// the ring has descriptors, as the specification wants.
    ///
    /// # Errors
    ///
    /// [`ChainError::Full`], [`ChainError::TooLong`] or [`ChainError::Broken`].
    #[inline(always)]
    pub fn begin(&self, max: u16) -> Result<bool, ChainError> {
        if self.health.is_broken() {
            return Err(ChainError::Broken);
        }
        // Also refuses zero. What is longer than the ring must not go to a table either.
        if max.wrapping_sub(1) >= self.chains.capacity() {
            return Err(ChainError::TooLong);
        }
        if max == 1 || max > self.table_len {
            return self.has_room(max).map(|()| false);
        }
        if self.chains.num_free() == 0 {
            return Err(ChainError::Full);
        }
        Ok(true)
    }

    /// Whether a chain of `max` segments fits into the ring itself. Not inlined, so that the other way is
    /// free of it.
    #[inline(never)]
    fn has_room(&self, max: u16) -> Result<(), ChainError> {
        if max > self.chains.num_free() {
            return Err(ChainError::Full);
        }
        Ok(())
    }

    /// Breaks the queue for a reason of the caller's, who is not told of it again. The first reason
    /// stays.
    #[cold]
    pub fn break_with(&mut self, violation: Violation) {
        self.health.break_with(violation);
    }
}

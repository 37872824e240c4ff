// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A ring of either form.

use super::{
    packed::{
        self,
        Packed,
        PackedMemory, //
    },
    split::{
        self,
        Split,
        SplitMemory, //
    },
    stats::Stats,
    writer::{
        Direct,
        Target, //
    },
    ChainError,
    ChainWriter,
    LayoutError,
    Memory,
    Options,
    Slot,
    Table,
    Used,
    Violation, //
};
use core::ops::DerefMut;

/// The driver's side of a virtqueue, of the form that was negotiated: `A` is the memory of a split
/// one, `B` that of a packed one.
///
/// Which form it is never changes, so that each look at it is a branch that is predicted well.
pub enum Ring<A, B, S> {
    /// A split one.
    Split(Split<A, S>),
    /// A packed one, with VIRTIO_F_RING_PACKED.
    Packed(Packed<B, S>),
}

/// The memory of a ring of either form.
pub enum Either<A, B> {
    /// Of a split one.
    Split(A),
    /// Of a packed one.
    Packed(B),
}

impl<A: Memory, B: Memory> Either<A, B> {
    /// Entries of the ring.
    pub fn size(&self) -> u16 {
        match self {
            Self::Split(memory) => memory.size(),
            Self::Packed(memory) => memory.size(),
        }
    }

    /// Entries of each of the indirect tables; 0 without tables.
    pub fn table_len(&self) -> u16 {
        match self {
            Self::Split(memory) => memory.table_len(),
            Self::Packed(memory) => memory.table_len(),
        }
    }
}

/// Does the same with either form.
macro_rules! both {
    ($type:ident, $value:expr, $form:ident => $do:expr) => {
        match $value {
            $type::Split($form) => $do,
            $type::Packed($form) => $do,
        }
    };
}

impl<A: SplitMemory, B: PackedMemory, S: DerefMut<Target = [Slot]>> Ring<A, B, S> {
    /// See [`Split::new`] and [`Packed::new`].
    pub fn new(memory: Either<A, B>, slots: S, options: Options) -> Result<Self, LayoutError> {
        Ok(match memory {
            Either::Split(memory) => Self::Split(Split::new(memory, slots, options)?),
            Either::Packed(memory) => Self::Packed(Packed::new(memory, slots, options)?),
        })
    }

    /// Makes ring and memory as new: see [`Split::reset`].
    pub fn reset(&mut self) {
        both!(Self, self, ring => ring.reset());
    }

    /// Whether it can become a ring of `size` entries: see [`Split::can_have`].
    ///
    /// # Errors
    ///
    /// When it cannot.
    pub fn can_have(&self, size: u16) -> Result<(), LayoutError> {
        both!(Self, self, ring => ring.can_have(size))
    }

    /// Makes ring and memory as new, with `size` entries: see [`Split::resize`].
    ///
    /// # Errors
    ///
    /// Those of [`Self::can_have`].
    pub fn resize(&mut self, size: u16) -> Result<(), LayoutError> {
        both!(Self, self, ring => ring.resize(size))
    }

    /// Entries of the ring.
    #[inline]
    pub fn size(&self) -> u16 {
        both!(Self, self, ring => ring.size())
    }

    /// Free descriptors that chains can have.
    #[inline]
    pub fn num_free(&self) -> u16 {
        both!(Self, self, ring => ring.num_free())
    }

    /// Descriptors that all chains together can have: see [`Split::capacity`].
    #[inline]
    pub fn capacity(&self) -> u16 {
        both!(Self, self, ring => ring.capacity())
    }

    /// Chains that were added and not yet taken back.
    #[inline]
    pub fn outstanding(&self) -> u16 {
        both!(Self, self, ring => ring.outstanding())
    }

    /// What a notification says of the ring with `VIRTIO_F_NOTIFICATION_DATA` (VIRTIO 1.4, 2.9).
    #[inline]
    pub fn notification_data(&self) -> u16 {
        both!(Self, self, ring => ring.notification_data())
    }

    /// Counters.
    #[inline]
    pub fn stats(&self) -> &Stats {
        both!(Self, self, ring => ring.stats())
    }

    /// What broke the queue, if it is broken.
    #[inline]
    pub fn broken(&self) -> Option<Violation> {
        both!(Self, self, ring => ring.broken())
    }

    /// Breaks the queue for a reason of the caller's: see [`Split::break_with`].
    #[cold]
    pub fn break_with(&mut self, violation: Violation) {
        both!(Self, self, ring => ring.break_with(violation));
    }

    /// Starts a chain of at most `max` segments: see [`Split::chain`].
    ///
    /// # Errors
    ///
    /// [`ChainError::Full`], [`ChainError::TooLong`] or [`ChainError::Broken`].
    #[inline(always)]
    pub fn chain<'a>(&'a mut self, max: u16) -> Result<Chain<'a, A, B, S>, ChainError>
    where
        B: Memory<Table<'a> = A::Table<'a>>,
    {
        let in_table = self.begin(max)?;
        Ok(self.chain_of(max, in_table))
    }

    /// Whether a chain of at most `max` segments goes to a table: see [`Base::begin`](super::Base::begin).
    ///
    /// # Errors
    ///
    /// [`ChainError::Full`], [`ChainError::TooLong`] or [`ChainError::Broken`].
    #[inline(always)]
    pub fn begin(&self, max: u16) -> Result<bool, ChainError> {
        both!(Self, self, ring => ring.begin(max))
    }

    /// Starts a chain of at most `max` segments, for which [`Self::begin`] has said that there is room
    /// `in_table` or in the ring.
    // Apart from it, as a chain in a `Result` is not kept in registers.
    #[inline(always)]
    pub fn chain_of<'a>(&'a mut self, max: u16, in_table: bool) -> Chain<'a, A, B, S>
    where
        B: Memory<Table<'a> = A::Table<'a>>,
    {
        match self {
            Self::Split(ring) => ring.chain_of(max, in_table).map(Draft::Split),
            Self::Packed(ring) => ring.chain_of(max, in_table).map(Draft::Packed),
        }
    }

    /// Shows the device what was added; whether it wants to be notified: see [`Split::publish`].
    #[inline]
    pub fn publish(&mut self) -> bool {
        both!(Self, self, ring => ring.publish())
    }

    /// Takes back the next chain that the device has used: see [`Split::pop`].
    ///
    /// # Errors
    ///
    /// When the device breaks the rules, once.
    #[inline(always)]
    pub fn pop(&mut self) -> Result<Option<Used>, Violation> {
        both!(Self, self, ring => ring.pop())
    }

    /// Takes back all chains that the device has used, until it is to interrupt for the next one, or until
    /// there are no more if nobody waits for interrupts.
    ///
    /// # Errors
    ///
    /// When the device breaks the rules, once.
    #[inline(always)]
    pub fn pop_all(&mut self, waits: bool, mut f: impl FnMut(Used)) -> Result<(), Violation> {
        both!(Self, self, ring => loop {
            if ring.health.is_broken() {
                return ring.health.report().map(|_| ());
            }
            ring.disable_interrupts();
            // Nothing breaks it meanwhile but what ends this.
            while let Some(used) = ring.pop_from_working()? {
                f(used);
            }
            if !waits || ring.enable_interrupts() {
                return Ok(());
            }
        })
    }

    /// Tells the device that the driver looks by itself: see [`Split::disable_interrupts`].
    #[inline]
    pub fn disable_interrupts(&mut self) {
        both!(Self, self, ring => ring.disable_interrupts());
    }

    /// Tells the device that nobody waits for interrupts: see [`Split::silence`].
    pub fn silence(&mut self) {
        both!(Self, self, ring => ring.silence());
    }

    /// Asks for one interrupt; whether to wait for it: see [`Split::enable_interrupts`].
    #[inline]
    pub fn enable_interrupts(&mut self) -> bool {
        both!(Self, self, ring => ring.enable_interrupts())
    }

    /// Takes back the next outstanding chain, used or not: see [`Split::drain`].
    pub fn drain(&mut self) -> Option<u16> {
        both!(Self, self, ring => ring.drain())
    }
}

/// A ring of either form, and a chain for it.
// With a smaller tag it is copied byte by byte.
#[repr(usize)]
pub enum Draft<'a, A, B, S> {
    /// For a split one.
    Split(split::Draft<'a, A, S>),
    /// For a packed one.
    Packed(packed::Draft<'a, B, S>),
}

impl<T: Table, A: SplitMemory, B: PackedMemory, S: DerefMut<Target = [Slot]>> Target<T>
    for Draft<'_, A, B, S>
{
    fn push(
        &mut self,
        chain: &Direct,
        addr: u64,
        len: u32,
        writable: bool,
    ) -> Result<u16, ChainError> {
        both!(Self, self, ring => Target::<T>::push(ring, chain, addr, len, writable))
    }

    fn commit(&mut self, chain: &Direct, writable: u32) -> Result<(), ChainError> {
        both!(Self, self, ring => Target::<T>::commit(ring, chain, writable))
    }

    #[inline(always)]
    fn commit_table(&mut self, head: u16, table: &mut T, writable: u32) -> Result<(), ChainError> {
        both!(Self, self, ring => ring.commit_table(head, table, writable))
    }
}

/// A chain that is being written to a ring of either form.
pub type Chain<'a, A, B, S> = ChainWriter<<A as Memory>::Table<'a>, Draft<'a, A, B, S>>;

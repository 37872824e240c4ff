// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The driver's side of a packed virtqueue (VIRTIO 1.4, 2.8).
//!
//! Driver and device write the same descriptors. What the driver wrote it does not read again, as
//! the device could have changed it: the state of chains is private. What the device writes is read
//! once, and is checked before it is used. A device that breaks the rules breaks its queue, for
//! good and once: see [`Violation`].
//!
//! Chains are known to the device by buffer ids. An id is the first of the slots that a chain has,
//! one for each of its descriptors, and says nothing of where in the ring they are: chains come back
//! in any order, and descriptors are used in that of the ring. With `VIRTIO_F_IN_ORDER` both are the
//! same.

use super::{
    base::{
        Base,
        Batch, //
    },
    chains::index,
    stats::Stats,
    trust::clamp,
    ChainError,
    ChainWriter,
    LayoutError,
    Memory,
    Options,
    Slot,
    Used,
    Violation, //
};
use core::ops::{
    Deref,
    DerefMut, //
};

mod chain;
pub mod event;
pub mod layout;
mod memory;
mod position;

pub use self::{
    chain::Draft,
    memory::PackedMemory, //
};
use self::{
    chain::Unpublished,
    position::Position, //
};

/// A chain that is being written to a packed ring.
pub type Chain<'a, M, S> = ChainWriter<<M as Memory>::Table<'a>, Draft<'a, M, S>>;

/// Flags of descriptors.
pub mod flags {
    /// The list goes on with the next descriptor of the ring.
    pub const NEXT: u16 = 1;
    /// The device writes the buffer; otherwise it reads it. In a used descriptor it should say that
    /// something was written, but often does not.
    pub const WRITE: u16 = 2;
    /// The buffer is a table of descriptors.
    pub const INDIRECT: u16 = 4;
    /// The wrap counter of the driver, in available descriptors and in used ones.
    pub const AVAIL: u16 = 1 << 7;
    /// The inverse of the driver's wrap counter in available descriptors, the device's in used ones.
    pub const USED: u16 = 1 << 15;
}

/// The driver's side of a packed virtqueue: `M` is the memory it shares with the device, `S` holds
/// its private state.
///
/// # Invariants
///
/// While not broken:
/// - Descriptors from `used` to `unpublished.next` are the device's, or will be when those from
///   `published` on are made available; the others are free.
/// - The last `unpublished.count` of the chains added are in descriptors from `published` on.
pub struct Packed<M, S> {
    /// The shared memory.
    memory: M,
    /// What is the same in both forms.
    base: Base<S>,
    /// Entries.
    size: u16,
    /// Where the first chain is that the device cannot see.
    published: Position,
    /// The chains from there on.
    unpublished: Unpublished,
    /// Where the device writes its next used descriptor.
    used: Position,
    /// Chains taken back, modulo 2^16.
    completed: u16,
    /// What the device sees as descriptor or as flags of the driver's event suppression.
    shown: u16,
    /// Whether the next chain is known to be used: its descriptor was seen to be, or there is a batch.
    known: bool,
    /// What the last used descriptor says, while not all chains are taken back for which it stands. Only
    /// with `VIRTIO_F_IN_ORDER`.
    batch: Option<Batch>,
}

impl<M, S> Deref for Packed<M, S> {
    type Target = Base<S>;

    #[inline]
    fn deref(&self) -> &Base<S> {
        &self.base
    }
}

impl<M, S> DerefMut for Packed<M, S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Base<S> {
        &mut self.base
    }
}

impl<M: PackedMemory, S: DerefMut<Target = [Slot]>> Packed<M, S> {
    /// Makes the driver's side of a ring that the device does not use yet, and clears its memory,
    /// whatever is in it.
    ///
    /// Interrupts are enabled.
    pub fn new(memory: M, slots: S, options: Options) -> Result<Self, LayoutError> {
        let size = memory.size();
        if !layout::is_valid_size(size) {
            return Err(LayoutError::Size);
        }
        let mut packed = Self {
            base: Base::new(&memory, slots, options)?,
            memory,
            size,
            published: Position::START,
            unpublished: Unpublished::new(size),
            used: Position::START,
            completed: 0,
            shown: event::ENABLE,
            known: false,
            batch: None,
        };
        packed.reset();
        Ok(packed)
    }

    /// Makes ring and memory as new, once the device has confirmed that it uses them no more.
    /// Chains that were outstanding are forgotten: [`Self::drain`] takes them out before. Counters
    /// go on.
    pub fn reset(&mut self) {
        self.memory.clear();
        self.base.reset(self.size);
        self.published = Position::START;
        self.unpublished = Unpublished::new(self.size);
        self.used = Position::START;
        self.completed = 0;
        self.shown = event::ENABLE;
        self.known = false;
        self.batch = None;
        // Zero asks for interrupts; with the event index, the first one is asked for.
        if self.options.event_idx {
            self.shown = self.used.get();
            self.memory.write_driver_event(self.shown);
            // They stay like this.
            self.memory.write_driver_flags(event::DESC);
        }
    }

    /// Whether [`Self::resize`] can make it a ring of `size` entries.
    ///
    /// # Errors
    ///
    /// [`LayoutError::Size`] when no ring of this form can have it, [`LayoutError::Slots`] when it is
    /// more than the ring was made with.
    pub fn can_have(&self, size: u16) -> Result<(), LayoutError> {
        self.fits(size, layout::is_valid_size(size))
    }

    /// Does the same as [`Self::reset`], and makes it a ring of `size` entries.
    ///
    /// # Errors
    ///
    /// Those of [`Self::can_have`], also when the memory cannot; the ring is as it was then.
    pub fn resize(&mut self, size: u16) -> Result<(), LayoutError> {
        self.can_have(size)?;
        if !self.memory.resize(size) {
            return Err(LayoutError::Size);
        }
        self.size = size;
        self.reset();
        Ok(())
    }

    /// Entries of the ring.
    #[inline]
    pub fn size(&self) -> u16 {
        self.size
    }

    /// The shared memory.
    #[inline]
    pub fn memory(&self) -> &M {
        &self.memory
    }

    /// Counters.
    #[inline]
    pub fn stats(&self) -> &Stats {
        self.memory.stats()
    }

    /// Breaks the queue for what the device did.
    #[cold]
    fn reject(&mut self, violation: Violation) -> Violation {
        self.base.health.reject(violation, self.memory.stats())
    }

    /// Chains that were added and not yet taken back.
    #[inline]
    pub fn outstanding(&self) -> u16 {
        index(self.chains.added()).wrapping_sub(self.completed)
    }

    /// What a notification says of the ring with `VIRTIO_F_NOTIFICATION_DATA` (VIRTIO 1.4, 2.9):
    /// number and wrap counter of the next descriptor that will be made available.
    #[inline]
    pub fn notification_data(&self) -> u16 {
        self.published.get()
    }

    /// Starts a chain of at most `max` segments, which is no more than [`Base::capacity`].
    ///
    /// # Errors
    ///
    /// [`ChainError::Full`], [`ChainError::TooLong`] or [`ChainError::Broken`].
    #[inline(always)]
    pub fn chain(&mut self, max: u16) -> Result<Chain<'_, M, S>, ChainError> {
        let in_table = self.begin(max)?;
        Ok(self.chain_of(max, in_table))
    }

    /// Starts a chain of at most `max` segments, for which [`Base::begin`] has said that there is room
    /// `in_table` or in the ring.
    #[inline(always)]
    pub(super) fn chain_of(&mut self, max: u16, in_table: bool) -> Chain<'_, M, S> {
        let head = self.chains.free_head();
        let len = if in_table { max } else { 0 };
        let table = self.memory.table(head, len, false);
        let draft = Draft {
            memory: &self.memory,
            base: &mut self.base,
            unpublished: &mut self.unpublished,
        };
        ChainWriter::new(draft, table, head, max, in_table)
    }

    /// Shows the device all chains added since the last time, and says whether it wants to be
    /// notified of them.
    #[inline]
    pub fn publish(&mut self) -> bool {
        if self.unpublished.count == 0 || self.health.is_broken() {
            return false;
        }
        let old = self.published;
        let new = self.unpublished.next;
        // The device must not see the flags of the first descriptor before the rest of it and all
        // the others: once it finds this one available, it goes on to the next.
        self.memory.wmb();
        self.memory
            .write_flags(old.offset(), self.unpublished.withheld);
        self.published = new;
        self.unpublished.count = 0;
        // The device writes its wish and then looks at the flags once more; the other way round
        // here. With less than a full barrier between, each could miss what the other wrote.
        self.memory.mb();
        let event = self.memory.read_device_event();
        let wanted = event::wanted(self.options.event_idx, event, old, new, self.size);
        let stats = self.memory.stats();
        if wanted {
            stats.kicks.count();
        } else {
            stats.suppressed.count();
        }
        wanted
    }

    /// Whether the device has used the next descriptor.
    #[inline]
    fn is_next_used(&self) -> bool {
        // Where nothing was made available nothing is used. What a device wrote there all the same is
        // overwritten by the next chain, and must not count as an answer to it.
        if self.used == self.published {
            return false;
        }
        let flags = self.memory.read_flags(self.used.offset());
        if !self.used.is_used(flags) {
            return false;
        }
        // The rest of the descriptor must not be read before its flags.
        self.memory.rmb();
        true
    }

    /// Takes back the next chain that the device has used.
    ///
    /// # Errors
    ///
    /// When the device breaks the rules, once; there is nothing to take from a broken queue.
    #[inline(always)]
    pub fn pop(&mut self) -> Result<Option<Used>, Violation> {
        if self.health.is_broken() {
            return self.health.report();
        }
        self.pop_from_working()
    }

    /// Does the same as [`Self::pop`] with a queue that is not broken.
    #[inline(always)]
    pub(super) fn pop_from_working(&mut self) -> Result<Option<Used>, Violation> {
        if !self.known && !self.is_next_used() {
            return Ok(None);
        }
        self.known = false;
        let (used, taken) = if self.options.in_order {
            self.take_in_order()?
        } else {
            self.take_used()?
        };
        self.used = self.used.advance(taken, self.size);
        self.completed = self.completed.wrapping_add(1);
        self.memory.stats().completions.count();
        Ok(Some(used))
    }

    /// Takes back the chain that the next descriptor names, which is used, and says how many descriptors
    /// it had.
    ///
    /// The flag is not looked at without which the length means nothing (VIRTIO 1.4, 2.8.4): QEMU
    /// never sets it, and alioth leaves it as it was in the descriptor that was available there, while
    /// the lengths of both are right.
    #[inline(always)]
    fn take_used(&mut self) -> Result<(Used, u16), Violation> {
        let (id, len) = self.memory.read_used(self.used.offset());
        let published = self.published_chains();
        let Some(freed) = self.chains.take(id.into(), published) else {
            return Err(self.reject(Violation::UsedId));
        };
        let used = Used {
            head: freed.head,
            written: clamp(len, freed.writable, self.memory.stats()),
        };
        Ok((used, freed.taken))
    }

    /// Chains that the device sees, ever.
    #[inline]
    fn published_chains(&self) -> u32 {
        let unpublished = u32::from(self.unpublished.count);
        self.chains.added().wrapping_sub(unpublished)
    }

    /// Takes back the chain that comes next with `VIRTIO_F_IN_ORDER`, and says how many descriptors it
    /// had.
    #[inline]
    fn take_in_order(&mut self) -> Result<(Used, u16), Violation> {
        let (head, written) = self.next_in_order()?;
        match self.chains.free(head) {
            Some(freed) => Ok((Used { head, written }, freed.taken)),
            None => Err(self.reject(Violation::Internal)),
        }
    }

    /// The chain that comes next with `VIRTIO_F_IN_ORDER`, and the bytes that were written to it.
    ///
    /// The device need not write more than one descriptor for several chains: it names the last of them.
    #[inline]
    fn next_in_order(&mut self) -> Result<(u16, u32), Violation> {
        let batch = match self.batch {
            Some(batch) => batch,
            None => {
                let (id, len) = self.memory.read_used(self.used.offset());
                let published = self.published_chains();
                let Some((last, writable)) = self.chains.published(id.into(), published) else {
                    return Err(self.reject(Violation::UsedId));
                };
                let written = clamp(len, writable, self.memory.stats());
                *self.batch.insert(Batch { last, written })
            }
        };
        let head = self.chains.oldest();
        if head == batch.last {
            self.batch = None;
            return Ok((head, batch.written));
        }
        self.known = true;
        match self.chains.number(head) {
            Some((_, writable)) => Ok((head, writable)),
            None => Err(self.reject(Violation::Internal)),
        }
    }

    /// Tells the device that the driver looks by itself. It is a hint: interrupts may still come.
    ///
    /// With the event index nothing is written: once the device has passed the descriptor at which
    /// it was to interrupt, it does not do so again before it comes round to it for the second time,
    /// and one interrupt too many costs less than a cache line bounced for each that comes.
    #[inline]
    pub fn disable_interrupts(&mut self) {
        if !self.options.event_idx && self.shown != event::DISABLE {
            self.shown = event::DISABLE;
            self.memory.write_driver_flags(event::DISABLE);
        }
    }

    /// Tells the device that nobody waits for interrupts, for a ring that is looked at all the time.
    pub fn silence(&mut self) {
        self.memory.write_driver_flags(event::DISABLE);
        if !self.options.event_idx {
            self.shown = event::DISABLE;
        }
    }

    /// Asks for one interrupt, when the next chain is used. Returns whether the caller may wait for
    /// it: if not, there are chains to take or there is a violation to hear of, by [`Self::pop`],
    /// and this is to be called again after that.
    ///
    /// It is to be called again after each interrupt: with the event index there is no other one
    /// before. A device can make it return `false` no more often than there are chains
    /// outstanding, and once more.
    #[inline]
    pub fn enable_interrupts(&mut self) -> bool {
        if self.health.is_broken() {
            return true;
        }
        if self.known {
            return false;
        }
        let wish = if self.options.event_idx {
            self.used.get()
        } else {
            event::ENABLE
        };
        if self.shown != wish {
            self.shown = wish;
            if self.options.event_idx {
                self.memory.write_driver_event(wish);
            } else {
                self.memory.write_driver_flags(wish);
            }
            // The device writes the flags and then looks at this wish; the other way round here.
            // With less than a full barrier between, each could miss what the other wrote. A wish
            // that the device could see before needs none.
            self.memory.mb();
        }
        // What the device has said once it cannot take back: one that changes its mind would keep the
        // driver busy.
        self.known = self.is_next_used();
        !self.known
    }

    /// Takes back the next outstanding chain, whether or not the device has used it. Takes the
    /// queue out of service.
    ///
    /// Only after a confirmed reset is the memory of the chain safe from the device.
    pub fn drain(&mut self) -> Option<u16> {
        self.break_with(Violation::Drained);
        let head = self.base.chains.drain(self.size)?;
        self.completed = self.completed.wrapping_add(1);
        Some(head)
    }
}

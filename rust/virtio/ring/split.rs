// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The driver's side of a split virtqueue (VIRTIO 1.4, 2.7).
//!
//! The descriptor table, which the device could overwrite, is only ever written: the state of
//! chains is private. What the device does write is read once for each use, and is checked before
//! it is used. A device that breaks the rules breaks its queue, for good and once: see
//! [`Violation`].
//!
//! Indexes run freely through 2^16; positions in the ring are indexes modulo its size.

use super::{
    base::{
        Base,
        Batch, //
    },
    chains::index,
    descriptor::Descriptor,
    event,
    layout,
    stats::Stats,
    trust::{
        clamp,
        is_lie, //
    },
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
mod memory;

pub use self::{
    chain::Draft,
    memory::SplitMemory, //
};

/// A chain that is being written to a split ring.
pub type Chain<'a, M, S> = ChainWriter<<M as Memory>::Table<'a>, Draft<'a, M, S>>;

/// The driver's side of a split virtqueue: `M` is the memory it shares with the device, `S` holds
/// its private state.
///
/// # Invariants
///
/// While not broken:
/// - `added - last_used` chains are outstanding; those numbered below `published` are known to the
///   device.
/// - `last_used <= used_seen <= published <= added`, in that circular order.
pub struct Split<M, S> {
    /// The shared memory.
    memory: M,
    /// What is the same in both forms.
    base: Base<S>,
    /// Size less one.
    mask: u16,
    /// Chains that the device sees, ever: the available index is the lower half.
    published: u32,
    /// Used entries consumed.
    last_used: u16,
    /// The used index as last read; no further than `published`.
    used_seen: u16,
    /// What the device sees as used event or as flags of the available ring.
    shown: u16,
    /// The entry that was read, while not all chains are taken back for which it stands. Only with
    /// `VIRTIO_F_IN_ORDER`.
    batch: Option<Batch>,
}

impl<M, S> Deref for Split<M, S> {
    type Target = Base<S>;

    #[inline]
    fn deref(&self) -> &Base<S> {
        &self.base
    }
}

impl<M, S> DerefMut for Split<M, S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Base<S> {
        &mut self.base
    }
}

impl<M: SplitMemory, S: DerefMut<Target = [Slot]>> Split<M, S> {
    /// Makes the driver's side of a ring that the device does not use yet, and clears its memory,
    /// whatever is in it.
    ///
    /// Interrupts are enabled.
    pub fn new(memory: M, slots: S, options: Options) -> Result<Self, LayoutError> {
        let size = memory.size();
        if !layout::is_valid_size(size) {
            return Err(LayoutError::Size);
        }
        let mut split = Self {
            base: Base::new(&memory, slots, options)?,
            memory,
            mask: size.wrapping_sub(1),
            published: 0,
            last_used: 0,
            used_seen: 0,
            shown: 0,
            batch: None,
        };
        split.reset();
        Ok(split)
    }

    /// Makes ring and memory as new, once the device has confirmed that it uses them no more.
    /// Chains that were outstanding are forgotten: [`Self::drain`] takes them out before. Counters
    /// go on.
    pub fn reset(&mut self) {
        self.memory.clear();
        let size = self.size();
        self.base.reset(size);
        self.published = 0;
        self.last_used = 0;
        self.used_seen = 0;
        self.shown = 0;
        self.batch = None;
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
        self.mask = size.wrapping_sub(1);
        self.reset();
        Ok(())
    }

    /// Entries of the ring.
    #[inline]
    pub fn size(&self) -> u16 {
        self.mask.wrapping_add(1)
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
        index(self.chains.added()).wrapping_sub(self.last_used)
    }

    /// What a notification says of the ring with `VIRTIO_F_NOTIFICATION_DATA` (VIRTIO 1.4, 2.9): the
    /// available index that the device sees.
    #[inline]
    pub fn notification_data(&self) -> u16 {
        index(self.published)
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
        let table = self.memory.table(head, len, true);
        let draft = Draft {
            memory: &self.memory,
            base: &mut self.base,
        };
        ChainWriter::new(draft, table, head, max, in_table)
    }

    /// Shows the device all chains added since the last time, and says whether it wants to be
    /// notified of them.
    #[inline]
    pub fn publish(&mut self) -> bool {
        let old = index(self.published);
        let new = index(self.chains.added());
        if new == old || self.health.is_broken() {
            return false;
        }
        // The device must not see the index before the descriptors and entries that it covers.
        self.memory.wmb();
        self.memory.write_avail_idx(new);
        self.published = self.chains.added();
        // The device writes its wish and then looks at the index once more; the other way round
        // here. With less than a full barrier between, each could miss what the other wrote.
        self.memory.mb();
        let wanted = if self.options.event_idx {
            event::need_event(self.memory.read_avail_event(), new, old)
        } else {
            self.memory.read_used_flags() & event::NO_NOTIFY == 0
        };
        let stats = self.memory.stats();
        if wanted {
            stats.kicks.count();
        } else {
            stats.suppressed.count();
        }
        wanted
    }

    /// Looks at the used index, when all entries up to where it stood have been consumed. Whether
    /// there are more.
    #[inline]
    fn refresh(&mut self) -> Result<bool, Violation> {
        let idx = self.memory.read_used_idx();
        if idx == self.last_used {
            return Ok(false);
        }
        let visible = index(self.published).wrapping_sub(self.last_used);
        if is_lie(|| idx.wrapping_sub(self.last_used) > visible) {
            return Err(self.reject(Violation::UsedIndex));
        }
        self.used_seen = idx;
        // The entries that the index covers must not be read before it.
        self.memory.rmb();
        Ok(true)
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
        if self.used_seen == self.last_used && !self.refresh()? {
            return Ok(None);
        }
        let used = if self.options.in_order {
            self.take_in_order()?
        } else {
            self.take_entry()?
        };
        self.last_used = self.last_used.wrapping_add(1);
        self.memory.stats().completions.count();
        Ok(Some(used))
    }

    /// Takes back the chain that the next entry of the used ring names.
    #[inline(always)]
    fn take_entry(&mut self) -> Result<Used, Violation> {
        let (id, len) = self.memory.read_used_elem(self.last_used);
        let published = self.published;
        let Some(freed) = self.chains.take(id, published) else {
            return Err(self.reject(Violation::UsedId));
        };
        Ok(Used {
            head: freed.head,
            written: clamp(len, freed.writable, self.memory.stats()),
        })
    }

    /// Takes back the chain that comes next with `VIRTIO_F_IN_ORDER`.
    #[inline]
    fn take_in_order(&mut self) -> Result<Used, Violation> {
        let (head, written) = self.next_in_order()?;
        match self.chains.free(head) {
            Some(_) => Ok(Used { head, written }),
            None => Err(self.reject(Violation::Internal)),
        }
    }

    /// The chain that comes next with `VIRTIO_F_IN_ORDER`, and the bytes that were written to it.
    ///
    /// The device need not write more than the entry that follows the last one that was read. It
    /// names one of the chains that the used index covers, and stands for all up to that one.
    #[inline]
    fn next_in_order(&mut self) -> Result<(u16, u32), Violation> {
        let batch = match self.batch {
            Some(batch) => batch,
            None => {
                let (id, len) = self.memory.read_used_elem(self.last_used);
                let Some((last, writable)) = self.chains.published(id, self.published) else {
                    return Err(self.reject(Violation::UsedId));
                };
                let written = clamp(len, writable, self.memory.stats());
                let before = self.chains.number(last).map_or(u16::MAX, |(number, _)| {
                    // Entry and chain have the same number.
                    index(number).wrapping_sub(self.last_used)
                });
                if is_lie(|| before >= self.used_seen.wrapping_sub(self.last_used)) {
                    return Err(self.reject(Violation::UsedBatch));
                }
                *self.batch.insert(Batch { last, written })
            }
        };
        let head = self.chains.oldest();
        if head == batch.last {
            self.batch = None;
            return Ok((head, batch.written));
        }
        match self.chains.number(head) {
            Some((_, writable)) => Ok((head, writable)),
            None => Err(self.reject(Violation::Internal)),
        }
    }

    /// Tells the device that the driver looks by itself. It is a hint: interrupts may still come.
    ///
    /// With the event index nothing is written: once the device has passed the position at which it
    /// was to interrupt, it does not do so again before the index has come round, and one interrupt
    /// too many costs less than a cache line bounced for each that comes.
    #[inline]
    pub fn disable_interrupts(&mut self) {
        if !self.options.event_idx && self.shown != event::NO_INTERRUPT {
            self.shown = event::NO_INTERRUPT;
            self.memory.write_avail_flags(event::NO_INTERRUPT);
        }
    }

    /// Tells the device that nobody waits for interrupts, for a ring that is looked at all the time.
    /// The event index cannot say "never": it says what is the furthest from now, 65536 chains.
    pub fn silence(&mut self) {
        if self.options.event_idx {
            self.shown = self.last_used.wrapping_sub(1);
            self.memory.write_used_event(self.shown);
        } else {
            self.disable_interrupts();
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
            return !self.health.is_unreported();
        }
        if self.used_seen != self.last_used {
            return false;
        }
        let wish = if self.options.event_idx {
            self.last_used
        } else {
            0
        };
        if self.shown != wish {
            self.shown = wish;
            if self.options.event_idx {
                self.memory.write_used_event(wish);
            } else {
                self.memory.write_avail_flags(wish);
            }
            // The device writes the index and then looks at this wish; the other way round here.
            // With less than a full barrier between, each could miss what the other wrote. A wish
            // that the device could see before needs none.
            self.memory.mb();
        }
        match self.refresh() {
            Ok(more) => !more,
            Err(_) => {
                self.health.put_off();
                false
            }
        }
    }

    /// Takes back the next outstanding chain, whether or not the device has used it. Takes the
    /// queue out of service.
    ///
    /// Only after a confirmed reset is the memory of the chain safe from the device.
    pub fn drain(&mut self) -> Option<u16> {
        self.break_with(Violation::Drained);
        let size = self.size();
        let head = self.chains.drain(size)?;
        self.last_used = self.last_used.wrapping_add(1);
        Some(head)
    }
}

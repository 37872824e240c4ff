// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The driver's side of a split virtqueue.
//!
//! All that decides what happens to a chain is private, in [`Slot`]s; the descriptor table, which
//! the device could overwrite, is only ever written. What the device does write is read once for
//! each use, and is checked before it is used. A device that breaks the rules breaks its queue, for
//! good and once: see [`Violation`].
//!
//! Indexes run freely through 2^16; positions in the ring are indexes modulo its size.

use super::{
    descriptor::Descriptor,
    event,
    layout, //
};
use core::ops::DerefMut;

mod chain;
mod memory;

pub use self::{
    chain::{
        ChainError,
        ChainWriter,
        Place, //
    },
    memory::SplitMemory,
};

/// What was negotiated about a ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `VIRTIO_F_EVENT_IDX`.
    pub event_idx: bool,
    /// `VIRTIO_F_INDIRECT_DESC`.
    pub indirect: bool,
}

/// Why a ring cannot be laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutError {
    /// The size is not a power of two, or too large.
    Size,
    /// There is not one slot for each descriptor.
    Slots,
}

/// What broke a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// The used index moved back, or beyond what was made available.
    UsedIndex,
    /// An entry of the used ring names no chain that the device has.
    UsedId,
    /// The device is gone, or was declared broken, for a reason outside the ring.
    Device,
    /// The queue was drained, and so taken out of service.
    Drained,
    /// The ring's own state is inconsistent, which is a bug.
    Internal,
}

impl Violation {
    /// A description for a log line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UsedIndex => "used index beyond what was made available",
            Self::UsedId => "used entry for a chain that the device does not have",
            Self::Device => "device broken or gone",
            Self::Drained => "queue drained",
            Self::Internal => "inconsistent ring state",
        }
    }
}

/// Which way a chain was laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    /// The slot is not the head of an outstanding chain.
    #[default]
    None,
    /// In the descriptor table.
    Direct,
    /// In the indirect table of its head.
    Table,
}

/// The private state of one descriptor. All but `next` matters for heads of outstanding chains
/// only.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(16))]
pub struct Slot {
    /// Bytes of the chain that the device may write.
    writable: u32,
    /// The number of the chain, counted from the first one, modulo 2^32. No chain is outstanding
    /// for that many others, let alone completed at the moment when its number is due again.
    sequence: u32,
    /// The next descriptor of the chain, or of the free list.
    next: u16,
    /// The last descriptor of the chain in the descriptor table.
    last: u16,
    /// Segments of the chain.
    segments: u16,
    /// Whether this is the head of an outstanding chain.
    form: Form,
}

/// A chain that the device has used.
///
/// It stands for one entry of the used ring: it comes from [`Split::peek`] only, and is not `Clone`.
#[derive(Debug, PartialEq, Eq)]
pub struct Used {
    /// Its head.
    pub head: u16,
    /// Bytes that the device says it wrote, but no more than it could have written.
    pub written: u32,
    /// The position of the entry.
    position: u16,
}

/// Counters. They wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Publications of which the device wanted to be notified.
    pub kicks: u64,
    /// Publications of which it did not.
    pub suppressed: u64,
    /// Chains completed.
    pub completions: u64,
    /// Lengths that the device reported beyond what it could have written.
    pub clamped: u64,
    /// Entries or indexes of the used ring that were refused.
    pub rejected: u64,
}

/// The driver's side of a split virtqueue: `M` is the memory it shares with the device, `S` holds
/// its private state.
///
/// # Invariants
///
/// While not broken:
/// - `slots` linked by `next` from `free_head` are `num_free` free descriptors.
/// - `added - last_used` chains are outstanding; those numbered below `published` are known to the
///   device.
/// - `last_used <= used_seen <= published <= added`, in that circular order.
pub struct Split<M, S> {
    /// The shared memory.
    memory: M,
    /// One slot for each descriptor.
    slots: S,
    /// Size less one.
    mask: u16,
    /// First free descriptor, if there is one.
    free_head: u16,
    /// Free descriptors.
    num_free: u16,
    /// The available index that the device sees.
    published: u16,
    /// Chains added, ever. The low half is the available index once all is published.
    added: u32,
    /// Used entries consumed.
    last_used: u16,
    /// The used index as last read; no further than `published`.
    used_seen: u16,
    /// What the device sees as used event or as flags of the available ring.
    shown: u16,
    /// Entries of each indirect table; zero if they are not to be used.
    table_len: u16,
    /// What was negotiated.
    options: Options,
    /// What broke the queue.
    broken: Option<Violation>,
    /// Whether `broken` has still to be reported.
    unreported: bool,
    /// Descriptors that draining has looked at.
    drained: u16,
    /// Counters.
    stats: Stats,
}

/// The low half of a count, as an index.
#[inline]
const fn index(count: u32) -> u16 {
    // CAST: what does not fit has been masked.
    (count & 0xffff) as u16
}

impl<M: SplitMemory, S: DerefMut<Target = [Slot]>> Split<M, S> {
    /// Makes the driver's side of a ring that the device does not use yet, in memory that is zero.
    ///
    /// Interrupts are enabled.
    pub fn new(memory: M, slots: S, options: Options) -> Result<Self, LayoutError> {
        let size = memory.size();
        if !layout::is_valid_size(size) {
            return Err(LayoutError::Size);
        }
        if slots.len() != usize::from(size) {
            return Err(LayoutError::Slots);
        }
        let mask = size.wrapping_sub(1);
        let table_len = if options.indirect {
            memory.table_len()
        } else {
            0
        };
        let mut this = Self {
            memory,
            slots,
            mask,
            free_head: 0,
            num_free: size,
            published: 0,
            added: 0,
            last_used: 0,
            used_seen: 0,
            shown: 0,
            table_len,
            options,
            broken: None,
            unreported: false,
            drained: 0,
            stats: Stats::default(),
        };
        this.reset();
        Ok(this)
    }

    /// Makes the ring as new, once the device has confirmed that it uses it no more. What the device
    /// wrote has to have been wiped. Chains that were outstanding are forgotten: [`Self::drain`]
    /// takes them out before.
    pub fn reset(&mut self) {
        for (slot, next) in self.slots.iter_mut().zip(1..=self.memory.size()) {
            *slot = Slot {
                next: next & self.mask,
                ..Slot::default()
            };
        }
        self.free_head = 0;
        self.num_free = self.memory.size();
        self.published = 0;
        self.added = 0;
        self.last_used = 0;
        self.used_seen = 0;
        self.shown = 0;
        self.broken = None;
        self.unreported = false;
        self.drained = 0;

        self.memory.write_avail_flags(0);
        self.memory.write_avail_idx(0);
        if self.options.event_idx {
            self.memory.write_used_event(0);
        }
    }

    /// The shared memory.
    #[inline]
    pub fn memory(&self) -> &M {
        &self.memory
    }

    /// Entries of the ring.
    #[inline]
    pub fn size(&self) -> u16 {
        self.mask.wrapping_add(1)
    }

    /// Free descriptors.
    #[inline]
    pub fn num_free(&self) -> u16 {
        self.num_free
    }

    /// Chains that were added and not yet taken back.
    #[inline]
    pub fn outstanding(&self) -> u16 {
        index(self.added).wrapping_sub(self.last_used)
    }

    /// The available index that the device sees, of which `VIRTIO_F_NOTIFICATION_DATA` wants to
    /// hear.
    #[inline]
    pub fn avail_idx(&self) -> u16 {
        self.published
    }

    /// Counters.
    #[inline]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// What broke the queue, if it is broken.
    #[inline]
    pub fn broken(&self) -> Option<Violation> {
        self.broken
    }

    /// Breaks the queue for a reason of the caller's, who is not told of it again. The first reason
    /// stays.
    #[cold]
    pub fn break_with(&mut self, violation: Violation) {
        if self.broken.is_none() {
            self.broken = Some(violation);
        }
    }

    /// Breaks the queue for what the device did.
    #[cold]
    fn reject(&mut self, violation: Violation) -> Violation {
        self.stats.rejected = self.stats.rejected.wrapping_add(1);
        self.break_with(violation);
        violation
    }

    /// What to say of a broken queue: the reason, once.
    #[cold]
    fn report(&mut self) -> Result<Option<Used>, Violation> {
        match self.broken {
            Some(violation) if core::mem::take(&mut self.unreported) => Err(violation),
            _ => Ok(None),
        }
    }

    /// Starts a chain of at most `max` segments.
    ///
    /// One segment goes into the descriptor table. More do while half of the ring stays free: one
    /// cache line less for the device to fetch than with an indirect table. Then they go to a
    /// table, to save descriptors. In both cases a chain has no more segments than the ring has
    /// descriptors, as the specification wants.
    ///
    /// # Errors
    ///
    /// [`ChainError::Full`], [`ChainError::TooLong`] or [`ChainError::Broken`].
    #[inline]
    pub fn chain(&mut self, max: u16) -> Result<ChainWriter<'_, M, S>, ChainError> {
        ChainWriter::new(self, max)
    }

    /// Shows the device all chains added since the last time, and says whether it wants to be
    /// notified of them.
    #[inline]
    pub fn publish(&mut self) -> bool {
        let old = self.published;
        let new = index(self.added);
        if new == old || self.broken.is_some() {
            return false;
        }
        // The device must not see the index before the descriptors and entries that it covers.
        self.memory.wmb();
        self.memory.write_avail_idx(new);
        self.published = new;
        // The device writes its wish and then looks at the index once more; the other way round
        // here. With less than a full barrier between, each could miss what the other wrote.
        self.memory.mb();
        let wanted = if self.options.event_idx {
            event::need_event(self.memory.read_avail_event(), new, old)
        } else {
            self.memory.read_used_flags() & event::NO_NOTIFY == 0
        };
        if wanted {
            self.stats.kicks = self.stats.kicks.wrapping_add(1);
        } else {
            self.stats.suppressed = self.stats.suppressed.wrapping_add(1);
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
        let visible = self.published.wrapping_sub(self.last_used);
        if idx.wrapping_sub(self.last_used) > visible {
            return Err(self.reject(Violation::UsedIndex));
        }
        self.used_seen = idx;
        // The entries that the index covers must not be read before it.
        self.memory.rmb();
        Ok(true)
    }

    /// Returns the next chain that the device has used, without taking it back: that is done by
    /// [`Self::release`].
    ///
    /// # Errors
    ///
    /// When the device breaks the rules, once; there is nothing to take from a broken queue.
    #[inline]
    pub fn peek(&mut self) -> Result<Option<Used>, Violation> {
        if self.broken.is_some() {
            return self.report();
        }
        if self.used_seen == self.last_used && !self.refresh()? {
            return Ok(None);
        }
        let (id, len) = self.memory.read_used_elem(self.last_used);
        let Some((head, writable)) = self.published_head(id) else {
            return Err(self.reject(Violation::UsedId));
        };
        // Devices are known that report more than they wrote, or a length where nothing was
        // writable.
        if len > writable {
            self.stats.clamped = self.stats.clamped.wrapping_add(1);
        }
        Ok(Some(Used {
            head,
            written: len.min(writable),
            position: self.last_used,
        }))
    }

    /// The head and the writable bytes of the chain that the device calls `id`, if it has it.
    #[inline]
    fn published_head(&self, id: u32) -> Option<(u16, u32)> {
        let head = u16::try_from(id).ok()?;
        let slot = self.slots.get(usize::from(head))?;
        let unpublished = index(self.added).wrapping_sub(self.published);
        // The chain added last has a distance of one.
        let distance = self.added.wrapping_sub(slot.sequence);
        if slot.form == Form::None || distance <= u32::from(unpublished) {
            return None;
        }
        Some((head, slot.writable))
    }

    /// Takes back a chain that [`Self::peek`] returned.
    #[inline]
    pub fn release(&mut self, used: Used) {
        // Only one that is not the entry that comes next can fail here: a second one for the same.
        if used.position != self.last_used || !self.free(used.head) {
            self.break_with(Violation::Internal);
            return;
        }
        self.last_used = self.last_used.wrapping_add(1);
        self.stats.completions = self.stats.completions.wrapping_add(1);
    }

    /// Puts the descriptors of an outstanding chain on the free list.
    #[inline]
    fn free(&mut self, head: u16) -> bool {
        let Some(slot) = self.slots.get_mut(usize::from(head)) else {
            return false;
        };
        let taken = match slot.form {
            Form::None => return false,
            Form::Direct => slot.segments,
            Form::Table => 1,
        };
        slot.form = Form::None;
        if slot.last == head {
            slot.next = self.free_head;
        } else {
            let last = usize::from(slot.last);
            match self.slots.get_mut(last) {
                Some(last) => last.next = self.free_head,
                None => return false,
            }
        }
        self.free_head = head;
        self.num_free = self.num_free.wrapping_add(taken);
        true
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

    /// Asks for one interrupt, when the next chain is used. Returns whether the caller may wait for
    /// it: if not, there are chains to take or there is a violation to hear of, by [`Self::peek`],
    /// and this is to be called again after that.
    ///
    /// It is to be called again after each interrupt: with the event index there is no other one
    /// before. A device can make it return `false` no more often than there are chains
    /// outstanding, and once more.
    #[inline]
    pub fn enable_interrupts(&mut self) -> bool {
        if self.broken.is_some() {
            return !self.unreported;
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
                self.unreported = true;
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
        while self.drained < self.size() {
            let head = self.drained;
            self.drained = head.wrapping_add(1);
            if self.free(head) {
                self.last_used = self.last_used.wrapping_add(1);
                return Some(head);
            }
        }
        None
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Writing a chain of descriptors.

use super::{
    index,
    Descriptor,
    Form,
    Slot,
    Split,
    SplitMemory,
    Violation, //
};
use core::ops::DerefMut;

/// Why a chain was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainError {
    /// There is no room now; there will be when chains complete.
    Full,
    /// It will never fit, or it was announced as having no segment.
    TooLong,
    /// The queue is broken.
    Broken,
    /// A segment or the chain is empty.
    Empty,
    /// A segment that the device reads follows one that it writes.
    Order,
    /// There are more segments than were announced.
    Excess,
    /// The segments add up to more than 2^32 - 1 bytes.
    Bytes,
}

/// Where a segment was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In this entry of the descriptor table.
    Direct(u16),
    /// In an indirect table.
    Table {
        /// The descriptor to which the table belongs.
        head: u16,
        /// The entry of the table.
        entry: u16,
    },
}

/// A chain that is being written. Dropping it leaves all as it was.
#[must_use = "a chain does nothing before it is committed"]
pub struct ChainWriter<'a, M, S> {
    /// The ring.
    split: &'a mut Split<M, S>,
    /// The segment pushed last. It is written when it is known whether another one follows.
    held: Descriptor,
    /// Bytes in all segments.
    bytes: u32,
    /// Bytes in those that the device writes.
    writable: u32,
    /// The head of the chain.
    head: u16,
    /// The descriptor in the descriptor table that `held` will go to, if the chain goes there.
    last: u16,
    /// The one after it.
    cursor: u16,
    /// Segments so far.
    pushed: u16,
    /// Segments at most.
    max: u16,
    /// Where the segments go.
    form: Form,
}

impl<'a, M: SplitMemory, S: DerefMut<Target = [Slot]>> ChainWriter<'a, M, S> {
    /// Starts a chain: see [`Split::chain`].
    #[inline]
    pub(super) fn new(split: &'a mut Split<M, S>, max: u16) -> Result<Self, ChainError> {
        if split.broken.is_some() {
            return Err(ChainError::Broken);
        }
        // Also refuses zero. What is longer than the ring must not go to a table either.
        if max.wrapping_sub(1) > split.mask {
            return Err(ChainError::TooLong);
        }
        let form = if max == 1 || split.num_free.saturating_sub(max) >= split.size() / 2 {
            Form::Direct
        } else if max <= split.table_len {
            Form::Table
        } else {
            Form::Direct
        };
        let needed = if form == Form::Table { 1 } else { max };
        if needed > split.num_free {
            return Err(ChainError::Full);
        }
        Ok(Self {
            head: split.free_head,
            last: split.free_head,
            cursor: split.free_head,
            held: Descriptor::default(),
            pushed: 0,
            max,
            bytes: 0,
            writable: 0,
            form,
            split,
        })
    }

    /// Adds a segment at the end; `addr` is a bus address. Returns where it was put.
    ///
    /// # Errors
    ///
    /// [`ChainError::Empty`], [`ChainError::Excess`], [`ChainError::Order`] or
    /// [`ChainError::Bytes`]: then the chain is spoilt, and cannot be committed any more.
    #[inline(always)]
    pub fn push(&mut self, addr: u64, len: u32, writable: bool) -> Result<Place, ChainError> {
        let checked = self.check(len, writable);
        let bytes = checked.map_err(|error| self.spoil(error))?;
        let place = match self.form {
            Form::Table => {
                let entry = self.pushed;
                if let Some(before) = entry.checked_sub(1) {
                    let memory = &self.split.memory;
                    memory.write_table(self.head, before, self.linked(entry));
                }
                Place::Table {
                    head: self.head,
                    entry,
                }
            }
            Form::Direct | Form::None => {
                let at = self.cursor;
                let Some(slot) = self.split.slots.get(usize::from(at)) else {
                    self.split.break_with(Violation::Internal);
                    return Err(self.spoil(ChainError::Broken));
                };
                self.cursor = slot.next;
                if self.pushed != 0 {
                    let memory = &self.split.memory;
                    memory.write_desc(self.last, self.linked(at));
                }
                self.last = at;
                Place::Direct(at)
            }
        };
        self.bytes = bytes;
        let mut flags = 0;
        if writable {
            // No more than `bytes`.
            self.writable = self.writable.wrapping_add(len);
            flags = Descriptor::WRITE;
        }
        self.held = Descriptor {
            addr,
            len,
            flags,
            next: 0,
        };
        self.pushed = self.pushed.wrapping_add(1);
        Ok(place)
    }

    /// Whether a segment may follow; the bytes of the chain with it.
    #[inline]
    fn check(&self, len: u32, writable: bool) -> Result<u32, ChainError> {
        if len == 0 {
            return Err(ChainError::Empty);
        }
        if self.pushed >= self.max {
            return Err(ChainError::Excess);
        }
        if !writable && self.writable != 0 {
            return Err(ChainError::Order);
        }
        self.bytes.checked_add(len).ok_or(ChainError::Bytes)
    }

    /// The segment pushed last, with another one after it.
    #[inline]
    fn linked(&self, next: u16) -> Descriptor {
        Descriptor {
            flags: self.held.flags | Descriptor::NEXT,
            next,
            ..self.held
        }
    }

    /// Sees to it that nothing comes of the chain.
    #[cold]
    fn spoil(&mut self, error: ChainError) -> ChainError {
        self.pushed = 0;
        self.max = 0;
        error
    }

    /// Adds the chain to the ring, and returns its head. The device sees it after
    /// [`Split::publish`].
    ///
    /// # Errors
    ///
    /// [`ChainError::Empty`] when nothing was pushed, or a push failed.
    #[inline]
    pub fn commit(&mut self) -> Result<u16, ChainError> {
        let split = &mut *self.split;
        let head = self.head;
        let pushed = core::mem::take(&mut self.pushed);
        let Some(entry) = pushed.checked_sub(1) else {
            return Err(ChainError::Empty);
        };
        // Nothing more comes of this writer.
        self.max = 0;
        let Some(slot) = split.slots.get_mut(usize::from(head)) else {
            split.break_with(Violation::Internal);
            return Err(ChainError::Broken);
        };
        let taken = match self.form {
            Form::Table => {
                split.memory.write_table(head, entry, self.held);
                let table = Descriptor {
                    addr: split.memory.table_addr(head),
                    // No overflow: 2^15 entries at most.
                    len: u32::from(pushed).wrapping_mul(Descriptor::SIZE),
                    flags: Descriptor::INDIRECT,
                    next: 0,
                };
                split.memory.write_desc(head, table);
                slot.last = head;
                split.free_head = slot.next;
                1
            }
            Form::Direct | Form::None => {
                split.memory.write_desc(self.last, self.held);
                slot.last = self.last;
                split.free_head = self.cursor;
                pushed
            }
        };
        slot.writable = self.writable;
        slot.sequence = split.added;
        slot.segments = pushed;
        slot.form = self.form;
        split.memory.write_avail_ring(index(split.added), head);
        // `chain` has seen that there are as many.
        split.num_free = split.num_free.wrapping_sub(taken);
        split.added = split.added.wrapping_add(1);
        Ok(head)
    }
}

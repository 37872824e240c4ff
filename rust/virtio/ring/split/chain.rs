// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Writing a chain of descriptors.

use super::{
    super::{
        chain::{
            form,
            Draft, //
        },
        chains::{
            index,
            Form,
            Ready, //
        },
        Place, //
    },
    ChainError,
    Descriptor,
    Slot,
    Split,
    SplitMemory,
    Violation, //
};
use core::ops::DerefMut;

/// A chain that is being written. Dropping it leaves all as it was.
#[must_use = "a chain does nothing before it is committed"]
pub struct ChainWriter<'a, M, S> {
    /// The ring.
    split: &'a mut Split<M, S>,
    /// The segment pushed last. It is written when it is known whether another one follows.
    held: Descriptor,
    /// What is known of it.
    draft: Draft,
    /// The head of the chain.
    head: u16,
    /// The descriptor in the descriptor table that `held` will go to, if the chain goes there.
    last: u16,
    /// The one after it.
    cursor: u16,
    /// Where the segments go.
    form: Form,
}

impl<'a, M: SplitMemory, S: DerefMut<Target = [Slot]>> ChainWriter<'a, M, S> {
    /// Starts a chain: see [`Split::chain`].
    #[inline(always)]
    pub(super) fn new(split: &'a mut Split<M, S>, max: u16) -> Result<Self, ChainError> {
        if split.health.is_broken() {
            return Err(ChainError::Broken);
        }
        let chains = &split.chains;
        let form = form(max, chains.num_free(), chains.capacity(), split.table_len)?;
        let head = split.chains.free_head();
        Ok(Self {
            held: Descriptor::default(),
            draft: Draft::new(max),
            head,
            last: head,
            cursor: head,
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
        let checked = self.draft.check(len, writable);
        let bytes = checked.map_err(|error| self.draft.spoil(error))?;
        let place = if self.form == Form::Table {
            let entry = self.draft.pushed();
            if let Some(before) = entry.checked_sub(1) {
                let memory = &self.split.memory;
                memory.write_table(self.head, before, self.linked(entry));
            }
            Place::Table {
                head: self.head,
                entry,
            }
        } else {
            self.place_directly()?
        };
        self.draft.push(len, writable, bytes);
        self.held = Descriptor {
            addr,
            len,
            flags: if writable { Descriptor::WRITE } else { 0 },
            next: 0,
        };
        Ok(place)
    }

    /// Makes room for a segment in the descriptor table.
    #[inline(never)]
    fn place_directly(&mut self) -> Result<Place, ChainError> {
        let at = self.cursor;
        let Some(next) = self.split.chains.next(at) else {
            self.split.break_with(Violation::Internal);
            return Err(self.draft.spoil(ChainError::Broken));
        };
        self.cursor = next;
        if self.draft.pushed() != 0 {
            let memory = &self.split.memory;
            memory.write_desc(self.last, self.linked(at));
        }
        self.last = at;
        Ok(Place::Direct(at))
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
        let writable = self.draft.writable();
        let segments = self.draft.take();
        let Some(entry) = segments.checked_sub(1) else {
            return Err(ChainError::Empty);
        };
        let number = index(split.chains.added());
        let chain = Ready {
            head,
            last: self.last,
            rest: self.cursor,
            segments,
            writable,
            form: self.form,
        };
        if let Err(error) = split.chains.add(chain) {
            split.break_with(Violation::Internal);
            return Err(error);
        }
        if self.form == Form::Table {
            split.memory.write_table(head, entry, self.held);
            let table = Descriptor {
                addr: split.memory.table_addr(head),
                // No overflow: 2^15 entries at most.
                len: u32::from(segments).wrapping_mul(Descriptor::SIZE),
                flags: Descriptor::INDIRECT,
                next: 0,
            };
            split.memory.write_desc(head, table);
        } else {
            split.memory.write_desc(self.last, self.held);
        }
        split.memory.write_avail_ring(number, head);
        Ok(head)
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Writing a list of descriptors.

use super::{
    super::{
        chain::{
            form,
            Draft, //
        },
        chains::{
            Form,
            Ready, //
        },
        descriptor::Descriptor,
        ChainError,
        Place,
        Slot,
        Violation, //
    },
    flags,
    position::Position,
    Packed,
    PackedMemory, //
};
use core::ops::DerefMut;

/// The number of the descriptor after `at` in a ring of `size`. Without the wrap counter of a
/// [`Position`] this is but a few instructions for each segment.
#[inline(always)]
fn after(at: u16, size: u16) -> u16 {
    // No more than 2^15.
    let next = at.wrapping_add(1);
    if next == size {
        0
    } else {
        next
    }
}

/// A chain that is being written. Dropping it leaves all as it was.
///
/// No flags are written before the chain is committed: what is left in the ring by one that was
/// dropped does not become available when others are put in its place.
#[must_use = "a chain does nothing before it is committed"]
pub struct ChainWriter<'a, M, S> {
    /// The ring.
    packed: &'a mut Packed<M, S>,
    /// What is known of the chain.
    draft: Draft,
    /// The slot of the chain, which is its buffer id.
    head: u16,
    /// The slot of the segment pushed last, if the chain goes to the ring.
    last: u16,
    /// The slot after it.
    cursor: u16,
    /// The number of the descriptor where the next segment goes, if the chain goes to the ring.
    at: u16,
    /// Segments that the device reads.
    readable: u16,
    /// Where the segments go.
    form: Form,
}

impl<'a, M: PackedMemory, S: DerefMut<Target = [Slot]>> ChainWriter<'a, M, S> {
    /// Starts a chain: see [`Packed::chain`].
    #[inline(always)]
    pub(super) fn new(packed: &'a mut Packed<M, S>, max: u16) -> Result<Self, ChainError> {
        if packed.health.is_broken() {
            return Err(ChainError::Broken);
        }
        let chains = &packed.chains;
        let form = form(max, chains.num_free(), chains.capacity(), packed.table_len)?;
        let head = packed.chains.free_head();
        Ok(Self {
            draft: Draft::new(max),
            head,
            last: head,
            cursor: head,
            at: packed.next.offset(),
            readable: 0,
            form,
            packed,
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
        let head = self.head;
        let place = if self.form == Form::Table {
            let entry = self.draft.pushed();
            // No other flag than this one means anything in a table (VIRTIO 1.4, 2.8.7).
            let flags = if writable { flags::WRITE } else { 0 };
            let memory = &self.packed.memory;
            memory.write_table(head, entry, addr, len, flags);
            Place::Table { head, entry }
        } else {
            self.push_directly(addr, len)?
        };
        if !writable {
            // No more than there are segments.
            self.readable = self.readable.wrapping_add(1);
        }
        self.draft.push(len, writable, bytes);
        Ok(place)
    }

    /// Adds a segment to the ring itself.
    #[inline(never)]
    fn push_directly(&mut self, addr: u64, len: u32) -> Result<Place, ChainError> {
        let slot = self.cursor;
        let Some(next) = self.packed.chains.next(slot) else {
            self.packed.break_with(Violation::Internal);
            return Err(self.draft.spoil(ChainError::Broken));
        };
        self.cursor = next;
        self.last = slot;
        // The id matters in the last one only (VIRTIO 1.4, 2.8.6), which any could be.
        let memory = &self.packed.memory;
        memory.write_desc(self.at, addr, len, self.head);
        self.at = after(self.at, self.packed.size);
        Ok(Place::Direct(slot))
    }

    /// Writes the flags of all segments but the first, which is at `first`.
    #[inline(never)]
    fn write_flags(&self, first: Position, segments: u16) {
        let mut at = first.offset();
        let mut available = first.available();
        for entry in 1..segments {
            at = after(at, self.packed.size);
            if at == 0 {
                // The other round begins.
                available ^= flags::AVAIL | flags::USED;
            }
            let mut flags = available;
            if entry >= self.readable {
                flags |= flags::WRITE;
            }
            if entry.wrapping_add(1) != segments {
                flags |= flags::NEXT;
            }
            self.packed.memory.write_flags(at, flags);
        }
    }

    /// Adds the chain to the ring, and returns its buffer id. The device sees it after
    /// [`Packed::publish`].
    ///
    /// # Errors
    ///
    /// [`ChainError::Empty`] when nothing was pushed, or a push failed.
    #[inline]
    pub fn commit(&mut self) -> Result<u16, ChainError> {
        let head = self.head;
        let writable = self.draft.writable();
        let segments = self.draft.take();
        if segments == 0 {
            return Err(ChainError::Empty);
        }
        let first = self.packed.next;
        let flags = if self.form == Form::Table {
            let memory = &self.packed.memory;
            // No overflow: 2^15 entries at most.
            let len = u32::from(segments).wrapping_mul(Descriptor::SIZE);
            memory.write_desc(first.offset(), memory.table_addr(head), len, head);
            first.available() | flags::INDIRECT
        } else {
            let rest = if segments == 1 {
                0
            } else {
                self.write_flags(first, segments);
                flags::NEXT
            };
            let write = if self.readable == 0 { flags::WRITE } else { 0 };
            first.available() | write | rest
        };
        let taken = self.packed.chains.add(Ready {
            head,
            last: self.last,
            rest: self.cursor,
            segments,
            writable,
            form: self.form,
        });
        match taken {
            Ok(taken) => {
                self.packed.place(flags, taken);
                Ok(head)
            }
            Err(error) => {
                self.packed.break_with(Violation::Internal);
                Err(error)
            }
        }
    }
}

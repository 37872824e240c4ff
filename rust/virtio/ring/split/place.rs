// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Where the segments of a chain lie.

use super::{
    Form,
    Slot, //
};

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

/// The places of the segments of a chain: see [`Split::places`].
#[derive(Clone, Debug)]
pub struct Places<'a> {
    /// The private state of the ring.
    slots: &'a [Slot],
    /// The head of the chain.
    head: u16,
    /// The next descriptor, if the chain is in the descriptor table.
    cursor: u16,
    /// Segments visited.
    done: u16,
    /// Segments of the chain.
    segments: u16,
    /// Where the segments are.
    form: Form,
}

impl<'a> Places<'a> {
    /// The places of the chain that starts at `head`, if it is outstanding.
    #[inline]
    pub(super) fn new(slots: &'a [Slot], head: u16) -> Self {
        let slot = slots.get(usize::from(head)).copied().unwrap_or_default();
        Self {
            slots,
            head,
            cursor: head,
            done: 0,
            segments: match slot.form {
                Form::None => 0,
                Form::Direct | Form::Table => slot.segments,
            },
            form: slot.form,
        }
    }
}

impl Iterator for Places<'_> {
    type Item = Place;

    #[inline]
    fn next(&mut self) -> Option<Place> {
        if self.done >= self.segments {
            return None;
        }
        let entry = self.done;
        self.done = entry.wrapping_add(1);
        if self.form == Form::Table {
            return Some(Place::Table {
                head: self.head,
                entry,
            });
        }
        let at = self.cursor;
        self.cursor = self.slots.get(usize::from(at))?.next;
        Some(Place::Direct(at))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::from(self.segments.saturating_sub(self.done));
        (left, Some(left))
    }
}

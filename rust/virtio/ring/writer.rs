// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Writing a chain.

use super::{
    ChainError,
    Place,
    Table, //
};

/// Where the segments of a chain go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nowhere: nothing comes of the chain.
    None,
    /// To descriptors of the ring.
    Direct,
    /// To the indirect table of its head.
    Table,
}

/// A chain as it goes to the descriptors of a ring.
#[derive(Clone, Copy, Debug)]
pub struct Direct {
    /// The first slot.
    pub(super) head: u16,
    /// Segments at most.
    pub(super) max: u16,
    /// Segments so far.
    pub(super) pushed: u16,
    /// Those that the device reads.
    pub(super) readable: u16,
    /// The slot of the segment pushed last, if there is one.
    pub(super) last: u16,
    /// The slot after it, if there is one.
    rest: u16,
}

impl Direct {
    /// The slot of the next segment.
    #[inline]
    pub(super) fn rest(&self) -> u16 {
        if self.pushed == 0 {
            self.head
        } else {
            self.rest
        }
    }

    /// Whether no segment can follow.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.pushed >= self.max
    }

    /// Whether no segment can follow the next one.
    #[inline]
    pub(super) fn is_last(&self) -> bool {
        self.pushed.wrapping_add(1) >= self.max
    }
}

/// What a chain is written for: a ring, but for the indirect tables.
pub trait Target<T> {
    /// Writes a segment to a descriptor of its own, and returns the slot after that.
    ///
    /// # Errors
    ///
    /// [`ChainError::Broken`].
    fn push(
        &mut self,
        chain: &Direct,
        addr: u64,
        len: u32,
        writable: bool,
    ) -> Result<u16, ChainError>;

    /// Adds a chain that has `writable` bytes for the device to write, and is complete.
    ///
    /// # Errors
    ///
    /// [`ChainError::Broken`].
    fn commit(&mut self, chain: &Direct, writable: u32) -> Result<(), ChainError>;

    /// Adds a chain at `head` that is in a table, of which the same is true.
    ///
    /// # Errors
    ///
    /// [`ChainError::Broken`].
    fn commit_table(&mut self, head: u16, table: &mut T, writable: u32) -> Result<(), ChainError>;
}

/// A chain that is being written. Dropping it leaves all as it was.
#[must_use = "a chain does nothing before it is committed"]
pub struct ChainWriter<T, R> {
    /// Where the segments go, if not to the ring: closed then.
    table: T,
    /// The ring.
    ring: R,
    /// Bytes that the device reads. There are no more than 2^15 segments: no sum of their bytes wraps.
    readable: u64,
    /// Bytes that it writes.
    writable: u64,
    /// Where the segments go.
    form: Form,
    /// The chain in the ring.
    direct: Direct,
}

impl<T: Table, R: Target<T>> ChainWriter<T, R> {
    /// Starts a chain at `head` of at most `max` segments, for which `table` has room if it goes there.
    #[inline(always)]
    pub(super) fn new(ring: R, table: T, head: u16, max: u16, in_table: bool) -> Self {
        Self {
            table,
            ring,
            readable: 0,
            writable: 0,
            form: if in_table { Form::Table } else { Form::Direct },
            direct: Direct {
                head,
                max,
                pushed: 0,
                readable: 0,
                last: 0,
                rest: 0,
            },
        }
    }

    /// The same for what has the ring.
    #[inline(always)]
    pub(super) fn map<Q>(self, into: impl FnOnce(R) -> Q) -> ChainWriter<T, Q> {
        let Self {
            table,
            ring,
            readable,
            writable,
            form,
            direct,
        } = self;
        ChainWriter {
            table,
            ring: into(ring),
            readable,
            writable,
            form,
            direct,
        }
    }

    /// Adds a segment at the end; `addr` is a bus address. Returns where it was put.
    ///
    /// # Errors
    ///
    /// [`ChainError::Empty`], [`ChainError::Excess`], [`ChainError::Order`] or
    /// [`ChainError::Broken`]: then the chain is spoilt, and cannot be committed any more.
    #[inline(always)]
    pub fn push(&mut self, addr: u64, len: u32, writable: bool) -> Result<Place, ChainError> {
        if len == 0 {
            return Err(self.spoil(ChainError::Empty));
        }
        if !writable && self.writable != 0 {
            return Err(self.spoil(ChainError::Order));
        }
        let entry = self.table.len();
        let place = if self.table.push(addr, len, writable) {
            Place::Table {
                head: self.direct.head,
                entry,
            }
        } else {
            self.push_directly(addr, len, writable)?
        };
        let bytes = if writable {
            &mut self.writable
        } else {
            &mut self.readable
        };
        *bytes = bytes.wrapping_add(len.into());
        Ok(place)
    }

    /// Adds a segment to the ring itself, if that is where the chain goes.
    #[inline(never)]
    fn push_directly(&mut self, addr: u64, len: u32, writable: bool) -> Result<Place, ChainError> {
        let slot = self.direct.rest();
        if self.form != Form::Direct || self.direct.is_full() {
            return Err(self.spoil(ChainError::Excess));
        }
        match self.ring.push(&self.direct, addr, len, writable) {
            Ok(rest) => self.direct.rest = rest,
            Err(error) => return Err(self.spoil(error)),
        }
        self.direct.last = slot;
        // No more than `max`.
        self.direct.pushed = self.direct.pushed.wrapping_add(1);
        if !writable {
            self.direct.readable = self.direct.pushed;
        }
        Ok(Place::Direct(slot))
    }

    /// Sees to it that nothing comes of the chain.
    #[cold]
    fn spoil(&mut self, error: ChainError) -> ChainError {
        self.form = Form::None;
        self.table.close();
        error
    }

    /// Adds the chain to the ring, and returns what `pop` will call it. The device sees it once it is
    /// published.
    ///
    /// # Errors
    ///
    /// [`ChainError::Empty`] when nothing was pushed, or a push failed; [`ChainError::Bytes`];
    /// [`ChainError::Broken`].
    #[inline(always)]
    pub fn commit(&mut self) -> Result<u16, ChainError> {
        let form = core::mem::replace(&mut self.form, Form::None);
        let bytes = self.readable.wrapping_add(self.writable);
        let (Ok(_), Ok(writable)) = (u32::try_from(bytes), u32::try_from(self.writable)) else {
            return Err(self.spoil(ChainError::Bytes));
        };
        let head = self.direct.head;
        if form == Form::Table && !self.table.is_empty() {
            self.table.close();
            self.ring.commit_table(head, &mut self.table, writable)?;
        } else if form == Form::Direct && self.direct.pushed != 0 {
            self.commit_directly(writable)?;
        } else {
            return Err(ChainError::Empty);
        }
        Ok(head)
    }

    /// Adds a chain that is in the ring itself.
    #[inline(never)]
    fn commit_directly(&mut self, writable: u32) -> Result<(), ChainError> {
        self.ring.commit(&self.direct, writable)
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Chains, as those see them who make them and take them back.

use super::chains::Form;

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

/// Where a segment was put. No two segments of outstanding chains have the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In a descriptor, which has this number in a split ring. In a packed ring, where descriptors
    /// have none, it is that of a slot of its own.
    Direct(u16),
    /// In an indirect table.
    Table {
        /// The descriptor to which the table belongs.
        head: u16,
        /// The entry of the table.
        entry: u16,
    },
}

/// A chain that the device has used.
///
/// It stands for what the device wrote once: it comes from `peek` only, and is not `Clone`.
#[derive(Debug, PartialEq, Eq)]
pub struct Used {
    /// What `commit` called it: its head, or its buffer id.
    pub head: u16,
    /// Bytes that the device says it wrote, but no more than it could have written.
    pub written: u32,
    /// The position of what the device wrote.
    pub(super) position: u16,
}

/// What is known of a chain that is being written.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Bytes in all segments.
    bytes: u32,
    /// Bytes in those that the device writes.
    writable: u32,
    /// Segments so far.
    pushed: u16,
    /// Segments at most.
    max: u16,
}

impl Draft {
    /// A chain of at most `max` segments.
    #[inline]
    pub(super) fn new(max: u16) -> Self {
        Self {
            max,
            ..Self::default()
        }
    }

    /// Segments so far.
    #[inline]
    pub(super) fn pushed(&self) -> u16 {
        self.pushed
    }

    /// Bytes that the device may write.
    #[inline]
    pub(super) fn writable(&self) -> u32 {
        self.writable
    }

    /// Whether a segment may follow; the bytes of the chain with it.
    #[inline]
    pub(super) fn check(&self, len: u32, writable: bool) -> Result<u32, ChainError> {
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

    /// A segment follows that was checked: the chain has `bytes` bytes with it.
    #[inline]
    pub(super) fn push(&mut self, len: u32, writable: bool, bytes: u32) {
        self.bytes = bytes;
        if writable {
            // No more than `bytes`.
            self.writable = self.writable.wrapping_add(len);
        }
        self.pushed = self.pushed.wrapping_add(1);
    }

    /// Sees to it that nothing comes of the chain.
    #[cold]
    pub(super) fn spoil(&mut self, error: ChainError) -> ChainError {
        self.pushed = 0;
        self.max = 0;
        error
    }

    /// Takes the segments: nothing more comes of the chain after that.
    #[inline]
    pub(super) fn take(&mut self) -> u16 {
        self.max = 0;
        core::mem::take(&mut self.pushed)
    }
}

/// Where a chain of at most `max` segments goes, in a ring that has room for `capacity` descriptors, of
/// which `num_free` are free, with indirect tables of `table_len` entries.
///
/// One segment goes into the ring, more go to a table if one is long enough. That takes one
/// descriptor, and the driver fewer instructions in a packed ring, where the flags of descriptors are
/// written only once a chain is complete. In both cases a chain has no more segments than the ring has
/// descriptors, as the specification wants.
///
/// # Errors
///
/// [`ChainError::Full`] or [`ChainError::TooLong`].
#[inline]
pub(super) fn form(
    max: u16,
    num_free: u16,
    capacity: u16,
    table_len: u16,
) -> Result<Form, ChainError> {
    // Also refuses zero. What is longer than the ring must not go to a table either.
    if max.wrapping_sub(1) >= capacity {
        return Err(ChainError::TooLong);
    }
    let form = if max == 1 || max > table_len {
        Form::Direct
    } else {
        Form::Table
    };
    let needed = if form == Form::Table { 1 } else { max };
    if needed > num_free {
        return Err(ChainError::Full);
    }
    Ok(form)
}

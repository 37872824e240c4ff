// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Building a chain: what the device reads, then what it writes (VIRTIO 1.4, 2.6.4.2).

use core::marker::PhantomData;

use kernel::prelude::*;

use super::{
    mapping::{
        Mapped,
        Mappings, //
    },
    memory::RingMemory, //
};
use crate::{
    dma::{
        Direction,
        PhysAddr,
        Segment,
        SegmentMut, //
    },
    virtio::ring::split::{
        ChainError,
        ChainWriter,
        Slot, //
    },
};

/// Segments to read may follow.
pub enum Readable {}

/// Only segments to write may follow.
pub enum Writable {}

/// The chain is complete.
pub enum Complete {}

/// Why a chain could not be built.
pub(super) enum BuildError {
    /// The ring's reason.
    Ring(ChainError),
    /// A segment could not be mapped now.
    Unmappable,
}

/// A chain under construction.
///
/// `'a` is the borrow of the token whose memory it describes. The order that the specification asks
/// for is in the types: after the first [`write`](Self::write) there is no [`Chain::read`].
///
/// Errors are kept and reported by [`Queue::add`](super::Queue::add), so that a driver can write
/// the chain down in one expression.
pub struct Chain<'q, 'a, State = Readable> {
    pub(super) writer: ChainWriter<'q, RingMemory, KVVec<Slot>>,
    pub(super) mappings: Option<&'q mut Mappings>,
    pub(super) mapped: Mapped,
    pub(super) space: &'q crate::dma::Space,
    pub(super) error: Option<BuildError>,
    pub(super) state: PhantomData<(&'a mut (), State)>,
}

impl<'q, 'a, State> Chain<'q, 'a, State> {
    /// The same chain in another state.
    #[inline]
    fn into_state<Next>(self) -> Chain<'q, 'a, Next> {
        Chain {
            writer: self.writer,
            mappings: self.mappings,
            mapped: self.mapped,
            space: self.space,
            error: self.error,
            state: PhantomData,
        }
    }

    /// Appends one segment.
    #[inline]
    fn push(&mut self, phys: PhysAddr, len: u32, direction: Direction) {
        if self.error.is_some() {
            return;
        }

        let writable = direction == Direction::FromDevice;
        let result = match &mut self.mappings {
            None => self
                .writer
                .push(phys, len, writable)
                .map(|_| ())
                .map_err(BuildError::Ring),
            Some(mappings) => {
                // SAFETY: The segment's memory belongs to the token, which the queue keeps until
                // the mapping is ended.
                match unsafe { self.space.map(phys, len, direction) } {
                    Err(_) => Err(BuildError::Unmappable),
                    Ok(addr) => match self.writer.push(addr, len, writable) {
                        Ok(place) => {
                            mappings.remember(&mut self.mapped, place, addr, len, direction);
                            Ok(())
                        }
                        Err(err) => {
                            // SAFETY: Mapped just now, and not remembered.
                            unsafe { self.space.unmap(addr, len, direction) };
                            Err(BuildError::Ring(err))
                        }
                    },
                }
            }
        };
        self.error = result.err();
    }

    /// Appends a segment that the device writes.
    #[inline]
    pub fn write(mut self, segment: SegmentMut<'a>) -> Chain<'q, 'a, Writable> {
        self.push(segment.phys(), segment.len(), Direction::FromDevice);
        self.into_state()
    }

    /// Appends segments that the device writes.
    #[inline]
    pub fn write_all(
        mut self,
        segments: impl IntoIterator<Item = SegmentMut<'a>>,
    ) -> Chain<'q, 'a, Writable> {
        for segment in segments {
            self.push(segment.phys(), segment.len(), Direction::FromDevice);
        }
        self.into_state()
    }

    /// The chain is complete.
    #[inline]
    pub fn end(self) -> Chain<'q, 'a, Complete> {
        self.into_state()
    }
}

impl<'a> Chain<'_, 'a, Readable> {
    /// Appends a segment that the device reads.
    #[inline]
    pub fn read(mut self, segment: Segment<'a>) -> Self {
        self.push(segment.phys(), segment.len(), Direction::ToDevice);
        self
    }

    /// Appends segments that the device reads.
    #[inline]
    pub fn read_all(mut self, segments: impl IntoIterator<Item = Segment<'a>>) -> Self {
        for segment in segments {
            self.push(segment.phys(), segment.len(), Direction::ToDevice);
        }
        self
    }
}

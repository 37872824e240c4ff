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
    memory::{
        PackedRing,
        SplitRing, //
    }, //
};
use crate::{
    dma::{
        Direction,
        PhysAddr,
        Segment,
        SegmentMut, //
    },
    virtio::ring::{
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

/// What a chain is built with. It stays where it is while a [`Chain`] goes through the driver.
pub(super) struct Builder<'q> {
    pub(super) writer: ChainWriter<'q, SplitRing, PackedRing, KVVec<Slot>>,
    pub(super) mappings: Option<&'q mut Mappings>,
    pub(super) mapped: Mapped,
    pub(super) space: &'q crate::dma::Space,
    pub(super) error: Option<BuildError>,
}

impl Builder<'_> {
    /// Appends one segment.
    #[inline(always)]
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
            Some(_) => self.map_and_push(phys, len, direction),
        };
        if let Err(err) = result {
            self.error = Some(err);
        }
    }

    /// Appends one segment for a device that needs it mapped.
    #[inline(never)]
    fn map_and_push(
        &mut self,
        phys: PhysAddr,
        len: u32,
        direction: Direction,
    ) -> Result<(), BuildError> {
        let writable = direction == Direction::FromDevice;
        // SAFETY: The segment's memory belongs to the token, which the queue keeps until the
        // mapping is ended.
        let mapped = unsafe { self.space.map(phys, len, direction) };
        let addr = mapped.map_err(|_| BuildError::Unmappable)?;
        let place = self.writer.push(addr, len, writable).map_err(|err| {
            // SAFETY: Mapped just now, and not remembered.
            unsafe { self.space.unmap(addr, len, direction) };
            BuildError::Ring(err)
        })?;
        if let Some(mappings) = &mut self.mappings {
            mappings.remember(&mut self.mapped, place, addr, len, direction);
        }
        Ok(())
    }
}

/// A chain under construction.
///
/// `'a` is the borrow of the token whose memory it describes. The order that the specification asks
/// for is in the types: after the first [`write`](Self::write) there is no [`Chain::read`].
///
/// Errors are kept and reported by [`Queue::add`](super::Queue::add), so that a driver can write
/// the chain down in one expression.
pub struct Chain<'q, 'a, State = Readable> {
    pub(super) builder: &'q mut Builder<'q>,
    pub(super) state: PhantomData<(&'a mut (), State)>,
}

impl<'q, 'a, State> Chain<'q, 'a, State> {
    /// The same chain in another state.
    #[inline]
    fn into_state<Next>(self) -> Chain<'q, 'a, Next> {
        Chain {
            builder: self.builder,
            state: PhantomData,
        }
    }

    /// Appends a segment that the device writes.
    #[inline]
    pub fn write(self, segment: SegmentMut<'a>) -> Chain<'q, 'a, Writable> {
        self.builder
            .push(segment.phys(), segment.len(), Direction::FromDevice);
        self.into_state()
    }

    /// Appends segments that the device writes.
    #[inline]
    pub fn write_all(
        self,
        segments: impl IntoIterator<Item = SegmentMut<'a>>,
    ) -> Chain<'q, 'a, Writable> {
        for segment in segments {
            self.builder
                .push(segment.phys(), segment.len(), Direction::FromDevice);
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
    pub fn read(self, segment: Segment<'a>) -> Self {
        self.builder
            .push(segment.phys(), segment.len(), Direction::ToDevice);
        self
    }

    /// Appends segments that the device reads.
    #[inline]
    pub fn read_all(self, segments: impl IntoIterator<Item = Segment<'a>>) -> Self {
        for segment in segments {
            self.builder
                .push(segment.phys(), segment.len(), Direction::ToDevice);
        }
        self
    }
}

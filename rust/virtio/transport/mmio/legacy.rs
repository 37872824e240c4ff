// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices of version 1: the legacy interface (VIRTIO 1.4, 4.2.4).
//!
//! The registers are at the same places as later, and hold numbers of the same order, but those of
//! queues: a queue is one block of memory, of which the device is told the page. There is no register
//! for a reset of a queue, for shared memory, or for a generation of the configuration, and what is
//! in their places is not touched.

use core::sync::atomic::{
    AtomicU16,
    Ordering, //
};

use super::{
    control::Platform,
    registers::{
        Block,
        LEN, //
    },
};
use crate::virtio::{
    bringup::{
        Control,
        RingAddresses, //
    },
    byte_order::Guest,
    feature::FeatureSet,
    legacy::Legacy,
    status::Status,
    transport::{
        bytewise::{
            self,
            Bytewise, //
        },
        registers::Registers, //
    },
};

/// What [`LegacyInterface::queue_max_size`] gives for a queue that is in use.
const IN_USE: u16 = 1;

/// A device of version 1 behind registers in memory.
#[derive(Debug)]
pub struct LegacyInterface<R, P> {
    /// Its registers.
    block: Block<R>,
    /// Bytes of pages, by which places of queues are counted.
    page: u32,
    /// Queues that the device was told of, from the first one on, since they were taken back.
    placed: AtomicU16,
    /// What it stands on.
    pub(super) platform: P,
}

impl<R: Registers, P: Platform> LegacyInterface<R, P> {
    /// The device behind `registers`, which are at least [`LEN`] bytes. Pages have `page` bytes, a
    /// power of two.
    pub fn new(registers: R, page: u32, platform: P) -> Self {
        Self {
            block: Block::new(registers),
            page,
            placed: AtomicU16::new(0),
            platform,
        }
    }

    /// How queues are laid out. The used ring begins on a page, as in the layout that PCI has.
    fn layout(&self) -> Legacy {
        Legacy {
            align: self.page,
            page: self.page,
            fixed_size: false,
        }
    }
}

impl<R: Registers, P: Platform> Control for LegacyInterface<R, P> {
    fn status(&self) -> Option<Status> {
        self.block.status()
    }

    fn set_status(&self, status: Status) {
        self.block.set_status(status);
    }

    fn device_features(&self) -> FeatureSet {
        self.block.first_device_features()
    }

    fn set_driver_features(&self, features: FeatureSet) {
        self.block.set_first_driver_features(features);
        // Each bring-up comes by here, after the reset and before the first queue: a reset may have
        // made the device forget.
        self.block.set_page_size(self.page);
    }

    fn queue_max_size(&self, index: u16) -> u16 {
        let queue = self.block.queue(index);
        // The size is there to be read as long as the queue is not in use. One that is will be asked
        // for by `queue_enabled` next.
        match queue.page() {
            0 => queue.max_size(),
            _ => IN_USE,
        }
    }

    fn queue_enabled(&self, index: u16) -> bool {
        self.block.queue(index).page() != 0
    }

    fn place_queue(&self, index: u16, size: u16, ring: RingAddresses) -> bool {
        let Some(page) = self.layout().page_number(size, ring) else {
            return false;
        };
        let queue = self.block.queue(index);
        // There is no reading it back.
        queue.set_size(size);
        queue.set_alignment(self.page);
        // From here on the device may use the queue.
        queue.set_page(page);
        let placed = index.saturating_add(1);
        self.placed.fetch_max(placed, Ordering::Relaxed);
        true
    }

    fn enable_queue(&self, _index: u16) {
        // It is, since it was placed.
    }

    fn reset_queue(&self, _index: u16) {
        // There is no VIRTIO_F_RING_RESET.
    }

    fn queue_resetting(&self, _index: u16) -> bool {
        false
    }

    fn legacy(&self) -> Option<Legacy> {
        Some(self.layout())
    }

    fn release_queues(&self) {
        for index in 0..self.placed.swap(0, Ordering::Relaxed) {
            self.block.queue(index).set_page(0);
        }
    }

    fn millis(&self) -> u64 {
        self.platform.millis()
    }

    fn pause(&self) {
        self.platform.pause();
    }
}

impl<R: Registers, P: Platform> bytewise::Legacy for LegacyInterface<R, P> {
    type Registers = R;
    type Machine = Guest;

    fn fields(&self) -> Bytewise<'_, R> {
        Bytewise::new(self.block.registers(), LEN)
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Bringing up a device by its legacy interface (VIRTIO 1.4, 3.1.2 and 4.1.5.1.3.1), and its
//! configuration.

use core::{
    marker::PhantomData,
    sync::atomic::{
        AtomicU32,
        Ordering, //
    }, //
};

use super::{
    super::vectors::VectorRegisters,
    block::{
        Block,
        RINGS, //
    }, //
};
use crate::virtio::{
    bringup::{
        Control,
        RingAddresses, //
    },
    byte_order::{
        Guest,
        Machine, //
    },
    feature::FeatureSet,
    legacy::Legacy,
    status::Status,
    transport::{
        bytewise::{
            self,
            Bytewise, //
        },
        registers::Registers, //
    }, //
};

/// What a device stands on.
pub trait Function {
    /// Whether MSI-X is enabled.
    fn has_msix(&self) -> bool;

    /// Milliseconds since some time.
    fn millis(&self) -> u64;

    /// Waits for about a millisecond.
    fn pause(&self);
}

/// A device behind its legacy interface, and the function that has it.
#[derive(Debug)]
pub struct Interface<R, F, M = Guest> {
    /// The registers.
    block: Block<R>,
    /// What the device stands on.
    pub(super) function: F,
    /// How many queues have been placed, at most, since the last reset.
    placed: AtomicU32,
    /// Whose order of bytes the configuration has.
    machine: PhantomData<fn() -> M>,
}

impl<R: Registers, F: Function, M: Machine> Interface<R, F, M> {
    /// The device behind `registers`.
    pub fn new(registers: R, function: F) -> Self {
        Self {
            block: Block::new(registers),
            function,
            placed: AtomicU32::new(0),
            machine: PhantomData,
        }
    }

    /// The registers.
    pub fn block(&self) -> &Block<R> {
        &self.block
    }
}

impl<R: Registers, F: Function, M: Machine> Control for Interface<R, F, M> {
    fn status(&self) -> Option<Status> {
        self.block.status()
    }

    fn set_status(&self, status: Status) {
        self.block.set_status(status);
    }

    fn device_features(&self) -> FeatureSet {
        self.block.device_features()
    }

    fn set_driver_features(&self, features: FeatureSet) {
        self.block.set_driver_features(features);
    }

    fn queue_max_size(&self, index: u16) -> u16 {
        self.block.queue(index).size()
    }

    fn queue_enabled(&self, index: u16) -> bool {
        self.block.queue(index).page() != 0
    }

    fn place_queue(&self, index: u16, size: u16, ring: RingAddresses) -> bool {
        let queue = self.block.queue(index);
        let Some(number) = RINGS.page_number(size, ring) else {
            return false;
        };
        // The device knows no other one.
        if queue.size() != size {
            return false;
        }
        let count = u32::from(index).saturating_add(1);
        self.placed.fetch_max(count, Ordering::Relaxed);
        queue.set_page(number);
        true
    }

    fn enable_queue(&self, _index: u16) {
        // It was, when it was placed.
    }

    fn reset_queue(&self, _index: u16) {
        // Nobody has accepted VIRTIO_F_RING_RESET.
    }

    fn queue_resetting(&self, _index: u16) -> bool {
        false
    }

    fn legacy(&self) -> Option<Legacy> {
        Some(RINGS)
    }

    fn release_queues(&self) {
        let placed = self.placed.swap(0, Ordering::Relaxed);
        for index in 0..u16::try_from(placed).unwrap_or(u16::MAX) {
            self.block.queue(index).set_page(0);
        }
    }

    fn millis(&self) -> u64 {
        self.function.millis()
    }

    fn pause(&self) {
        self.function.pause();
    }
}

impl<R: Registers, F: Function, M: Machine> VectorRegisters for Interface<R, F, M> {
    fn are_there(&self) -> bool {
        self.function.has_msix()
    }

    fn set_config(&self, vector: u16) -> bool {
        self.block.set_config_vector(vector)
    }

    fn set_queue(&self, index: u16, vector: u16) -> bool {
        self.block.queue(index).set_vector(vector)
    }
}

impl<R: Registers, F: Function, M: Machine> bytewise::Legacy for Interface<R, F, M> {
    type Registers = R;
    type Machine = M;

    /// The configuration moves when MSI-X is enabled or disabled.
    fn fields(&self) -> Bytewise<'_, R, M> {
        self.block.config(self.function.has_msix())
    }
}

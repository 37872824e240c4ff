// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Bringing up a device by its control registers (VIRTIO 1.4, 4.2.3), and its configuration space.

use super::registers::{
    Block,
    LEN, //
};
use crate::virtio::{
    bringup::{
        Control,
        RingAddresses, //
    },
    config::ConfigAccess,
    feature::{
        transport,
        FeatureSet, //
    },
    status::Status,
    transport::{
        features::ANY_TRANSPORT,
        registers::Registers, //
    },
};

/// Features that can be accepted from a device: those that any transport can have, and those that its
/// registers are for. There is none for NOTIF_CONFIG_DATA, and ADMIN_VQ and SR_IOV belong to PCI
/// (VIRTIO 1.4, 4.2.5).
pub const SUPPORTED: FeatureSet = ANY_TRANSPORT
    .with(transport::NOTIFICATION_DATA)
    .with(transport::RING_RESET);

/// What a device stands on.
pub trait Platform {
    /// Milliseconds since some time.
    fn millis(&self) -> u64;

    /// Waits for about a millisecond.
    fn pause(&self);
}

/// A device behind registers in memory.
#[derive(Debug)]
pub struct Interface<R, P> {
    /// Its registers.
    block: Block<R>,
    /// What it stands on.
    pub(super) platform: P,
}

impl<R: Registers, P: Platform> Interface<R, P> {
    /// The device behind `registers`, which are at least [`LEN`] bytes.
    pub fn new(registers: R, platform: P) -> Self {
        Self {
            block: Block::new(registers),
            platform,
        }
    }

    /// The control registers.
    pub fn block(&self) -> &Block<R> {
        &self.block
    }

    /// Where in the registers the field at `offset` of the configuration space is. What overflows is
    /// beyond the end of them.
    fn place(offset: usize) -> usize {
        offset.saturating_add(LEN)
    }
}

impl<R: Registers, P: Platform> Control for Interface<R, P> {
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
        self.block.queue(index).max_size()
    }

    fn queue_enabled(&self, index: u16) -> bool {
        self.block.queue(index).is_ready()
    }

    fn place_queue(&self, index: u16, size: u16, ring: RingAddresses) -> bool {
        let queue = self.block.queue(index);
        // There is no reading it back.
        queue.set_size(size);
        queue.place(ring);
        true
    }

    fn enable_queue(&self, index: u16) {
        self.block.queue(index).make_ready();
    }

    fn reset_queue(&self, index: u16) {
        self.block.queue(index).reset();
    }

    fn queue_resetting(&self, index: u16) -> bool {
        self.block.queue(index).is_resetting()
    }

    fn millis(&self) -> u64 {
        self.platform.millis()
    }

    fn pause(&self) {
        self.platform.pause();
    }
}

impl<R: Registers, P: Platform> ConfigAccess for Interface<R, P> {
    fn len(&self) -> usize {
        self.block.registers().len().saturating_sub(LEN)
    }

    fn generation(&self) -> u32 {
        self.block.generation()
    }

    fn read8(&self, offset: usize) -> u8 {
        self.block.registers().read8(Self::place(offset))
    }

    fn read16(&self, offset: usize) -> u16 {
        self.block.registers().read16(Self::place(offset))
    }

    fn read32(&self, offset: usize) -> u32 {
        self.block.registers().read32(Self::place(offset))
    }

    fn write8(&self, offset: usize, value: u8) {
        self.block.registers().write8(Self::place(offset), value);
    }

    fn write16(&self, offset: usize, value: u16) {
        self.block.registers().write16(Self::place(offset), value);
    }

    fn write32(&self, offset: usize, value: u32) {
        self.block.registers().write32(Self::place(offset), value);
    }
}

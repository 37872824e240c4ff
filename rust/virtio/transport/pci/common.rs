// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The common configuration structure (VIRTIO 1.4, 4.1.4.3).

use crate::pci::Mapping;

/// "No vector" in the vector registers.
pub(super) const NO_VECTOR: u16 = 0xffff;

/// Offsets of the registers.
mod reg {
    pub(super) const DEVICE_FEATURE_SELECT: usize = 0x00;
    pub(super) const DEVICE_FEATURE: usize = 0x04;
    pub(super) const DRIVER_FEATURE_SELECT: usize = 0x08;
    pub(super) const DRIVER_FEATURE: usize = 0x0c;
    pub(super) const CONFIG_MSIX_VECTOR: usize = 0x10;
    pub(super) const NUM_QUEUES: usize = 0x12;
    pub(super) const DEVICE_STATUS: usize = 0x14;
    pub(super) const CONFIG_GENERATION: usize = 0x15;
    pub(super) const QUEUE_SELECT: usize = 0x16;
    pub(super) const QUEUE_SIZE: usize = 0x18;
    pub(super) const QUEUE_MSIX_VECTOR: usize = 0x1a;
    pub(super) const QUEUE_ENABLE: usize = 0x1c;
    pub(super) const QUEUE_NOTIFY_OFF: usize = 0x1e;
    pub(super) const QUEUE_DESC: usize = 0x20;
    pub(super) const QUEUE_DRIVER: usize = 0x28;
    pub(super) const QUEUE_DEVICE: usize = 0x30;
}

/// The mapped structure.
///
/// Each register is accessed with its own width, 64-bit ones as two 32-bit halves (VIRTIO 1.4,
/// 4.1.3.1). Registers of a queue are those of the queue selected last; as only the single thread
/// that probes or removes a device touches them, selecting and accessing need no lock.
pub(super) struct CommonConfig(Mapping);

impl CommonConfig {
    /// Length of the structure in every version of the standard.
    pub(super) const LEN: u64 = 56;

    /// Wraps the mapped structure.
    pub(super) fn new(mapping: Mapping) -> Self {
        Self(mapping)
    }

    /// Word `select` of the features that the device offers.
    pub(super) fn device_feature(&self, select: u32) -> u32 {
        self.0.write32(reg::DEVICE_FEATURE_SELECT, select);
        self.0.read32(reg::DEVICE_FEATURE)
    }

    /// Accepts word `select` of the features.
    pub(super) fn set_driver_feature(&self, select: u32, bits: u32) {
        self.0.write32(reg::DRIVER_FEATURE_SELECT, select);
        self.0.write32(reg::DRIVER_FEATURE, bits);
    }

    /// Sets the vector of configuration changes; whether the device took it.
    pub(super) fn set_config_vector(&self, vector: u16) -> bool {
        self.0.write16(reg::CONFIG_MSIX_VECTOR, vector);
        self.0.read16(reg::CONFIG_MSIX_VECTOR) == vector
    }

    /// Number of queues.
    pub(super) fn num_queues(&self) -> u16 {
        self.0.read16(reg::NUM_QUEUES)
    }

    /// The status byte.
    pub(super) fn status(&self) -> u8 {
        self.0.read8(reg::DEVICE_STATUS)
    }

    /// Writes the status byte.
    pub(super) fn set_status(&self, status: u8) {
        self.0.write8(reg::DEVICE_STATUS, status);
    }

    /// The generation of the device configuration.
    pub(super) fn generation(&self) -> u8 {
        self.0.read8(reg::CONFIG_GENERATION)
    }

    /// The registers of queue `index`.
    pub(super) fn queue(&self, index: u16) -> QueueConfig<'_> {
        self.0.write16(reg::QUEUE_SELECT, index);
        QueueConfig(&self.0)
    }
}

/// The registers of the selected queue.
pub(super) struct QueueConfig<'a>(&'a Mapping);

impl QueueConfig<'_> {
    /// The size: at first the largest that the device supports, 0 when there is no such queue.
    pub(super) fn size(&self) -> u16 {
        self.0.read16(reg::QUEUE_SIZE)
    }

    /// Chooses a size; whether the device took it.
    pub(super) fn set_size(&self, size: u16) -> bool {
        self.0.write16(reg::QUEUE_SIZE, size);
        self.0.read16(reg::QUEUE_SIZE) == size
    }

    /// Sets the vector; whether the device took it.
    pub(super) fn set_vector(&self, vector: u16) -> bool {
        self.0.write16(reg::QUEUE_MSIX_VECTOR, vector);
        self.0.read16(reg::QUEUE_MSIX_VECTOR) == vector
    }

    /// Whether the queue is enabled.
    pub(super) fn enabled(&self) -> bool {
        self.0.read16(reg::QUEUE_ENABLE) != 0
    }

    /// Enables the queue.
    pub(super) fn enable(&self) {
        self.0.write16(reg::QUEUE_ENABLE, 1);
    }

    /// Where in the notification structure the doorbell is.
    pub(super) fn notify_off(&self) -> u16 {
        self.0.read16(reg::QUEUE_NOTIFY_OFF)
    }

    /// Places the descriptor area.
    pub(super) fn set_desc(&self, address: u64) {
        self.write64(reg::QUEUE_DESC, address);
    }

    /// Places the driver area.
    pub(super) fn set_driver(&self, address: u64) {
        self.write64(reg::QUEUE_DRIVER, address);
    }

    /// Places the device area.
    pub(super) fn set_device(&self, address: u64) {
        self.write64(reg::QUEUE_DEVICE, address);
    }

    /// Writes a 64-bit register as two halves, low one first.
    fn write64(&self, offset: usize, value: u64) {
        // CAST: The two halves of the value.
        self.0.write32(offset, value as u32);
        self.0.write32(offset + 4, (value >> 32) as u32);
    }
}

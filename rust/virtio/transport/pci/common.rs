// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The common configuration structure (VIRTIO 1.4, 4.1.4.3).

pub use crate::virtio::transport::registers::Registers;
use crate::virtio::{
    bringup::RingAddresses,
    feature::FeatureSet,
    status::Status, //
};

/// "No vector" in the vector registers.
pub const NO_VECTOR: u16 = 0xffff;

/// Offsets of the registers.
mod reg {
    /// Which word of the device's features is shown.
    pub(super) const DEVICE_FEATURE_SELECT: usize = 0x00;
    /// Features that the device offers.
    pub(super) const DEVICE_FEATURE: usize = 0x04;
    /// Which word of the driver's features is written.
    pub(super) const DRIVER_FEATURE_SELECT: usize = 0x08;
    /// Features that the driver accepts.
    pub(super) const DRIVER_FEATURE: usize = 0x0c;
    /// Vector of configuration changes.
    pub(super) const CONFIG_MSIX_VECTOR: usize = 0x10;
    /// Number of queues.
    pub(super) const NUM_QUEUES: usize = 0x12;
    /// Device status.
    pub(super) const DEVICE_STATUS: usize = 0x14;
    /// Generation of the device configuration.
    pub(super) const CONFIG_GENERATION: usize = 0x15;
    /// Which queue the registers below are of.
    pub(super) const QUEUE_SELECT: usize = 0x16;
    /// Its size.
    pub(super) const QUEUE_SIZE: usize = 0x18;
    /// Its vector.
    pub(super) const QUEUE_MSIX_VECTOR: usize = 0x1a;
    /// Whether it is enabled.
    pub(super) const QUEUE_ENABLE: usize = 0x1c;
    /// Where it is notified.
    pub(super) const QUEUE_NOTIFY_OFF: usize = 0x1e;
    /// Its descriptor area.
    pub(super) const QUEUE_DESC: usize = 0x20;
    /// Its driver area.
    pub(super) const QUEUE_DRIVER: usize = 0x28;
    /// Its device area.
    pub(super) const QUEUE_DEVICE: usize = 0x30;
    /// What it is notified with.
    pub(super) const QUEUE_NOTIF_CONFIG_DATA: usize = 0x38;
    /// Whether it is being reset.
    pub(super) const QUEUE_RESET: usize = 0x3a;
}

/// The structure.
///
/// Each register is accessed with its own width, 64-bit ones as two 32-bit halves (VIRTIO 1.4,
/// 4.1.3.1). Registers of a queue are those of the queue selected last: whoever uses them holds the
/// lock of the device's life cycle, or is the only one yet to know the device.
#[derive(Debug)]
pub struct CommonConfig<R>(R);

impl<R: Registers> CommonConfig<R> {
    /// Length of the structure with all registers that are of use here. Older devices have less.
    pub const LEN: u64 = 60;

    /// Wraps the structure.
    pub fn new(registers: R) -> Self {
        Self(registers)
    }

    /// Whether there is a register of 16 bits at `offset`.
    fn has(&self, offset: usize) -> bool {
        offset.checked_add(2).is_some_and(|end| end <= self.0.len())
    }

    /// Whether the device can be asked to reset single queues: the register is there.
    pub fn has_queue_reset(&self) -> bool {
        self.has(reg::QUEUE_RESET)
    }

    /// Whether the device can say what to notify it with: the register is there.
    pub fn has_notif_config_data(&self) -> bool {
        self.has(reg::QUEUE_NOTIF_CONFIG_DATA)
    }

    /// Features that the device offers.
    pub fn device_features(&self) -> FeatureSet {
        FeatureSet::from_words([0, 1, 2, 3].map(|select| {
            self.0.write32(reg::DEVICE_FEATURE_SELECT, select);
            self.0.read32(reg::DEVICE_FEATURE)
        }))
    }

    /// Accepts features.
    pub fn set_driver_features(&self, features: FeatureSet) {
        for (select, bits) in (0..).zip(features.words()) {
            self.0.write32(reg::DRIVER_FEATURE_SELECT, select);
            self.0.write32(reg::DRIVER_FEATURE, bits);
        }
    }

    /// Sets the vector of configuration changes; whether the device took it.
    pub fn set_config_vector(&self, vector: u16) -> bool {
        self.0.write16(reg::CONFIG_MSIX_VECTOR, vector);
        self.0.read16(reg::CONFIG_MSIX_VECTOR) == vector
    }

    /// Number of queues.
    pub fn num_queues(&self) -> u16 {
        self.0.read16(reg::NUM_QUEUES)
    }

    /// The device status; [`None`] when the device is gone.
    pub fn status(&self) -> Option<Status> {
        let status = Status::from_bits(self.0.read8(reg::DEVICE_STATUS));
        (!status.is_gone()).then_some(status)
    }

    /// Writes the device status.
    pub fn set_status(&self, status: Status) {
        self.0.write8(reg::DEVICE_STATUS, status.bits());
    }

    /// The generation of the device configuration.
    pub fn generation(&self) -> u8 {
        self.0.read8(reg::CONFIG_GENERATION)
    }

    /// The registers of queue `index`.
    pub fn queue(&self, index: u16) -> QueueConfig<'_, R> {
        self.0.write16(reg::QUEUE_SELECT, index);
        QueueConfig(&self.0)
    }
}

/// The registers of the selected queue.
#[derive(Debug)]
pub struct QueueConfig<'a, R>(&'a R);

impl<R: Registers> QueueConfig<'_, R> {
    /// The size: at first the largest that the device supports, 0 when there is no such queue.
    pub fn size(&self) -> u16 {
        self.0.read16(reg::QUEUE_SIZE)
    }

    /// Chooses a size; whether the device took it.
    pub fn set_size(&self, size: u16) -> bool {
        self.0.write16(reg::QUEUE_SIZE, size);
        self.0.read16(reg::QUEUE_SIZE) == size
    }

    /// Sets the vector; whether the device took it.
    pub fn set_vector(&self, vector: u16) -> bool {
        self.0.write16(reg::QUEUE_MSIX_VECTOR, vector);
        self.0.read16(reg::QUEUE_MSIX_VECTOR) == vector
    }

    /// Whether the queue is enabled.
    pub fn enabled(&self) -> bool {
        self.0.read16(reg::QUEUE_ENABLE) != 0
    }

    /// Enables the queue.
    pub fn enable(&self) {
        self.0.write16(reg::QUEUE_ENABLE, 1);
    }

    /// Where in the notification structure the doorbell is.
    pub fn notify_off(&self) -> u16 {
        self.0.read16(reg::QUEUE_NOTIFY_OFF)
    }

    /// Places the ring.
    pub fn place(&self, ring: RingAddresses) {
        self.write64(reg::QUEUE_DESC, ring.descriptor);
        self.write64(reg::QUEUE_DRIVER, ring.driver);
        self.write64(reg::QUEUE_DEVICE, ring.device);
    }

    /// What to notify the queue with, with VIRTIO_F_NOTIF_CONFIG_DATA.
    pub fn notif_config_data(&self) -> u16 {
        self.0.read16(reg::QUEUE_NOTIF_CONFIG_DATA)
    }

    /// Asks for a reset of the queue, with VIRTIO_F_RING_RESET.
    pub fn reset(&self) {
        self.0.write16(reg::QUEUE_RESET, 1);
    }

    /// Whether a reset of the queue goes on.
    pub fn is_resetting(&self) -> bool {
        self.0.read16(reg::QUEUE_RESET) != 0
    }

    /// Writes a 64-bit register as two halves, low one first.
    fn write64(&self, offset: usize, value: u64) {
        // CAST: The two halves of the value; what does not fit has been masked or shifted out.
        self.0.write32(offset, (value & 0xffff_ffff) as u32);
        self.0.write32(offset.wrapping_add(4), (value >> 32) as u32);
    }
}

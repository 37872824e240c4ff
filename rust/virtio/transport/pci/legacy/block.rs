// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The registers of the legacy interface, at the beginning of BAR 0 (VIRTIO 1.4, 4.1.4.10).

use crate::virtio::{
    byte_order::Machine,
    feature::FeatureSet,
    legacy::Legacy,
    status::Status,
    transport::{
        bytewise::Bytewise,
        registers::Registers, //
    }, //
};

/// How a device finds rings (VIRTIO 1.4, 4.1.5.1.3.1).
pub const RINGS: Legacy = Legacy {
    align: 4096,
    page: 4096,
    fixed_size: true,
};

/// Offsets of the registers.
mod reg {
    /// Features that the device offers.
    pub(super) const DEVICE_FEATURES: usize = 0x00;
    /// Features that the driver accepts.
    pub(super) const DRIVER_FEATURES: usize = 0x04;
    /// The page of the selected queue.
    pub(super) const QUEUE_ADDRESS: usize = 0x08;
    /// Its size.
    pub(super) const QUEUE_SIZE: usize = 0x0c;
    /// Which queue the others are of.
    pub(super) const QUEUE_SELECT: usize = 0x0e;
    /// The doorbell of all queues.
    pub(super) const QUEUE_NOTIFY: usize = 0x10;
    /// Device status.
    pub(super) const STATUS: usize = 0x12;
    /// ISR status.
    pub(super) const ISR: usize = 0x13;
    /// Vector of configuration changes, while MSI-X is enabled.
    pub(super) const CONFIG_VECTOR: usize = 0x14;
    /// Vector of the selected queue, while MSI-X is enabled.
    pub(super) const QUEUE_VECTOR: usize = 0x16;
}

/// Where the doorbell of all queues is, which is of 16 bits.
pub const DOORBELL: usize = reg::QUEUE_NOTIFY;

/// Where the ISR status is, which is a byte.
pub const ISR: usize = reg::ISR;

/// Where the configuration of the device's type begins: behind the registers, of which there are two
/// more while MSI-X is enabled.
pub const fn config(msix: bool) -> usize {
    match msix {
        true => 24,
        false => 20,
    }
}

/// Whether a BAR of so many bytes, if it is there at all, has room for the registers: all of them, as
/// MSI-X is enabled if it can be.
pub fn fits(length: Option<u64>) -> bool {
    length
        .and_then(|length| usize::try_from(length).ok())
        .is_some_and(|length| length >= config(true))
}

/// The registers, and the configuration behind them.
///
/// Each is accessed with its own width. Those of a queue are those of the queue selected last: whoever
/// uses them holds the lock of the device's life cycle, or is the only one yet to know the device.
#[derive(Debug)]
pub struct Block<R>(R);

impl<R: Registers> Block<R> {
    /// Wraps registers that are at least `config(true)` bytes.
    pub fn new(registers: R) -> Self {
        Self(registers)
    }

    /// Features that the device offers.
    pub fn device_features(&self) -> FeatureSet {
        FeatureSet::from_words([self.0.read32(reg::DEVICE_FEATURES), 0, 0, 0])
    }

    /// Accepts features, of which there are 32.
    pub fn set_driver_features(&self, features: FeatureSet) {
        let [bits, ..] = features.words();
        self.0.write32(reg::DRIVER_FEATURES, bits);
    }

    /// The device status; [`None`] when the device is gone.
    pub fn status(&self) -> Option<Status> {
        let status = Status::from_bits(self.0.read8(reg::STATUS));
        (!status.is_gone()).then_some(status)
    }

    /// Writes the device status.
    pub fn set_status(&self, status: Status) {
        self.0.write8(reg::STATUS, status.bits());
    }

    /// Sets the vector of configuration changes, while MSI-X is enabled; whether the device took it.
    pub fn set_config_vector(&self, vector: u16) -> bool {
        self.0.write16(reg::CONFIG_VECTOR, vector);
        self.0.read16(reg::CONFIG_VECTOR) == vector
    }

    /// The registers of queue `index`.
    pub fn queue(&self, index: u16) -> QueueBlock<'_, R> {
        self.0.write16(reg::QUEUE_SELECT, index);
        QueueBlock(&self.0)
    }

    /// The configuration of the device's type.
    pub fn config<M: Machine>(&self, msix: bool) -> Bytewise<'_, R, M> {
        Bytewise::new(&self.0, config(msix))
    }
}

/// The registers of the selected queue.
#[derive(Debug)]
pub struct QueueBlock<'a, R>(&'a R);

impl<R: Registers> QueueBlock<'_, R> {
    /// The size, 0 when there is no such queue. It is the device's choice.
    pub fn size(&self) -> u16 {
        self.0.read16(reg::QUEUE_SIZE)
    }

    /// The number of the page at which the ring begins, 0 when the queue is not in use.
    pub fn page(&self) -> u32 {
        self.0.read32(reg::QUEUE_ADDRESS)
    }

    /// Says where the ring is, which the device may use from then on; 0 that there is none.
    pub fn set_page(&self, number: u32) {
        self.0.write32(reg::QUEUE_ADDRESS, number);
    }

    /// Sets the vector, while MSI-X is enabled; whether the device took it.
    pub fn set_vector(&self, vector: u16) -> bool {
        self.0.write16(reg::QUEUE_VECTOR, vector);
        self.0.read16(reg::QUEUE_VECTOR) == vector
    }
}

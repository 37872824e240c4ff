// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What tells a device that a queue has new buffers (VIRTIO 1.4, 4.1.5.2 and 4.2.3.3).

use super::registers::Registers;
use crate::virtio::feature::{
    transport,
    FeatureSet, //
};

/// The doorbell of one queue, and what to write to it.
///
/// | transport | NOTIFICATION_DATA | NOTIF_CONFIG_DATA | what is written                             |
/// | --------- | ----------------- | ----------------- | ------------------------------------------- |
/// | PCI       | no                | no                | 16 bits: index of the queue                 |
/// | PCI       | no                | yes               | 16 bits: `queue_notif_config_data`          |
/// | PCI       | yes               | no                | 32 bits: index, then how far the ring is filled |
/// | PCI       | yes               | yes               | 32 bits: `queue_notif_config_data`, then how far |
/// | MMIO      | no                |                   | 32 bits: index of the queue                 |
/// | MMIO      | yes               |                   | 32 bits: index, then how far the ring is filled |
#[derive(Debug)]
pub struct Doorbell<R> {
    /// Begin with the doorbell.
    registers: R,
    /// The lower 16 bits.
    value: u16,
    /// What is kept of how far the ring is filled, in a doorbell of 32 bits.
    wide: Option<u16>,
}

impl<R: Registers> Doorbell<R> {
    /// The doorbell at the beginning of `registers`, which is of 16 bits, or of 32 with
    /// NOTIFICATION_DATA.
    pub fn new(registers: R, value: u16, features: FeatureSet) -> Self {
        Self {
            registers,
            value,
            wide: features
                .contains(transport::NOTIFICATION_DATA)
                .then_some(u16::MAX),
        }
    }

    /// The doorbell at the beginning of `registers`, which is of 32 bits with any features.
    pub fn wide(registers: R, value: u16, features: FeatureSet) -> Self {
        Self {
            wide: Some(match features.contains(transport::NOTIFICATION_DATA) {
                true => u16::MAX,
                false => 0,
            }),
            registers,
            value,
        }
    }

    /// Notifies the device that the ring is filled up to `data`, which is the upper half of what
    /// NOTIFICATION_DATA has a driver write.
    #[inline]
    pub fn ring(&self, data: u16) {
        if let Some(kept) = self.wide {
            let word = u32::from(self.value) | u32::from(data & kept) << 16;
            self.registers.write32(0, word);
        } else {
            self.registers.write16(0, self.value);
        }
    }
}

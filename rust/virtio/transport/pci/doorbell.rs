// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The doorbell of a queue (VIRTIO 1.4, 4.1.4.4 and 4.1.5.2).

use super::common::{
    QueueConfig,
    Registers, //
};
use crate::virtio::feature::{
    transport,
    FeatureSet, //
};

/// The doorbell of one queue, and what to write to it.
///
/// | NOTIFICATION_DATA | NOTIF_CONFIG_DATA | what is written                                      |
/// | ----------------- | ----------------- | ---------------------------------------------------- |
/// | no                | no                | 16 bits: index of the queue                          |
/// | no                | yes               | 16 bits: `queue_notif_config_data`                   |
/// | yes               | no                | 32 bits: index, then how far the ring is filled      |
/// | yes               | yes               | 32 bits: `queue_notif_config_data`, then how far     |
#[derive(Debug)]
pub struct Doorbell<R> {
    registers: R,
    /// The lower 16 bits.
    value: u16,
    /// With NOTIFICATION_DATA.
    with_data: bool,
}

impl<R: Registers> Doorbell<R> {
    /// The doorbell at the beginning of `registers`, which are [`width`] bytes. `value` is what
    /// [`value`] says.
    pub fn new(registers: R, value: u16, features: FeatureSet) -> Self {
        Self {
            registers,
            value,
            with_data: features.contains(transport::NOTIFICATION_DATA),
        }
    }

    /// Notifies the device that the ring is filled up to `data`, which is the upper half of what
    /// NOTIFICATION_DATA has a driver write.
    #[inline]
    pub fn ring(&self, data: u16) {
        if self.with_data {
            let word = u32::from(self.value) | u32::from(data) << 16;
            self.registers.write32(0, word);
        } else {
            self.registers.write16(0, self.value);
        }
    }
}

/// What a doorbell is rung with in its lower half: that of queue `index`, whose registers these are.
pub fn value<R: Registers>(queue: &QueueConfig<'_, R>, index: u16, features: FeatureSet) -> u16 {
    if features.contains(transport::NOTIF_CONFIG_DATA) {
        queue.notif_config_data()
    } else {
        index
    }
}

/// Bytes of a doorbell.
pub fn width(features: FeatureSet) -> u8 {
    if features.contains(transport::NOTIFICATION_DATA) {
        4
    } else {
        2
    }
}

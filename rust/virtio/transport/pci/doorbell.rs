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
pub use crate::virtio::transport::doorbell::Doorbell;

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

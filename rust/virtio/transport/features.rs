// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Features of rings and of the transport that can be accepted from a device behind any transport, by
//! either interface.

use crate::virtio::feature::{
    transport,
    FeatureSet, //
};

/// Those that need nothing of the device but that it offers them.
pub const ANY_TRANSPORT: FeatureSet = FeatureSet::of(&[
    transport::INDIRECT_DESC,
    transport::EVENT_IDX,
    transport::VERSION_1,
    transport::ACCESS_PLATFORM,
    transport::RING_PACKED,
    transport::IN_ORDER,
    transport::ORDER_PLATFORM,
    transport::SUSPEND,
]);

/// Those that can be accepted by the legacy interface (VIRTIO 1.4, 6.3). NOTIFY_ON_EMPTY would be of
/// no use: nobody here waits for a ring to be empty. Bit 30 is a trap.
pub const LEGACY: FeatureSet = FeatureSet::of(&[
    transport::ANY_LAYOUT,
    transport::INDIRECT_DESC,
    transport::EVENT_IDX,
]);

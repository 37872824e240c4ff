// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Features of rings and of the transport that can be accepted from a device behind PCI.

use super::{
    capability::Notify,
    common::{
        CommonConfig,
        Registers, //
    },
};
use crate::virtio::{
    feature::{
        transport,
        FeatureSet, //
    },
    transport::features::ANY_TRANSPORT, //
};

/// What can be accepted. A feature that comes with a register is left alone if the register is not
/// there, NOTIFICATION_DATA if a doorbell of 32 bits can not be (VIRTIO 1.4, 4.1.4.4.1), and SR_IOV
/// unless the function has that capability (6.1).
pub fn supported<R: Registers>(
    common: &CommonConfig<R>,
    notify: &Notify,
    has_sriov: bool,
) -> FeatureSet {
    let mut features = ANY_TRANSPORT;
    if has_sriov {
        features = features.with(transport::SR_IOV);
    }
    if common.has_queue_reset() {
        features = features.with(transport::RING_RESET);
    }
    if common.has_notif_config_data() {
        features = features.with(transport::NOTIF_CONFIG_DATA);
    }
    if notify.has_room_for_data() {
        features = features.with(transport::NOTIFICATION_DATA);
    }
    features
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Which features depend on which.

use super::{
    block,
    net,
    transport,
    Feature,
    FeatureSet, //
};

/// What a feature needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// All of these features.
    All(FeatureSet),
    /// One of these features, or more.
    Any(FeatureSet),
}

/// That a feature depends on others. With several for one feature, all must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The feature.
    pub feature: Feature,
    /// What it needs.
    pub needs: Needs,
}

impl Dependency {
    /// `feature` needs all of `features`.
    pub const fn all(feature: Feature, features: &[Feature]) -> Self {
        Self {
            feature,
            needs: Needs::All(FeatureSet::of(features)),
        }
    }

    /// `feature` needs any of `features`.
    pub const fn any(feature: Feature, features: &[Feature]) -> Self {
        Self {
            feature,
            needs: Needs::Any(FeatureSet::of(features)),
        }
    }

    /// Whether nothing is missing for the feature in `set`, or it is not there.
    pub const fn holds(&self, set: FeatureSet) -> bool {
        if !set.contains(self.feature) {
            return true;
        }
        match self.needs {
            Needs::All(needed) => set.contains_all(needed),
            Needs::Any(needed) => !set.intersection(needed).is_empty(),
        }
    }
}

/// `feature` needs all of those that follow.
macro_rules! all {
    ($($feature:expr => $($needed:expr),+;)*) => {
        &[$(Dependency::all($feature, &[$($needed),+])),*]
    };
}

/// Rings and transports: what the legacy interface does not have.
pub(super) const TRANSPORT: &[Dependency] = all! {
    transport::ACCESS_PLATFORM => transport::VERSION_1;
    transport::RING_PACKED => transport::VERSION_1;
    transport::IN_ORDER => transport::VERSION_1;
    transport::ORDER_PLATFORM => transport::VERSION_1;
    transport::SR_IOV => transport::VERSION_1;
    transport::NOTIFICATION_DATA => transport::VERSION_1;
    transport::NOTIF_CONFIG_DATA => transport::VERSION_1;
    transport::RING_RESET => transport::VERSION_1;
    transport::ADMIN_VQ => transport::VERSION_1;
    transport::SUSPEND => transport::VERSION_1;
};

/// Network devices.
pub(super) const NET: &[Dependency] = &[
    Dependency::all(net::CTRL_GUEST_OFFLOADS, &[net::CTRL_VQ]),
    Dependency::all(net::GUEST_TSO4, &[net::GUEST_CSUM]),
    Dependency::all(net::GUEST_TSO6, &[net::GUEST_CSUM]),
    Dependency::any(net::GUEST_ECN, &[net::GUEST_TSO4, net::GUEST_TSO6]),
    Dependency::all(net::GUEST_UFO, &[net::GUEST_CSUM]),
    Dependency::all(net::HOST_TSO4, &[net::CSUM]),
    Dependency::all(net::HOST_TSO6, &[net::CSUM]),
    Dependency::any(net::HOST_ECN, &[net::HOST_TSO4, net::HOST_TSO6]),
    Dependency::all(net::HOST_UFO, &[net::CSUM]),
    Dependency::all(net::CTRL_RX, &[net::CTRL_VQ]),
    Dependency::all(net::CTRL_VLAN, &[net::CTRL_VQ]),
    Dependency::all(net::CTRL_RX_EXTRA, &[net::CTRL_VQ]),
    Dependency::all(net::GUEST_ANNOUNCE, &[net::CTRL_VQ]),
    Dependency::all(net::MQ, &[net::CTRL_VQ]),
    Dependency::all(net::CTRL_MAC_ADDR, &[net::CTRL_VQ]),
    Dependency::all(net::DEVICE_STATS, &[net::CTRL_VQ]),
    Dependency::all(net::HASH_TUNNEL, &[net::CTRL_VQ]),
    Dependency::any(net::HASH_TUNNEL, &[net::RSS, net::HASH_REPORT]),
    Dependency::all(net::VQ_NOTF_COAL, &[net::CTRL_VQ]),
    Dependency::all(net::NOTF_COAL, &[net::CTRL_VQ]),
    Dependency::all(net::GUEST_USO4, &[net::GUEST_CSUM]),
    Dependency::all(net::GUEST_USO6, &[net::GUEST_CSUM]),
    Dependency::all(net::HOST_USO, &[net::CSUM]),
    Dependency::all(net::HASH_REPORT, &[net::CTRL_VQ]),
    Dependency::all(net::RSS, &[net::CTRL_VQ]),
    Dependency::any(net::RSC_EXT, &[net::HOST_TSO4, net::HOST_TSO6]),
    Dependency::all(net::RSS_CONTEXT, &[net::CTRL_VQ, net::RSS]),
    Dependency::all(
        net::GUEST_UDP_TUNNEL_GSO,
        &[
            net::GUEST_TSO4,
            net::GUEST_TSO6,
            net::GUEST_USO4,
            net::GUEST_USO6,
        ],
    ),
    Dependency::all(net::GUEST_UDP_TUNNEL_GSO_CSUM, &[net::GUEST_UDP_TUNNEL_GSO]),
    Dependency::all(
        net::HOST_UDP_TUNNEL_GSO,
        &[net::HOST_TSO4, net::HOST_TSO6, net::HOST_USO],
    ),
    Dependency::all(net::HOST_UDP_TUNNEL_GSO_CSUM, &[net::HOST_UDP_TUNNEL_GSO]),
];

/// Block devices.
pub(super) const BLOCK: &[Dependency] = &[
    // The device has to offer both. With a cache that the driver can turn on but not flush, data
    // would be lost.
    Dependency::all(block::CONFIG_WCE, &[block::FLUSH]),
];

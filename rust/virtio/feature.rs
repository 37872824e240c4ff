// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Feature bits: sets of them, what depends on what, and negotiation.
//!
//! The bits themselves are in modules by device type; those of rings and transports are in
//! [`transport`].

use super::id::DeviceId;

mod bits;
mod dependency;

pub use self::bits::{
    balloon,
    block,
    console,
    net,
    scsi,
    transport, //
};
pub use self::dependency::{
    Dependency,
    Needs, //
};

/// The number of a feature bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature(u8);

impl Feature {
    /// Features that there can be, at most.
    pub const COUNT: u8 = 128;

    /// The feature with this number.
    pub const fn new(bit: u8) -> Option<Self> {
        if bit < Self::COUNT {
            Some(Self(bit))
        } else {
            None
        }
    }

    /// The number.
    pub const fn bit(self) -> u8 {
        self.0
    }

    /// The bit. Within the module, numbers beyond the last one stand for no bit.
    const fn mask(self) -> u128 {
        if self.0 < Self::COUNT {
            1 << self.0
        } else {
            0
        }
    }
}

/// The names of the features that a device type has, or rings and transports.
type Names = [(Feature, &'static str)];

/// What a feature of a device of type `device` is called, if it is known.
pub fn name(device: DeviceId, feature: Feature) -> Option<&'static str> {
    let names: &Names = match device {
        DeviceId::NET => net::NAMES,
        DeviceId::BLOCK => block::NAMES,
        DeviceId::CONSOLE => console::NAMES,
        DeviceId::BALLOON => balloon::NAMES,
        DeviceId::SCSI => scsi::NAMES,
        _ => &[],
    };
    names
        .iter()
        .chain(transport::NAMES)
        .find(|(known, _)| *known == feature)
        .map(|(_, name)| *name)
}

/// A set of features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeatureSet(u128);

impl FeatureSet {
    /// What a device type may define: its own ranges, and two bits that old network devices took.
    pub const DEVICE: Self = Self::range(0, 23)
        .with(Feature(41))
        .with(Feature(42))
        .union(Self::range(50, 127));

    /// What rings and transports have defined, less the trap that is [`transport::UNUSED`].
    pub const TRANSPORT: Self = Self::of(&[
        transport::NOTIFY_ON_EMPTY,
        transport::ANY_LAYOUT,
        transport::INDIRECT_DESC,
        transport::EVENT_IDX,
    ])
    .union(Self::range(
        transport::VERSION_1.bit(),
        transport::ADMIN_VQ.bit(),
    ))
    .with(transport::SUSPEND);

    /// What nobody may define.
    pub const RESERVED: Self = Self::range(44, 49);

    /// What the legacy interface has room for.
    pub const LEGACY: Self = Self::range(0, 31);

    /// No features.
    pub const fn empty() -> Self {
        Self(0)
    }

    /// These features.
    pub const fn of(features: &[Feature]) -> Self {
        let mut set = Self::empty();
        let mut rest = features;
        while let [first, others @ ..] = rest {
            set = set.with(*first);
            rest = others;
        }
        set
    }

    /// The features from `first` to `last`.
    const fn range(first: u8, last: u8) -> Self {
        let mut set = Self::empty();
        let mut bit = first;
        while bit <= last {
            set = set.with(Feature(bit));
            bit = bit.saturating_add(1);
        }
        set
    }

    /// This set and `feature`.
    #[must_use]
    pub const fn with(self, feature: Feature) -> Self {
        Self(self.0 | feature.mask())
    }

    /// This set less `feature`.
    #[must_use]
    pub const fn without(self, feature: Feature) -> Self {
        Self(self.0 & !feature.mask())
    }

    /// Whether `feature` is in the set.
    pub const fn contains(self, feature: Feature) -> bool {
        self.0 & feature.mask() != 0
    }

    /// Whether all of `other` is in the set.
    pub const fn contains_all(self, other: Self) -> bool {
        other.difference(self).is_empty()
    }

    /// Whether the set has nothing in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The set as the registers have it, bits 0 to 31 first.
    pub const fn words(self) -> [u32; 4] {
        [self.word(0), self.word(32), self.word(64), self.word(96)]
    }

    /// The 32 bits from `first` on.
    const fn word(self, first: u32) -> u32 {
        // CAST: what does not fit has been masked.
        ((self.0 >> first) & 0xffff_ffff) as u32
    }

    /// The set that the registers have, bits 0 to 31 first.
    pub const fn from_words(words: [u32; 4]) -> Self {
        let [a, b, c, d] = words;
        // CAST: `From` is not const.
        let low = (a as u128) | ((b as u128) << 32);
        let high = (c as u128) | ((d as u128) << 32);
        Self(low | (high << 64))
    }

    /// The features in the set, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        (0..Feature::COUNT)
            .map(Feature)
            .filter(move |feature| self.contains(*feature))
    }

    /// The largest subset in which nothing lacks what it depends on.
    ///
    /// What it drops can be what something else depends on, so it looks again until nothing is
    /// dropped; each time but the last drops one feature or more.
    #[must_use]
    pub fn close(self, tables: &[&[Dependency]]) -> Self {
        let mut set = self;
        loop {
            let before = set;
            for dependency in tables.iter().copied().flatten() {
                if !dependency.holds(set) {
                    set = set.without(dependency.feature);
                }
            }
            if set == before {
                return set;
            }
        }
    }
}

/// What depends on what, for a device of type `device`: first what holds for all, then its own.
pub fn dependencies(device: DeviceId) -> [&'static [Dependency]; 2] {
    let own: &[Dependency] = match device {
        DeviceId::NET => dependency::NET,
        DeviceId::BLOCK => dependency::BLOCK,
        _ => &[],
    };
    [dependency::TRANSPORT, own]
}

/// The features to accept of those that a device of type `device` offers.
///
/// They are among what the driver allows of the device's bits and the transport of the others, no
/// reserved bit is among them, and none lacks what it depends on. Whatever the device offers, it is
/// as if it had not offered the rest.
#[must_use]
pub fn negotiate(
    offered: FeatureSet,
    allowed_driver: FeatureSet,
    allowed_transport: FeatureSet,
    device: DeviceId,
) -> FeatureSet {
    let driver = allowed_driver.intersection(FeatureSet::DEVICE);
    let transport = allowed_transport.intersection(FeatureSet::TRANSPORT);
    let accepted = offered.intersection(driver.union(transport));
    // The legacy interface has registers for the first 32 only.
    let accepted = if accepted.contains(transport::VERSION_1) {
        accepted
    } else {
        accepted.intersection(FeatureSet::LEGACY)
    };
    accepted.close(&dependencies(device))
}

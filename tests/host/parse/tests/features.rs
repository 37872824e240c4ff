// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Sets of features, what depends on what, and negotiation.

use proptest::prelude::*;
use pure::feature::{
    self,
    balloon,
    block,
    console,
    dependencies,
    negotiate,
    net,
    scsi,
    transport,
    Dependency,
    Feature,
    FeatureSet,
    Needs, //
};
use pure::id::DeviceId;
use support::cases;

/// All 128 features.
const ALL: FeatureSet = FeatureSet::from_words([u32::MAX; 4]);

/// The device types that have features of their own, and one that has none.
const DEVICES: [DeviceId; 6] = [
    DeviceId::NET,
    DeviceId::BLOCK,
    DeviceId::CONSOLE,
    DeviceId::BALLOON,
    DeviceId::SCSI,
    DeviceId::ENTROPY,
];

/// The feature with this number.
fn bit(number: u8) -> Feature {
    Feature::new(number).expect("a number below 128")
}

/// Any set.
fn set() -> impl Strategy<Value = FeatureSet> {
    // Also dense ones: with many features there is more that depends on something.
    let words = (any::<[u32; 4]>(), any::<[u32; 4]>(), 0..3_u8);
    words.prop_map(|(a, b, how)| {
        let (a, b) = (FeatureSet::from_words(a), FeatureSet::from_words(b));
        match how {
            0 => a,
            1 => a.union(b).with(transport::VERSION_1),
            _ => ALL.difference(a.intersection(b)),
        }
    })
}

/// Any of the device types.
fn device() -> impl Strategy<Value = DeviceId> {
    prop::sample::select(&DEVICES[..])
}

/// Whether nothing in `set` lacks what it depends on.
fn is_closed(set: FeatureSet, device: DeviceId) -> bool {
    dependencies(device)
        .into_iter()
        .flatten()
        .all(|dependency| {
            !set.contains(dependency.feature)
                || match dependency.needs {
                    Needs::All(needed) => needed.iter().all(|feature| set.contains(feature)),
                    Needs::Any(needed) => needed.iter().any(|feature| set.contains(feature)),
                }
        })
}

#[test]
fn sets_hold_128_features() {
    assert_eq!(Feature::new(128), None);
    for number in 0..128_u8 {
        let feature = bit(number);
        assert_eq!(feature.bit(), number);
        let set = FeatureSet::of(&[feature]);
        assert_eq!(FeatureSet::from_words(set.words()), set);
        let word = set.words()[usize::from(number / 32)];
        assert_eq!(word, 1 << (number % 32));
        assert_eq!(set.words().iter().filter(|word| **word != 0).count(), 1);
        assert!(set.contains(feature) && !set.without(feature).contains(feature));
        assert!(set.without(feature).is_empty());
        assert!(set.iter().eq([feature]));
    }
    assert_eq!(ALL.iter().count(), 128);
    assert_eq!(FeatureSet::empty(), FeatureSet::default());
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn sets_are_sets(a in set(), b in set(), number in 0..128_u8) {
        let feature = bit(number);
        let (in_a, in_b) = (a.contains(feature), b.contains(feature));
        prop_assert_eq!(a.union(b).contains(feature), in_a || in_b);
        prop_assert_eq!(a.intersection(b).contains(feature), in_a && in_b);
        prop_assert_eq!(a.difference(b).contains(feature), in_a && !in_b);
        prop_assert!(a.union(b).contains_all(a));
        prop_assert_eq!(a.contains_all(b), b.iter().all(|feature| a.contains(feature)));
        prop_assert_eq!(FeatureSet::from_words(a.words()), a);
        prop_assert_eq!(a.iter().fold(FeatureSet::empty(), FeatureSet::with), a);
    }

    /// FEAT-02: closing a set leaves nothing that lacks what it depends on, adds nothing, drops no
    /// more than it must, and is finished after one time.
    #[test]
    fn closing_drops_what_lacks_something(set in set(), device in device()) {
        let tables = dependencies(device);
        let closed = set.close(&tables);
        prop_assert!(set.contains_all(closed));
        prop_assert!(is_closed(closed, device));
        prop_assert_eq!(closed.close(&tables), closed);
        // Whatever closed subset there is, it is a subset of this one: so none of what was dropped
        // could have stayed.
        let mut larger = closed;
        for feature in set.difference(closed).iter() {
            larger = larger.with(feature);
            prop_assert!(!is_closed(closed.with(feature), device));
        }
        prop_assert!(larger == closed || !is_closed(larger, device));
    }

    /// The more is there, the more stays.
    #[test]
    fn closing_is_monotonic(a in set(), b in set(), device in device()) {
        let tables = dependencies(device);
        prop_assert!(a.union(b).close(&tables).contains_all(a.close(&tables)));
    }

    /// FEAT-01, FEAT-02, FEAT-03, FEAT-04, FEAT-05, FEAT-09, RSV-22: whatever is offered, what is
    /// accepted was offered and allowed, is of the right kind, is not reserved, and lacks nothing.
    #[test]
    fn negotiation_accepts_only_what_it_may(
        offered in set(),
        driver in set(),
        ring in set(),
        device in device(),
    ) {
        let accepted = negotiate(offered, driver, ring, device);
        prop_assert!(offered.contains_all(accepted));
        let allowed = driver
            .intersection(FeatureSet::DEVICE)
            .union(ring.intersection(FeatureSet::TRANSPORT));
        prop_assert!(allowed.contains_all(accepted));
        prop_assert!(is_closed(accepted, device));
        prop_assert!(accepted.intersection(FeatureSet::RESERVED).is_empty());
        if !accepted.contains(transport::VERSION_1) {
            prop_assert!(FeatureSet::LEGACY.contains_all(accepted));
        }
        // To offer what was accepted is enough.
        prop_assert_eq!(negotiate(accepted, driver, ring, device), accepted);
    }

    /// RSV-01, RSV-03: what depends on nothing else, and is allowed, is accepted whenever it is
    /// offered.
    #[test]
    fn version_1_and_access_platform_are_accepted_in_any_mix(offered in set(), device in device()) {
        let allowed = FeatureSet::of(&[transport::VERSION_1, transport::ACCESS_PLATFORM]);
        let offered = offered.union(allowed);
        let accepted = negotiate(offered, FeatureSet::empty(), allowed, device);
        prop_assert_eq!(accepted, allowed);
    }

    /// FEAT-08: bits that nobody knows change nothing.
    #[test]
    fn unknown_bits_change_nothing(offered in set(), unknown in set(), device in device()) {
        let known = |feature| feature::name(device, feature).is_some();
        let known = ALL.iter().filter(|feature| known(*feature));
        let known = known.fold(FeatureSet::empty(), FeatureSet::with);
        let driver = known.intersection(FeatureSet::DEVICE);
        let ring = known.intersection(FeatureSet::TRANSPORT);
        let more = offered.union(unknown.difference(known));
        prop_assert_eq!(
            negotiate(more, driver, ring, device),
            negotiate(offered, driver, ring, device)
        );
    }
}

/// FEAT-02: the example of the specification's own, and longer chains of dependencies.
#[test]
fn a_missing_feature_takes_along_all_that_depends_on_it() {
    let ring = FeatureSet::of(&[transport::VERSION_1]);
    let accept = |features: &[Feature]| {
        let offered = FeatureSet::of(features).union(ring);
        negotiate(offered, ALL, ring, DeviceId::NET).difference(ring)
    };
    assert!(accept(&[net::GUEST_TSO4]).is_empty());
    let tunnel = [
        net::GUEST_TSO4,
        net::GUEST_TSO6,
        net::GUEST_USO4,
        net::GUEST_USO6,
        net::GUEST_UDP_TUNNEL_GSO,
        net::GUEST_UDP_TUNNEL_GSO_CSUM,
    ];
    // All hang on the one that is missing.
    assert!(accept(&tunnel).is_empty());
    let whole = FeatureSet::of(&tunnel).with(net::GUEST_CSUM);
    assert_eq!(accept(&whole.iter().collect::<Vec<_>>()), whole);
    let less = whole.without(net::GUEST_USO6);
    let expected = less
        .without(net::GUEST_UDP_TUNNEL_GSO)
        .without(net::GUEST_UDP_TUNNEL_GSO_CSUM);
    assert_eq!(accept(&less.iter().collect::<Vec<_>>()), expected);
}

#[test]
fn one_of_several_can_be_enough() {
    let tables = dependencies(DeviceId::NET);
    let closed = |features: &[Feature]| FeatureSet::of(features).close(&tables);
    let base = [net::CSUM, net::HOST_ECN];
    assert_eq!(closed(&base), FeatureSet::of(&[net::CSUM]));
    for tso in [net::HOST_TSO4, net::HOST_TSO6] {
        let set = [net::CSUM, net::HOST_ECN, tso];
        assert_eq!(closed(&set), FeatureSet::of(&set));
    }
    // All of some and one of others.
    assert!(closed(&[net::HASH_TUNNEL, net::RSS]).is_empty());
    assert!(!closed(&[net::HASH_TUNNEL, net::CTRL_VQ]).contains(net::HASH_TUNNEL));
    for hash in [net::RSS, net::HASH_REPORT] {
        let set = [net::HASH_TUNNEL, net::CTRL_VQ, hash];
        assert_eq!(closed(&set), FeatureSet::of(&set));
    }
}

/// FEAT-02: it does not matter in which order dependencies are listed, nor whether they go round in
/// a circle.
#[test]
fn the_order_of_dependencies_does_not_matter() {
    let feature = |number: u8| bit(50 + number);
    let all = (0..20).fold(FeatureSet::empty(), |set, number| set.with(feature(number)));
    let up: Vec<_> = (0..19)
        .map(|number| Dependency::all(feature(number), &[feature(number + 1)]))
        .collect();
    let down: Vec<_> = up.iter().rev().copied().collect();
    for table in [&up[..], &down[..]] {
        assert_eq!(all.close(&[table]), all);
        assert!(all.without(feature(19)).close(&[table]).is_empty());
        let upper = (11..20).fold(FeatureSet::empty(), |set, number| set.with(feature(number)));
        assert_eq!(all.without(feature(10)).close(&[table]), upper);
        let circle = [Dependency::any(feature(19), &[feature(0)])];
        assert_eq!(all.close(&[table, &circle]), all);
        assert!(all.without(feature(7)).close(&[table, &circle]).is_empty());
    }
}

#[test]
fn a_cache_that_cannot_be_flushed_is_not_turned_on() {
    let tables = dependencies(DeviceId::BLOCK);
    let set = FeatureSet::of(&[block::CONFIG_WCE]);
    assert!(set.close(&tables).is_empty());
    let set = set.with(block::FLUSH);
    assert_eq!(set.close(&tables), set);
    // The numbers mean something else for other types.
    let set = FeatureSet::of(&[block::CONFIG_WCE]);
    assert_eq!(set.close(&dependencies(DeviceId::CONSOLE)), set);
}

/// RSV-22: bits 44 to 49 are never accepted, even if all else is allowed and offered.
#[test]
fn reserved_bits_are_never_accepted() {
    for device in DEVICES {
        let accepted = negotiate(ALL, ALL, ALL, device);
        for number in 44..=49 {
            assert!(!accepted.contains(bit(number)));
        }
        assert!(accepted.contains(transport::VERSION_1));
    }
}

/// RSV-19: bit 30 is a trap, and bits 25, 26 and 31 have never meant anything: they are never
/// accepted.
#[test]
fn the_trap_is_never_accepted() {
    for device in DEVICES {
        let accepted = negotiate(ALL, ALL, ALL, device);
        for number in [25, 26, 30, 31] {
            assert!(!accepted.contains(bit(number)));
        }
        assert_eq!(transport::UNUSED, bit(30));
    }
}

/// FEAT-04, FEAT-05, RSV-21: with all ones offered, what a transport does not allow is not accepted,
/// however much the driver allows: bits of rings and transports are not the driver's to allow.
#[test]
fn what_the_transport_does_not_allow_is_not_accepted() {
    let gated = [
        transport::SR_IOV,
        transport::RING_RESET,
        transport::SUSPEND,
        transport::NOTIF_CONFIG_DATA,
        transport::RING_PACKED,
    ];
    for device in DEVICES {
        let ring = gated
            .into_iter()
            .fold(FeatureSet::TRANSPORT, FeatureSet::without);
        let accepted = negotiate(ALL, ALL, ring, device);
        assert!(gated.into_iter().all(|feature| !accepted.contains(feature)));
        // Bit 41 was taken by old network devices, so that only both lists keep it out.
        let both = transport::ADMIN_VQ;
        let accepted = negotiate(ALL, ALL.without(both), ring.without(both), device);
        assert!(!accepted.contains(both));
    }
}

/// Bits of the device are not the transport's to allow.
#[test]
fn what_the_driver_does_not_allow_is_not_accepted() {
    for device in DEVICES {
        let accepted = negotiate(ALL, FeatureSet::empty(), ALL, device);
        assert!(FeatureSet::TRANSPORT.contains_all(accepted));
    }
}

/// PCI-COM-13: features beyond bit 63 count, and what is in unknown windows does not.
#[test]
fn features_beyond_64_bits_are_negotiated() {
    let driver = FeatureSet::of(&[net::OUT_NET_HEADER]);
    let ring = FeatureSet::of(&[transport::VERSION_1]);
    let offered = FeatureSet::from_words([u32::MAX, 1, 0xffff_ffff, 0xdead_beef]);
    let accepted = negotiate(offered, driver, ring, DeviceId::NET);
    assert_eq!(accepted, driver.union(ring));
    assert_eq!(accepted.words(), [0, 1, 1 << 5, 0]);
}

/// Without `VERSION_1` there are no more than 32 bits, and nothing that came later.
#[test]
fn a_legacy_device_has_32_bits() {
    let offered = ALL.without(transport::VERSION_1);
    for device in DEVICES {
        let accepted = negotiate(offered, ALL, ALL, device);
        assert_eq!(accepted.words()[1..], [0, 0, 0]);
        assert!(accepted.contains(transport::EVENT_IDX));
    }
}

#[test]
fn the_numbers_are_those_of_the_specification() {
    let numbers = [
        (transport::INDIRECT_DESC, 28),
        (transport::EVENT_IDX, 29),
        (transport::VERSION_1, 32),
        (transport::ACCESS_PLATFORM, 33),
        (transport::SUSPEND, 43),
        (net::CTRL_MAC_ADDR, 23),
        (net::SPEED_DUPLEX, 63),
        (net::IPSEC, 70),
        (block::ZONED, 17),
        (block::FLUSH, 9),
        (console::EMERG_WRITE, 2),
        (balloon::PAGE_REPORTING, 5),
        (scsi::T10_PI, 3),
    ];
    for (feature, number) in numbers {
        assert_eq!(feature.bit(), number);
    }
    assert_eq!(feature::name(DeviceId::NET, bit(23)), Some("CTRL_MAC_ADDR"));
    assert_eq!(feature::name(DeviceId::BLOCK, bit(23)), None);
    assert_eq!(feature::name(DeviceId::BLOCK, bit(2)), Some("SEG_MAX"));
    assert_eq!(feature::name(DeviceId::SCSI, bit(2)), Some("CHANGE"));
    assert_eq!(feature::name(DeviceId::NET, bit(41)), Some("GUEST_RSC4"));
    for device in DEVICES {
        assert_eq!(feature::name(device, bit(32)), Some("VERSION_1"));
        assert_eq!(feature::name(device, bit(45)), None);
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Bringing up devices by their legacy interface (3.1.2 and 4.1.4.10), and their configuration.

use life::legacy::{
    reg,
    ring,
    Access,
    Device,
    Driver,
    Kind, //
};
use proptest::prelude::*;
use pure::{
    bringup::{
        self,
        Control,
        Failure,
        RingAddresses, //
    },
    byte_order::{
        Guest,
        Machine, //
    },
    config::{
        Config,
        ConfigAccess, //
    },
    feature::{
        self,
        block,
        transport,
        FeatureSet, //
    },
    id::DeviceId,
    transport::{
        features::LEGACY,
        pci::{
            common::NO_VECTOR,
            legacy::block::{
                config,
                fits, //
            },
            vectors::{
                clear,
                Plan, //
            },
        },
    },
};
use support::cases;

/// What a driver of disks accepts.
fn choose(offered: FeatureSet) -> FeatureSet {
    let driver = FeatureSet::of(&[block::FLUSH, block::MQ]);
    feature::negotiate(offered, driver, LEGACY, DeviceId::BLOCK)
}

/// A device that was brought up, or was not.
fn probe(kind: Kind) -> (Device, Driver<Guest>, Result<FeatureSet, Failure>) {
    let device = Device::new(kind);
    let driver = Driver::new(&device);
    let result = driver.probe(2, choose);
    (device, driver, result.map(|(_, features)| features))
}

/// INIT-10, FEAT-13, RSV-18, RSV-19, PCI-LEG-08, PCI-LEG-13: reset, ACKNOWLEDGE, DRIVER, features, queues, DRIVER_OK,
/// and no FEATURES_OK. ANY_LAYOUT is accepted, NOTIFY_ON_EMPTY and the trap are not, nor is anything
/// beyond the first 32 bits.
#[test]
fn a_device_is_brought_up_without_features_ok() {
    let (device, _, result) = probe(Kind::default());
    let expected = FeatureSet::of(&[
        transport::ANY_LAYOUT,
        transport::INDIRECT_DESC,
        transport::EVENT_IDX,
        block::FLUSH,
    ]);
    assert_eq!(result, Ok(expected));
    assert_eq!(device.written(reg::STATUS), [0, 1, 3, 7]);
    assert_eq!(
        device.accepted(),
        Some(1 << 27 | 1 << 28 | 1 << 29 | 1 << 9)
    );
}

/// PCI-LEG-08, PCI-LEG-12: whatever is chosen, no more than 32 bits count as negotiated.
#[test]
fn there_are_32_features() {
    let device = Device::new(Kind::default());
    let driver = Driver::<Guest>::new(&device);
    let more = FeatureSet::of(&[transport::VERSION_1, transport::RING_PACKED]);
    let result = driver.probe(1, |offered| choose(offered).union(more));
    let (_, features) = result.expect("it works");
    assert!(FeatureSet::LEGACY.contains_all(features));
    assert!(features.contains(transport::ANY_LAYOUT));
}

/// VQ-SPLIT-03, PCI-LEG-09, PCI-LEG-10: each queue is selected, its size read and never written, and its page
/// written, which is that of its ring.
#[test]
fn queues_have_the_size_that_they_have() {
    let (device, ..) = probe(Kind::default());
    assert!(device.written(reg::QUEUE_SIZE).is_empty());
    for (index, size) in [(0, 256), (1, 1024)] {
        let address = ring(index, size).descriptor;
        assert_eq!(u64::from(device.page(index)) * 4096, address);
    }
    // Before a page is written, it has read as 0.
    let log = device.log();
    for (at, access) in log.iter().enumerate() {
        if matches!(access, Access::Write(reg::QUEUE_ADDRESS, ..)) {
            let before = &log[..at];
            assert!(before.contains(&Access::Read(reg::QUEUE_ADDRESS, 4)));
            assert!(before.contains(&Access::Read(reg::QUEUE_SIZE, 2)));
        }
    }
}

/// Checks that a device was given up: marked FAILED, reset, and without queues.
fn check_given_up(device: &Device) {
    let statuses = device.written(reg::STATUS);
    let [.., failed, 0] = statuses[..] else {
        panic!("no reset at the end: {statuses:?}");
    };
    assert_eq!(failed & 0x84, 0x80, "FAILED, and not DRIVER_OK");
    assert_eq!((device.page(0), device.page(1)), (0, 0));
}

/// A queue that is in use after the reset, one that is not there, and one that changes its size.
#[test]
fn queues_that_cannot_be_used() {
    let device = Device::new(Kind {
        keeps_pages: true,
        ..Kind::default()
    });
    // Somebody else's: a driver that went without a word.
    let other = Driver::<Guest>::new(&device);
    assert!(other.probe(2, choose).is_ok());
    let driver = Driver::<Guest>::new(&device);
    let result = driver.probe(2, choose).map(|_| ());
    assert_eq!(result, Err(Failure::QueueEnabled(0)));

    let (device, driver, result) = probe(Kind {
        sizes: vec![256],
        ..Kind::default()
    });
    assert_eq!(result, Err(Failure::NoQueue(1)));
    assert_eq!(driver.0.count_queues(5), 1);
    check_given_up(&device);

    let (device, driver, _) = probe(Kind::default());
    device.change(|kind| kind.sizes = vec![512, 1024]);
    let abandoned = driver.restart(choose(driver.0.device_features()), &[256, 1024]);
    let why = abandoned.expect_err("the size is another one").why;
    assert_eq!(why, Failure::QueueSize(0));
    check_given_up(&device);
}

/// PCI-LEG-09: a ring beyond the first 16 TiB cannot be told, and the device is given up.
#[test]
fn a_ring_too_far_up_is_refused() {
    let device = Device::new(Kind::default());
    let driver = Driver::<Guest>::new(&device);
    let quiet = bringup::reset(&driver.0).expect("it resets");
    let agreed = bringup::negotiate(quiet, &driver.0, |offered| Ok(choose(offered)));
    assert!(agreed.is_ok());
    let far = |address: u64| {
        let up = 1 << 44;
        address + up
    };
    let RingAddresses {
        descriptor,
        driver: avail,
        device: used,
    } = ring(0, 256);
    let ring = RingAddresses {
        descriptor: far(descriptor),
        driver: far(avail),
        device: far(used),
    };
    let result = bringup::place_queue(&driver.0, 0, 256, ring);
    assert_eq!(result, Err(Failure::QueuePlace(0)));
    assert!(!driver.0.place_queue(0, 256, ring));
    assert!(device.written(reg::QUEUE_ADDRESS).is_empty());
}

/// The pages are taken back once the device has confirmed its reset, and not before; once.
#[test]
fn pages_are_taken_back_after_a_reset() {
    let (device, driver, _) = probe(Kind {
        keeps_pages: true,
        ..Kind::default()
    });
    assert!(device.page(0) != 0 && device.page(1) != 0);
    device.forget();
    assert!(bringup::reset(&driver.0).is_ok());
    assert_eq!((device.page(0), device.page(1)), (0, 0));
    let log = device.log();
    let confirmed = log
        .iter()
        .position(|access| *access == Access::Read(reg::STATUS, 1));
    let released = log
        .iter()
        .position(|access| matches!(access, Access::Write(reg::QUEUE_ADDRESS, ..)));
    assert!(confirmed.is_some() && confirmed < released);
    device.forget();
    assert!(bringup::reset(&driver.0).is_ok());
    assert!(device.written(reg::QUEUE_ADDRESS).is_empty());
}

/// A device that does not reset keeps its queues, and the wait ends.
#[test]
fn a_reset_that_does_not_end() {
    let (device, driver, _) = probe(Kind::default());
    device.change(|kind| kind.never_resets = true);
    let result = bringup::reset(&driver.0);
    assert!(matches!(result, Err(Failure::ResetTimeout)));
    assert!(device.page(0) != 0);
}

/// FEAT-13: a device is brought up again as it was, with the same features and rings.
#[test]
fn a_device_is_restarted_as_it_was() {
    let (device, driver, result) = probe(Kind::default());
    let features = result.expect("it works");
    let pages = (device.page(0), device.page(1));
    device.forget();
    let progress = driver.restart(features, &[256, 1024]);
    assert!(progress.is_ok_and(|progress| progress.is_live()));
    assert_eq!((device.page(0), device.page(1)), pages);
    assert_eq!(device.written(reg::STATUS), [0, 1, 3, 7]);

    device.change(|kind| kind.offered = 0);
    let abandoned = driver.restart(features, &[256, 1024]);
    let why = abandoned.expect_err("features are lost").why;
    assert_eq!(why, Failure::FeaturesLost);
    check_given_up(&device);
}

/// A device that asks for a reset on the way is given up.
#[test]
fn a_device_that_asks_for_a_reset() {
    let (device, _, result) = probe(Kind {
        rejects: Some(3),
        ..Kind::default()
    });
    assert_eq!(result, Err(Failure::Status));
    check_given_up(&device);
    let (device, _, result) = probe(Kind {
        rejects: Some(7),
        ..Kind::default()
    });
    assert_eq!(result, Err(Failure::Status));
    assert_eq!(device.page(0), 0);
}

/// PCI-LEG-05, PCI-LEG-06: the configuration is behind the registers, of which there are more while MSI-X is
/// enabled: it is found wherever it is.
#[test]
fn the_configuration_moves_with_msi_x() {
    assert_eq!((config(false), config(true)), (20, 24));
    let device = Device::new(Kind::default());
    let driver = Driver::<Guest>::new(&device);
    let bytes = device.config();
    for msix in [true, false, true, false] {
        device.change(|kind| kind.msix = msix);
        device.forget();
        assert_eq!(driver.0.len(), bytes.len());
        for (at, byte) in bytes.iter().enumerate() {
            assert_eq!(Config::new(&driver.0).read(at), Ok(*byte));
        }
        let first = device.log().first().copied();
        assert_eq!(first, Some(Access::Read(config(msix), 1)));
    }
    // What is beyond the end is not read.
    device.change(|kind| kind.length = Some(24));
    device.change(|kind| kind.msix = true);
    assert_eq!(driver.0.len(), 0);
    assert!(Config::new(&driver.0).read::<u8>(0).is_err());
    device.change(|kind| kind.length = Some(22));
    assert_eq!(driver.0.len(), 0);
}

/// PCI-LEG-03, PCI-LEG-12: a BAR that is not there, or too short for the registers, is none.
#[test]
fn a_bar_has_to_have_room() {
    assert!(!fits(None));
    for length in 0..24 {
        assert!(!fits(Some(length)));
    }
    for length in [24, 32, 256, 4096, u64::MAX] {
        assert!(fits(Some(length)));
    }
}

/// A machine whose highest byte comes first.
#[derive(Clone, Copy)]
enum Big {}

impl Machine for Big {
    const IS_BIG: bool = true;
}

/// Fields of 64, 32, 16 and 8 bits of a configuration that counts up from 0x11.
fn fields<M: Machine>() -> (u64, u32, u16, u8) {
    let device = Device::new(Kind::default());
    let driver = Driver::<M>::new(&device);
    let config = Config::new(&driver.0);
    (
        config.read(8).unwrap(),
        config.read(4).unwrap(),
        config.read(2).unwrap(),
        config.read(1).unwrap(),
    )
}

/// CFG-08, PCI-LEG-04, PCI-LEG-07, BLK-LEG-01: the configuration is in the order of the guest, byte by byte, and the
/// registers are not: page, size and features are the same numbers on either machine.
#[test]
fn the_configuration_is_in_the_order_of_the_guest() {
    let little = (0x201f_1e1d_1c1b_1a19, 0x1817_1615, 0x1413, 0x12);
    assert_eq!(fields::<Guest>(), little);
    let big = (0x191a_1b1c_1d1e_1f20, 0x1516_1718, 0x1314, 0x12);
    assert_eq!(fields::<Big>(), big);

    let device = Device::new(Kind::default());
    let driver = Driver::<Big>::new(&device);
    let config = Config::new(&driver.0);
    config.write(8, 0x0102_0304_0506_0708_u64).unwrap();
    config.write(4, 0x0102_0304_u32).unwrap();
    config.write(2, 0x0102_u16).unwrap();
    let bytes = device.config();
    assert_eq!(bytes[8..16], [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(bytes[2..8], [1, 2, 1, 2, 3, 4]);

    assert!(driver.probe(2, choose).is_ok());
    let address = ring(1, 1024).descriptor;
    assert_eq!(u64::from(device.page(1)) * 4096, address);
}

/// PCI-LEG-06: vectors are told while MSI-X is enabled. While it is not, the configuration is in their place,
/// and left alone.
#[test]
fn vectors_are_told_while_there_are_any() {
    let device = Device::new(Kind::default());
    let driver = Driver::<Guest>::new(&device);
    assert!(Plan::PerQueue.program(&driver.0, 2));
    assert_eq!(device.vectors(0), (0, 1));
    assert_eq!(device.vectors(1), (0, 2));
    clear(&driver.0, 2);
    assert_eq!(device.vectors(1), (NO_VECTOR, NO_VECTOR));

    // There is room for two, and what it took is given back.
    device.change(|kind| kind.vectors = 2);
    assert!(!Plan::PerQueue.program(&driver.0, 2));
    assert_eq!(device.vectors(0), (NO_VECTOR, NO_VECTOR));
    assert!(Plan::Shared.program(&driver.0, 2));
    assert_eq!(device.vectors(1), (0, 1));

    device.change(|kind| kind.msix = false);
    let before = device.config();
    assert!(!Plan::PerQueue.program(&driver.0, 2));
    assert!(Plan::Line.program(&driver.0, 2));
    clear(&driver.0, 2);
    assert_eq!(device.config(), before);
}

proptest! {
    #![proptest_config(cases(300))]

    /// A device that goes at any time is noticed, and not waited for.
    #[test]
    fn a_device_can_go_at_any_time(at in 0_usize..60) {
        let device = Device::new(Kind { gone_at: Some(at), ..Kind::default() });
        let driver = Driver::<Guest>::new(&device);
        let quiet = bringup::reset(&driver.0);
        if at <= 1 {
            prop_assert!(matches!(quiet, Err(Failure::Gone)));
        }
        if let Ok((progress, _)) = driver.probe(2, choose) {
            prop_assert!(progress.is_live());
        }
    }
}

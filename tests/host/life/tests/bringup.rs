// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Bringing up devices for the first time, some of which do not want to.

use life::{
    reg,
    ring,
    Access,
    Answer,
    Device,
    Driver,
    Kind, //
};
use proptest::prelude::*;
use pure::{
    bringup::{
        self,
        Failure,
        RESET_TIMEOUT, //
    },
    feature::{
        transport,
        FeatureSet, //
    },
    transport::pci::capability::Region, //
};
use support::cases;

/// FAILED.
const FAILED: u32 = 0x80;

/// The statuses that a device was told.
fn statuses(device: &Device) -> Vec<u32> {
    device.written(reg::DEVICE_STATUS)
}

/// Brings up a device of this kind, with two queues.
fn probe(kind: Kind) -> (Device, Result<FeatureSet, Failure>) {
    let device = Device::new(kind);
    let result = Driver::new(&device).probe(&[256, 128]);
    (device, result.map(|(_, features)| features))
}

/// Checks that a device was given up as it is to be: it was told FAILED, then nothing but to reset.
fn check_given_up(device: &Device) {
    let log = device.log();
    let failed = |access: &Access| matches!(access, Access::Write(reg::DEVICE_STATUS, 1, status) if status & FAILED != 0);
    let at = log.iter().position(failed).expect("FAILED is written");
    let mut rest = log[at + 1..].iter();
    assert_eq!(
        rest.next(),
        Some(&Access::Write(reg::DEVICE_STATUS, 1, 0)),
        "a reset follows"
    );
    assert!(
        rest.all(|access| *access == Access::Read(reg::DEVICE_STATUS, 1)),
        "then nothing but looks whether it is done"
    );
    assert!(!device.queue(0).enabled && !device.queue(1).enabled);
}

/// A device that behaves comes up, step by step.
#[test]
fn a_device_comes_up() {
    let (device, result) = probe(Kind::default());

    assert_eq!(statuses(&device), [0, 1, 3, 11, 15]);
    assert_eq!(result, Ok(Kind::default().offered));
    assert_eq!(device.features(), Kind::default().offered);
    assert_eq!(device.waited(), 0);
    for index in 0..2 {
        assert!(device.queue(index).enabled);
        assert_eq!(device.queue(index).vector, Some(index + 1));
    }
    assert_eq!(device.config_vector(), Some(0));
}

/// FEAT-07, FEAT-12, RSV-14: a device without VERSION_1 is given up by its modern interface, though it has the registers of a modern
/// one; no queue of it is looked at.
#[test]
fn without_version_1_there_is_no_driving_it() {
    let (device, result) = probe(Kind {
        offered: FeatureSet::of(&[transport::EVENT_IDX]),
        ..Kind::default()
    });

    assert_eq!(result, Err(Failure::NotModern));
    assert_eq!(statuses(&device), [0, 1, 3, 0x83, 0]);
    assert!(device.written(reg::DRIVER_FEATURE).is_empty());
    assert!(device.written(reg::QUEUE_SELECT).is_empty());
    check_given_up(&device);
}

/// FEAT-10, INIT-05, RSV-17: a device that leaves FEATURES_OK clear is given up, whatever it is that
/// it insists on; no queue of it is set up.
#[test]
fn refused_features_are_noticed() {
    let (device, result) = probe(Kind {
        agrees: false,
        ..Kind::default()
    });

    assert_eq!(result, Err(Failure::Features));
    assert_eq!(statuses(&device), [0, 1, 3, 11, 0x8b, 0]);
    assert!(device.written(reg::QUEUE_SELECT).is_empty());
    check_given_up(&device);
}

/// STAT-03, INIT-06, INIT-07: whatever step fails, the device is marked FAILED and reset, and no
/// step follows. The next attempt begins with a reset.
#[test]
fn what_fails_is_given_up() {
    let default = Kind::default;
    let kinds = [
        (
            Failure::Status,
            Kind {
                rejects: Some(3),
                ..default()
            },
        ),
        (
            Failure::Features,
            Kind {
                rejects: Some(11),
                ..default()
            },
        ),
        (
            Failure::Status,
            Kind {
                rejects: Some(15),
                ..default()
            },
        ),
        (
            Failure::Features,
            Kind {
                agrees: false,
                ..default()
            },
        ),
        (
            Failure::NoQueue(0),
            Kind {
                sizes: vec![],
                ..default()
            },
        ),
        (
            Failure::NoQueue(1),
            Kind {
                sizes: vec![256],
                ..default()
            },
        ),
        (
            Failure::QueueEnabled(1),
            Kind {
                stuck: Some(1),
                ..default()
            },
        ),
        (
            Failure::QueueSize(0),
            Kind {
                takes_sizes: false,
                sizes: vec![512, 512],
                ..default()
            },
        ),
        (
            Failure::Vector,
            Kind {
                vectors: 2,
                ..default()
            },
        ),
        (
            Failure::Vector,
            Kind {
                vectors: 0,
                ..default()
            },
        ),
    ];
    for (failure, kind) in kinds {
        let device = Device::new(kind.clone());
        let driver = Driver::new(&device);
        let result = driver.probe(&[256, 128]);

        assert_eq!(result.map(|_| ()), Err(failure), "{kind:?}");
        let live = statuses(&device).contains(&15);
        if live {
            // It was told to go: a reset is all it gets.
            assert_eq!(statuses(&device).last(), Some(&0));
        } else if failure != Failure::QueueEnabled(1) {
            check_given_up(&device);
        }

        device.change(|kind| *kind = default());
        device.forget();
        assert!(driver.probe(&[256, 128]).is_ok());
        assert_eq!(statuses(&device), [0, 1, 3, 11, 15]);
    }
}

/// RST-02: a device that does not finish its reset is not waited for longer than there is to be.
#[test]
fn a_reset_that_does_not_end() {
    let (device, result) = probe(Kind {
        reset: Answer::Never,
        ..Kind::default()
    });

    assert_eq!(result, Err(Failure::ResetTimeout));
    assert_eq!(statuses(&device), [0]);
    let waited = device.waited();
    assert!((RESET_TIMEOUT..RESET_TIMEOUT + 10).contains(&waited));
}

/// A device may take its time.
#[test]
fn a_reset_that_takes_a_while() {
    let (device, result) = probe(Kind {
        reset: Answer::After(4_000),
        ..Kind::default()
    });

    assert!(result.is_ok());
    assert_eq!(device.waited(), 4_000);
}

/// PCI-COM-15: a queue that a reset left enabled is a reason to give up.
#[test]
fn a_queue_that_stays_enabled() {
    let (device, result) = probe(Kind {
        stuck: Some(0),
        ..Kind::default()
    });

    assert_eq!(result, Err(Failure::QueueEnabled(0)));
    assert_eq!(statuses(&device), [0, 1, 3, 11, 0x8b, 0]);
    assert!(device.written(reg::QUEUE_ENABLE).is_empty());
}

/// PCI-COM-17: a queue of size 0 is one that is not there.
#[test]
fn a_queue_that_is_not_there() {
    let (device, result) = probe(Kind {
        sizes: vec![256, 0, 256],
        ..Kind::default()
    });

    assert_eq!(result, Err(Failure::NoQueue(1)));
    check_given_up(&device);
}

/// PCI-VQ-02: a size below the largest one is written, and read back.
#[test]
fn a_queue_can_be_smaller() {
    let device = Device::new(Kind::default());
    let result = Driver::new(&device).probe(&[16, 1]);

    assert!(result.is_ok());
    assert_eq!(device.written(reg::QUEUE_SIZE), [16, 1]);
    let log = device.log();
    for size in [16, 1] {
        let written = Access::Write(reg::QUEUE_SIZE, 2, size);
        let at = log.iter().position(|access| *access == written);
        let next = log.get(at.expect("the size is written") + 1);
        assert_eq!(next, Some(&Access::Read(reg::QUEUE_SIZE, 2)));
    }
}

/// PCI-LAY-03: addresses of 64 bits are written as two halves, the low one first.
#[test]
fn addresses_are_written_low_half_first() {
    let (device, result) = probe(Kind::default());
    assert!(result.is_ok());

    let words: Vec<_> = device
        .log()
        .into_iter()
        .filter_map(|access| match access {
            Access::Write(at, 4, value) if (0x20..0x38).contains(&at) => Some((at, value)),
            _ => None,
        })
        .collect();
    let expected: Vec<_> = (0..2)
        .flat_map(|index| {
            let ring = ring(index);
            [
                (0x20, ring.descriptor),
                (0x28, ring.driver),
                (0x30, ring.device),
            ]
        })
        .flat_map(|(at, address)| [(at, address as u32), (at + 4, (address >> 32) as u32)])
        .collect();
    assert_eq!(words, expected);
}

/// VQ-01: queues are told apart by all 16 bits of their indexes.
#[test]
fn there_can_be_many_queues() {
    const COUNT: u16 = u16::MAX;
    let device = Device::new(Kind {
        sizes: vec![2; COUNT.into()],
        ..Kind::default()
    });
    let driver = Driver::new(&device);
    let quiet = bringup::reset(&driver).expect("it resets");
    let (mut progress, _) = bringup::negotiate(quiet, &driver, Ok).expect("it agrees");
    assert_eq!(driver.common.num_queues(), COUNT);
    for index in 0..COUNT {
        assert_eq!(bringup::look_at_queue(&driver, index), Ok(2));
        bringup::place_queue(&driver, index, 2, ring(index)).expect("it takes the size");
    }
    assert_eq!(progress.start(&driver, COUNT), Ok(()));

    for index in 0..COUNT {
        let queue = device.queue(index);
        assert!(queue.enabled);
        assert_eq!(queue.words[1], u32::from(index) + 1);
    }
}

/// PCI-CAP-05: of a structure only the part is mapped that is of use.
#[test]
fn no_more_is_mapped_than_is_of_use() {
    let huge = Region {
        bar: 4,
        offset: 0x1000,
        length: 1 << 40,
    };
    assert_eq!(huge.first(60).length, 60);
    assert_eq!(huge.first(60).offset, 0x1000);
    let small = Region { length: 56, ..huge };
    assert_eq!(small.first(60), small);
}

proptest! {
    #![proptest_config(cases(500))]

    /// A device that goes at any time is noticed, and not waited for.
    #[test]
    fn a_device_can_go_at_any_time(at in 0_usize..120) {
        let device = Device::new(Kind { gone_at: Some(at), ..Kind::default() });
        let driver = Driver::new(&device);
        let result = driver.probe(&[256, 128]);
        let accesses = device.log().len();
        if accesses > at {
            prop_assert!(result.is_err(), "{accesses} accesses");
        }
        prop_assert_eq!(device.waited(), 0);
    }
}

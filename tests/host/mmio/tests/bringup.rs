// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Bringing up devices, some of which do not want to. What a driver must not do, the device panics at.

use mmio::{
    access::reg,
    ring,
    Access,
    Device,
    Driver,
    Kind, //
};
use pure::{
    bringup::{
        Control,
        Failure,
        RESET_TIMEOUT, //
    },
    feature::{
        transport,
        FeatureSet, //
    },
};

/// Brings up a device of this kind, with two queues.
fn probe(kind: Kind) -> (Device, Result<FeatureSet, Failure>) {
    let device = Device::new(kind);
    let result = Driver::new(&device).probe(&[256, 128]);
    (device, result.map(|(_, features)| features))
}

/// MMIO-REG-01, MMIO-REG-02, MMIO-REG-03, MMIO-REG-04, MMIO-REG-12, MMIO-REG-13, MMIO-INIT-04,
/// MMIO-INIT-05: a device that behaves comes up, step by step, and nothing is touched that should
/// not be.
#[test]
fn a_device_comes_up() {
    for version in [2, 3] {
        let (device, result) = probe(Kind {
            version,
            ..Kind::default()
        });
        assert_eq!(device.written(reg::STATUS), [0, 1, 3, 11, 15]);
        assert_eq!(result, Ok(Kind::default().offered));
        assert_eq!(device.features(), Kind::default().offered);
        assert_eq!(device.waited(), 0);
    }
}

/// MMIO-REG-15, MMIO-INIT-06: it is asked whether a queue is there and not in use; then come its size
/// and its addresses, in halves; the last thing is that it is ready.
#[test]
fn a_queue_is_set_up() {
    let (device, _) = probe(Kind::default());
    for index in 0..2u16 {
        let queue = device.queue(index.into());
        let place = ring(index);
        let halves = |register: usize, address: u64| {
            [
                (register, (address & 0xffff_ffff) as u32),
                (register + 4, (address >> 32) as u32),
            ]
        };
        let expected = [
            halves(reg::QUEUE_DESC, place.descriptor),
            halves(reg::QUEUE_DRIVER, place.driver),
            halves(reg::QUEUE_DEVICE, place.device),
        ];
        assert!(queue.words.into_iter().eq(expected.concat()));
        assert_eq!(queue.size, Some([256, 128][usize::from(index)]));
        assert!(queue.ready);
    }

    let log = device.log();
    let first = |access| log.iter().position(|found| *found == access);
    let size = Access::Write(reg::QUEUE_SIZE, 4, 256);
    assert!(first(Access::Read(reg::QUEUE_SIZE_MAX, 4)) < first(size));
    assert!(first(Access::Read(reg::QUEUE_READY, 4)) < first(size));
    let ready = first(Access::Write(reg::QUEUE_READY, 4, 1)).expect("queues are ready");
    let after = log[ready..].iter().any(|access| {
        matches!(access, Access::Write(at, ..) if (reg::QUEUE_DESC..reg::SHM_SEL).contains(at))
    });
    assert!(!after, "addresses after a queue was ready");
}

/// MMIO-REG-14: a queue is as large as the device allows, and no larger than there are queues,
/// whatever it says.
#[test]
fn sizes_are_bounded() {
    for (max, size) in [(1, 1), (4, 4), (65_535, 32_768), (u32::MAX, 32_768)] {
        let device = Device::new(Kind {
            sizes: vec![max],
            ..Kind::default()
        });
        let _ = Driver::new(&device).probe(&[u16::MAX]).expect("comes up");
        assert_eq!(device.queue(0).size, Some(size));
    }
}

/// MMIO-INIT-06: a largest size of 0 says that there is no such queue; the queues are counted no
/// further than anybody wants to know.
#[test]
fn queues_are_counted() {
    let device = Device::new(Kind {
        sizes: vec![64, 8, 0, 64],
        ..Kind::default()
    });
    let driver = Driver::new(&device);
    for (wanted, found) in [(0, 0), (1, 1), (2, 2), (3, 2), (u16::MAX, 2)] {
        device.forget();
        assert_eq!(driver.0.count_queues(wanted), found);
        assert_eq!(device.log().len(), 2 * usize::from(wanted.min(3)));
    }
    assert_eq!(driver.probe(&[8; 3]), Err(Failure::NoQueue(2)));
}

/// MMIO-REG-24: a queue that is in use after a reset is not touched.
#[test]
fn a_queue_that_is_in_use_is_refused() {
    let (device, result) = probe(Kind {
        stuck: Some(1),
        ..Kind::default()
    });
    assert_eq!(result, Err(Failure::QueueEnabled(1)));
    assert_eq!(device.written(reg::STATUS), [0, 1, 3, 11, 0x8b, 0]);
}

/// A reset is waited for, as version 3 asks for it, but not for ever.
#[test]
fn resets_take_time() {
    let slow = |reset| Kind {
        version: 3,
        reset,
        ..Kind::default()
    };
    let (device, result) = probe(slow(20));
    assert!(result.is_ok());
    assert_eq!(device.waited(), 20);

    let (device, result) = probe(slow(u32::MAX));
    assert_eq!(result, Err(Failure::ResetTimeout));
    assert!(device.waited() <= RESET_TIMEOUT + 1);
    assert_eq!(device.written(reg::STATUS), [0]);
}

/// A status with bits that no status has does not pass for one of a device that has been reset.
#[test]
fn a_status_that_is_none_confirms_nothing() {
    for more_status in [0x100, 0x8000_0000, 0xffff_ff00] {
        let (_, result) = probe(Kind {
            more_status,
            ..Kind::default()
        });
        assert_eq!(result, Err(Failure::ResetTimeout));
    }
}

/// A device that goes at any moment is noticed, without a wait.
#[test]
fn a_device_that_goes() {
    let (device, _) = probe(Kind::default());
    for at in 0..device.log().len() {
        let (device, result) = probe(Kind {
            gone_at: Some(at),
            ..Kind::default()
        });
        assert!(result.is_err(), "gone at {at}");
        assert_eq!(device.waited(), 0, "gone at {at}");
    }
}

/// MMIO-FEAT-01, MMIO-FEAT-02: what has no register here or belongs to PCI is not accepted.
#[test]
fn features_of_pci_are_not_accepted() {
    let all = FeatureSet::from_words([u32::MAX; 4]);
    let (device, result) = probe(Kind {
        offered: all,
        ..Kind::default()
    });
    let features = result.expect("comes up");
    for feature in [
        transport::ADMIN_VQ,
        transport::SR_IOV,
        transport::NOTIF_CONFIG_DATA,
    ] {
        assert!(!features.contains(feature) && !device.features().contains(feature));
    }
    for feature in [
        transport::VERSION_1,
        transport::RING_PACKED,
        transport::RING_RESET,
        transport::NOTIFICATION_DATA,
        transport::SUSPEND,
    ] {
        assert!(device.features().contains(feature));
    }
}

/// A device comes back as it was, and is refused when it has less than before.
#[test]
fn a_device_is_restarted() {
    let device = Device::new(Kind::default());
    let driver = Driver::new(&device);
    let (_, features) = driver.probe(&[256, 128]).expect("comes up");
    let before = [device.queue(0), device.queue(1)];
    let _ = driver.restart(features, &[256, 128]).expect("comes back");
    assert_eq!(before, [device.queue(0), device.queue(1)]);

    device.change(|kind| kind.sizes = vec![256, 64]);
    let abandoned = driver.restart(features, &[256, 128]);
    assert_eq!(abandoned.map_err(|it| it.why), Err(Failure::NoQueue(1)));
}

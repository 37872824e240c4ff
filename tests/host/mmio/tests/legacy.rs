// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices of version 1. What a driver must not do, the device panics at.

use mmio::{
    access::reg,
    legacy_ring,
    Access,
    Device,
    Driver,
    Kind,
    PAGE, //
};
use pure::{
    bringup::{
        self,
        Control,
        Failure,
        RingAddresses, //
    },
    config::Config,
    feature::{
        transport,
        FeatureSet, //
    },
    transport::mmio::interrupt, //
};

/// Brings up a device of this kind, with two queues.
fn probe(kind: Kind) -> (Device, Result<FeatureSet, Failure>) {
    let device = Device::new(kind);
    let result = Driver::legacy(&device).probe(&[256, 128]);
    (device, result.map(|(_, features)| features))
}

/// MMIO-LEG-01, MMIO-LEG-12: a device that behaves comes up, without FEATURES_OK, and nothing is touched
/// that is not there.
#[test]
fn a_device_comes_up() {
    let (device, result) = probe(Kind::legacy());
    assert_eq!(device.written(reg::STATUS), [0, 1, 3, 7]);
    assert_eq!(result, Ok(Kind::legacy().offered));
    assert_eq!(device.features(), Kind::legacy().offered);
    assert_eq!(device.written(reg::DRIVER_FEATURES_SEL), [0]);
    assert_eq!(device.waited(), 0);
}

/// MMIO-LEG-04, MMIO-LEG-05, MMIO-LEG-06, MMIO-LEG-07, MMIO-LEG-08, MMIO-LEG-10: a queue is set up: the page
/// is looked at, then the size; size, alignment and page are told, in this order, and are those of
/// the ring.
#[test]
fn a_queue_is_set_up() {
    let (device, _) = probe(Kind::legacy());
    for (index, size) in [(0, 256), (1, 128)] {
        let queue = device.queue(index.into());
        let ring = legacy_ring(index, size);
        assert_eq!(queue.size, Some(size.into()));
        let (bytes, number) = queue.page.expect("is placed");
        assert_eq!(u64::from(bytes) * u64::from(number), ring.descriptor);
        // Where the device looks for the used ring.
        let align = u64::from(queue.align.expect("is told"));
        let before = ring.driver + 2 * (3 + u64::from(size));
        assert_eq!(before.next_multiple_of(align), ring.device);
    }
    let steps: Vec<_> = device
        .log()
        .into_iter()
        .filter_map(|access| match access {
            Access::Read(at @ (reg::QUEUE_PFN | reg::QUEUE_SIZE_MAX), _) => Some((at, false)),
            Access::Write(
                at @ (reg::QUEUE_SIZE | reg::QUEUE_ALIGN | reg::QUEUE_PFN | reg::GUEST_PAGE_SIZE),
                ..,
            ) => Some((at, true)),
            _ => None,
        })
        .collect();
    let queue = [
        (reg::QUEUE_PFN, false),
        (reg::QUEUE_SIZE_MAX, false),
        (reg::QUEUE_PFN, false),
        (reg::QUEUE_SIZE, true),
        (reg::QUEUE_ALIGN, true),
        (reg::QUEUE_PFN, true),
    ];
    let expected = [&[(reg::GUEST_PAGE_SIZE, true)], &queue[..], &queue[..]].concat();
    assert_eq!(steps, expected);
}

/// MMIO-LEG-02, MMIO-LEG-03, MMIO-LEG-09: the device is told the size of pages after each reset, before it is
/// told of queues; and they are taken back when it has been reset, so that a device that keeps them comes
/// back.
#[test]
fn queues_are_taken_back() {
    for keeps in [false, true] {
        let device = Device::new(Kind {
            keeps,
            ..Kind::legacy()
        });
        let driver = Driver::legacy(&device);
        let (_, features) = driver.probe(&[256, 128]).expect("comes up");
        let before = [device.queue(0), device.queue(1)];
        let _ = driver.restart(features, &[256, 128]).expect("comes back");
        assert_eq!(before, [device.queue(0), device.queue(1)]);
        assert_eq!(device.written(reg::GUEST_PAGE_SIZE), [PAGE, PAGE]);

        device.forget();
        let _ = bringup::reset(&driver.0).expect("resets");
        assert_eq!(device.written(reg::QUEUE_SEL), [0, 1]);
        assert_eq!(device.written(reg::QUEUE_PFN), [0, 0]);
        // Once.
        device.forget();
        let _ = bringup::reset(&driver.0).expect("resets");
        assert_eq!(device.written(reg::QUEUE_PFN), []);
    }
}

/// MMIO-LEG-09: what was set up of a device that fails is taken back as well, when it has been reset.
#[test]
fn what_was_set_up_is_taken_back() {
    let device = Device::new(Kind {
        keeps: true,
        sizes: vec![256, 0],
        ..Kind::legacy()
    });
    let driver = Driver::legacy(&device);
    assert_eq!(driver.probe(&[256, 128]), Err(Failure::NoQueue(1)));
    assert_eq!(device.queue(0).page, None);

    let device = Device::new(Kind {
        reset: 20,
        ..Kind::legacy()
    });
    let driver = Driver::legacy(&device);
    let _ = driver.probe(&[256, 128]).expect("comes up");
    device.forget();
    let _ = bringup::reset(&driver.0).expect("resets");
    let log = device.log();
    let status = log
        .iter()
        .rposition(|access| *access == Access::Read(reg::STATUS, 4));
    let back = log
        .iter()
        .position(|access| *access == Access::Write(reg::QUEUE_PFN, 4, 0));
    assert!(status < back, "taken back before the reset was confirmed");
}

/// MMIO-LEG-11: a queue that is in use after a reset is not touched, nor asked for its size.
#[test]
fn a_queue_that_is_in_use_is_refused() {
    let (device, result) = probe(Kind {
        stuck: Some(1),
        ..Kind::legacy()
    });
    assert_eq!(result, Err(Failure::QueueEnabled(1)));
    assert_eq!(device.written(reg::STATUS), [0, 1, 3, 0x83, 0]);
}

/// MMIO-LEG-05: a largest size of 0 says that there is no such queue.
#[test]
fn queues_are_counted() {
    let device = Device::new(Kind {
        sizes: vec![64, 8, 0, 64],
        ..Kind::legacy()
    });
    let driver = Driver::legacy(&device);
    for (wanted, found) in [(0, 0), (1, 1), (2, 2), (3, 2), (u16::MAX, 2)] {
        assert_eq!(driver.0.count_queues(wanted), found);
    }
    assert_eq!(driver.probe(&[8; 3]), Err(Failure::NoQueue(2)));
}

/// MMIO-LEG-06: a queue is no larger than the device allows, nor than there are queues.
#[test]
fn sizes_are_bounded() {
    for (max, size) in [(1, 1), (4, 4), (65_535, 32_768), (u32::MAX, 32_768)] {
        let device = Device::new(Kind {
            sizes: vec![max],
            ..Kind::legacy()
        });
        let _ = Driver::legacy(&device)
            .probe(&[u16::MAX])
            .expect("comes up");
        assert_eq!(device.queue(0).size, Some(size));
    }
}

/// MMIO-LEG-08: a ring that the device could not find, it is not told of.
#[test]
fn places_that_have_no_page() {
    let device = Device::new(Kind::legacy());
    let driver = Driver::legacy(&device);
    let good = legacy_ring(0, 256);
    let moved = |by: u64| RingAddresses {
        descriptor: good.descriptor.wrapping_add(by),
        driver: good.driver.wrapping_add(by),
        device: good.device.wrapping_add(by),
    };
    let bad = [
        // Too far up, on page 0, in the middle of a page, not in one piece.
        moved(u64::from(PAGE) << 32),
        moved(good.descriptor.wrapping_neg()),
        moved(0x1000),
        RingAddresses {
            device: good.device + 64,
            ..good
        },
    ];
    for ring in bad {
        let result = bringup::place_queue(&driver.0, 0, 256, ring);
        assert_eq!(result, Err(Failure::QueuePlace(0)));
        assert!(!driver.0.place_queue(0, 256, ring));
    }
    assert_eq!(device.log(), []);
}

/// MMIO-LEG-12: the features that are accepted are among the first 32, and among those that version 1 has a
/// use for.
#[test]
fn features_are_those_of_the_time() {
    let all = FeatureSet::from_words([u32::MAX; 4]);
    let (device, result) = probe(Kind {
        offered: all,
        ..Kind::legacy()
    });
    let expected = FeatureSet::of(&[
        transport::ANY_LAYOUT,
        transport::INDIRECT_DESC,
        transport::EVENT_IDX,
    ]);
    assert_eq!(result, Ok(expected));
    assert_eq!(device.features(), expected);
}

/// MMIO-LEG-12: there is no generation: fields are read byte by byte, until they are twice the same.
#[test]
fn fields_are_read_by_bytes() {
    let device = Device::new(Kind {
        fields: (0..8).map(|at| (at, 1)).collect(),
        ..Kind::legacy()
    });
    let driver = Driver::legacy(&device);
    let value = Config::new(&driver.0).read::<u64>(0);
    // The order is that of the machine; each byte is its offset.
    assert_eq!(value, Ok(u64::from_ne_bytes([0, 1, 2, 3, 4, 5, 6, 7])));
    assert_eq!(device.log().len(), 16);
    let config = Config::new(&driver.0);
    for (offset, length) in [(0x100, 1), (0x1000, 1), (usize::MAX, 1)] {
        assert!(config.write::<u8>(offset, length).is_err());
    }
}

/// MMIO-LEG-13: interrupts are asked about and acknowledged as in version 2.
#[test]
fn interrupts_are_those_of_version_2() {
    for reasons in [1, 2, 3] {
        let device = Device::new(Kind::legacy());
        device.interrupt(reasons);
        assert_eq!(u32::from(interrupt::take(&device)), reasons);
        assert!(!device.interrupts());
    }
}

/// A device that goes at any moment is noticed, without a wait.
#[test]
fn a_device_that_goes() {
    let (device, _) = probe(Kind::legacy());
    for at in 0..device.log().len() {
        let (device, result) = probe(Kind {
            gone_at: Some(at),
            ..Kind::legacy()
        });
        assert!(result.is_err(), "gone at {at}");
        assert_eq!(device.waited(), 0, "gone at {at}");
    }
}

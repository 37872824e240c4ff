// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Bringing devices up again that worked before, resetting single queues, and how often that is
//! done.

use life::{
    reg,
    ring,
    Access,
    Answer,
    Device,
    Driver,
    Kind, //
};
use pure::{
    bringup::{
        self,
        Failure,
        QuietQueue,
        QUEUE_RESET_TIMEOUT, //
    },
    budget::{
        Budget,
        RESTARTS,
        WINDOW, //
    },
    feature::{
        transport,
        FeatureSet, //
    },
    patience::{
        Patience,
        SILENT_RESTARTS, //
    },
    transport::pci::vectors::Plan, //
};

/// What becomes of a device.
type Change = fn(&mut Kind);

/// A device at work with queues of these sizes, and what was agreed on.
fn working(kind: Kind, sizes: &[u16]) -> (Device, Driver, FeatureSet) {
    let device = Device::new(kind);
    let driver = Driver::new(&device);
    let (_, features) = driver.probe(sizes).expect("it comes up");
    device.forget();
    (device, driver, features)
}

/// STAT-04, FEAT-11, PCI-MSIX-07: a device that asks for a reset gets it, and works as before: same features,
/// queues and vectors.
#[test]
fn a_device_is_restarted_as_it_was() {
    let (device, driver, features) = working(Kind::default(), &[64, 32]);
    let before = [device.queue(0), device.queue(1)];
    device.need_reset();

    let progress = driver.restart(features, &[64, 32]).expect("it comes back");

    assert!(progress.is_live());
    assert_eq!(device.written(reg::DEVICE_STATUS), [0, 1, 3, 11, 15]);
    assert_eq!(device.features(), features);
    assert_eq!([device.queue(0), device.queue(1)], before);
    assert_eq!(device.config_vector(), Some(0));
    assert_eq!(device.waited(), 0);
}

/// What a device offers beyond what it did is not accepted: its driver does not know of it.
#[test]
fn new_features_are_left_alone() {
    let few = FeatureSet::of(&[transport::VERSION_1]);
    let (device, driver, features) = working(
        Kind {
            offered: few,
            ..Kind::default()
        },
        &[64],
    );
    device.change(|kind| kind.offered = Kind::default().offered);

    assert!(driver.restart(features, &[64]).is_ok());
    assert_eq!(device.features(), few);
}

/// FEAT-11: a device that offers less than it did, or smaller queues, or no room for vectors, is given up.
#[test]
fn a_device_that_came_back_as_another() {
    let changes: [(Failure, Change); 6] = [
        (Failure::FeaturesLost, |kind| {
            kind.offered = kind.offered.without(transport::EVENT_IDX);
        }),
        (Failure::FeaturesLost, |kind| {
            kind.offered = FeatureSet::empty()
        }),
        (Failure::Features, |kind| kind.agrees = false),
        (Failure::NoQueue(1), |kind| kind.sizes = vec![64, 16]),
        (Failure::NoQueue(1), |kind| kind.sizes = vec![64]),
        (Failure::Vector, |kind| kind.vectors = 2),
    ];
    for (failure, change) in changes {
        let (device, driver, features) = working(Kind::default(), &[64, 32]);
        device.change(change);

        let abandoned = driver.restart(features, &[64, 32]).expect_err("it fails");

        assert_eq!(abandoned.why, failure);
        assert!(abandoned.quiet.is_ok());
        let statuses = device.written(reg::DEVICE_STATUS);
        let [.., failed, reset] = statuses[..] else {
            panic!("FAILED and a reset end it: {statuses:?}");
        };
        assert!(failed & 0x80 != 0 && reset == 0, "{statuses:?}");
        assert!(!device.queue(0).enabled);
    }
}

/// A device that is gone does not come back, and is not waited for.
#[test]
fn a_device_that_is_gone() {
    let (device, driver, features) = working(Kind::default(), &[64]);
    device.change(|kind| kind.gone_at = Some(0));

    let abandoned = driver.restart(features, &[64]).expect_err("it is gone");
    assert_eq!(abandoned.why, Failure::Gone);
    assert_eq!(device.waited(), 0);
}

/// VQRST-01, VQRST-03, VQRST-06, PCI-COM-07, PCI-COM-08, PCI-COM-09, PCI-COM-16: one queue is reset,
/// waited for, and used again at another size and place, of which the device is told all, while the
/// others go on.
#[test]
fn a_queue_is_reset_and_comes_back() {
    let (device, driver, _) = working(
        Kind {
            queue_reset: Answer::After(20),
            lingers: 5,
            ..Kind::default()
        },
        &[64, 32],
    );
    let other = device.queue(0);

    let quiet = bringup::reset_queue(&driver, 1).expect("it resets");
    assert_eq!(device.waited(), 25);
    assert!(!device.queue(1).enabled);
    assert_eq!(device.queue(0), other);

    let vector = || Plan::PerQueue.program_queue(&driver.common, 1);
    assert_eq!(
        bringup::enable_queue(&driver, quiet, 128, ring(7), vector),
        Ok(())
    );
    let queue = device.queue(1);
    assert!(queue.enabled);
    assert_eq!(queue.size, Some(128));
    assert_eq!(queue.vector, Some(2));
    let place = ring(7);
    let place = [place.descriptor, place.driver, place.device];
    let place = place.map(|address| [address as u32, (address >> 32) as u32]);
    assert_eq!(queue.words[..], *place.as_flattened());
    assert!(device.written(reg::DEVICE_STATUS).is_empty());
    assert_eq!(device.queue(0), other);

    // Larger than it may be: it stays as it is.
    let quiet = bringup::reset_queue(&driver, 1).expect("it resets");
    assert_eq!(
        bringup::enable_queue(&driver, quiet, 256, ring(7), vector),
        Err(Failure::NoQueue(1))
    );
    assert!(!device.queue(1).enabled);
}

/// VQRST-03, PCI-COM-08: a queue that was reset is enabled again after all else that is said of it,
/// and not before it has been reset.
#[test]
fn a_queue_that_was_reset_is_enabled_last() {
    let (device, driver, _) = working(Kind::default(), &[64, 32]);
    let quiet = bringup::reset_queue(&driver, 1).expect("it resets");
    assert!(device.written(reg::QUEUE_ENABLE).is_empty());
    assert_eq!(device.written(reg::QUEUE_RESET), [1]);
    device.forget();

    let vector = || Plan::PerQueue.program_queue(&driver.common, 1);
    assert_eq!(
        bringup::enable_queue(&driver, quiet, 32, ring(1), vector),
        Ok(())
    );
    let writes = device.log().into_iter().filter_map(|access| match access {
        Access::Write(at, _, _) if at != reg::QUEUE_SELECT => Some(at),
        _ => None,
    });
    let words = (reg::QUEUE_DESC..reg::QUEUE_DESC + 24).step_by(4);
    let expected = [reg::QUEUE_SIZE]
        .into_iter()
        .chain(words)
        .chain([reg::QUEUE_MSIX_VECTOR, reg::QUEUE_ENABLE]);
    assert!(writes.eq(expected), "{:?}", device.log());
}

/// VQRST-01, VQRST-02: a queue whose reset does not end is not waited for longer than there is to be, and not at all
/// once the device asks for a reset as a whole or is gone.
#[test]
fn a_queue_that_does_not_reset() {
    let (device, driver, _) = working(
        Kind {
            queue_reset: Answer::Never,
            ..Kind::default()
        },
        &[64],
    );
    assert_eq!(bringup::reset_queue(&driver, 0), Err(Failure::Timeout));
    let waited = device.waited();
    assert!((QUEUE_RESET_TIMEOUT..QUEUE_RESET_TIMEOUT + 10).contains(&waited));

    let (device, driver, _) = working(
        Kind {
            queue_reset: Answer::NeedsReset,
            ..Kind::default()
        },
        &[64],
    );
    assert_eq!(bringup::reset_queue(&driver, 0), Err(Failure::Status));
    assert!(device.waited() <= 1);

    device.change(|kind| kind.gone_at = Some(0));
    assert_eq!(bringup::reset_queue(&driver, 0), Err(Failure::Gone));
}

/// VQRST-02: what a queue had is taken back when the device has let go of it, and no sooner: until
/// then the device reads and writes the ring.
#[test]
fn what_a_queue_had_is_taken_back_after_its_reset() {
    let (device, driver, _) = working(
        Kind {
            queue_reset: Answer::After(7),
            lingers: 3,
            ..Kind::default()
        },
        &[64, 32],
    );
    let other = device.queue(0);
    let mut taken_back = false;

    let renewed = bringup::renew_queue(
        &driver,
        1,
        |_| {
            assert!(!device.uses(1), "the device uses the queue");
            assert_eq!(device.queue(0), other);
            taken_back = true;
            Ok((16, ring(7)))
        },
        || Plan::PerQueue.program_queue(&driver.common, 1),
    );

    assert_eq!(renewed, Ok(()));
    assert!(taken_back && device.uses(1));
    assert_eq!(device.queue(1).size, Some(16));
}

/// VQRST-02: of a queue that the device does not let go of nothing is taken back. Nor is a queue
/// enabled that was not.
#[test]
fn what_a_queue_has_stays_without_a_reset() {
    let failures: [(Failure, Change); 3] = [
        (Failure::Timeout, |kind| kind.queue_reset = Answer::Never),
        (Failure::Status, |kind| {
            kind.queue_reset = Answer::NeedsReset;
        }),
        (Failure::Gone, |kind| kind.gone_at = Some(0)),
    ];
    for (failure, change) in failures {
        let (device, driver, _) = working(Kind::default(), &[64]);
        device.change(change);
        let renew = |_: &QuietQueue| unreachable!("nobody has confirmed a reset");
        let renewed = bringup::renew_queue(&driver, 0, renew, || true);
        assert_eq!(renewed, Err(failure));
        assert!(device.written(reg::QUEUE_ENABLE).is_empty());
    }

    // What fails when it is taken back leaves the queue as the reset did.
    let (device, driver, _) = working(Kind::default(), &[64]);
    let renewed = bringup::renew_queue(&driver, 0, |_| Err(Failure::Memory), || true);
    assert_eq!(renewed, Err(Failure::Memory));
    assert!(!device.uses(0));
    assert_eq!(device.written(reg::QUEUE_RESET), [1]);
    assert!(device.written(reg::QUEUE_ENABLE).is_empty());
}

/// A device that answers nothing from one restart to the next is given up, however many requests
/// wait for it; one that answers others is not.
#[test]
fn patience_ends_with_a_silent_device() {
    let mut patience = Patience::new();
    for restarts in 0..SILENT_RESTARTS {
        for _ in 0..64 {
            assert!(patience.lasts(7, restarts));
        }
    }
    assert!(!patience.lasts(7, SILENT_RESTARTS));
    assert!(!patience.lasts(7, SILENT_RESTARTS));

    let mut patience = Patience::new();
    for restarts in 0..1000 {
        assert!(patience.lasts(u64::from(restarts) / 3, restarts));
    }
}

/// A device is restarted now and then for ever, but not all the time.
#[test]
fn restarts_are_rationed() {
    let mut budget = Budget::new();
    for now in 0..RESTARTS {
        assert!(budget.take(now as u64));
    }
    for now in RESTARTS as u64..WINDOW {
        assert!(!budget.take(now));
    }
    for now in 0..RESTARTS as u64 {
        assert!(budget.take(WINDOW + now));
    }
    assert!(!budget.take(WINDOW + RESTARTS as u64));

    let mut patient = Budget::new();
    for round in 0..10_000 {
        assert!(patient.take(round * WINDOW / RESTARTS as u64));
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What is done to the registers of a device and in which order, whatever the device is like.

use life::{
    reg,
    Access,
    Answer,
    Device,
    Driver,
    Kind, //
};
use pure::{
    bringup,
    feature::{
        transport,
        FeatureSet, //
    },
    transport::pci::vectors::{
        self,
        Plan, //
    },
};
use std::collections::{
    BTreeMap,
    BTreeSet, //
};

/// Sizes of the queues of each device.
const SIZES: [u16; 2] = [128, 64];

/// Devices that come up, and such that do not for one reason each.
fn kinds() -> Vec<Kind> {
    let default = Kind::default;
    vec![
        default(),
        Kind {
            reset: Answer::After(20),
            ..default()
        },
        Kind {
            reset: Answer::Never,
            ..default()
        },
        Kind {
            offered: FeatureSet::of(&[transport::EVENT_IDX]),
            ..default()
        },
        Kind {
            agrees: false,
            ..default()
        },
        Kind {
            rejects: Some(11),
            ..default()
        },
        Kind {
            rejects: Some(15),
            ..default()
        },
        Kind {
            sizes: vec![256],
            ..default()
        },
        Kind {
            takes_sizes: false,
            ..default()
        },
        Kind {
            stuck: Some(0),
            ..default()
        },
        Kind {
            vectors: 2,
            ..default()
        },
        Kind {
            suspend: Answer::NeedsReset,
            ..default()
        },
        Kind {
            queue_reset: Answer::Never,
            ..default()
        },
    ]
}

/// A device of this kind and all that is ever done to one: it is brought up, suspended, resumed,
/// one of its queues is reset, and it is started anew, reset, and its vectors are cleared. What does
/// not work out is left out.
fn life(kind: Kind) -> Vec<Access> {
    let device = Device::new(kind);
    let driver = Driver::new(&device);
    if let Ok((progress, features)) = driver.probe(&SIZES) {
        let _ = progress.suspend(&driver);
        let _ = progress.unsuspend(&driver);
        let renewed = |_: &_| Ok((SIZES[1], life::ring(1)));
        let vector = || Plan::PerQueue.program_queue(&driver.common, 1);
        let _ = bringup::renew_queue(&driver, 1, renewed, vector);
        let _ = driver.restart(features, &SIZES);
        let _ = bringup::reset(&driver);
        vectors::clear(&driver.common, 2);
    }
    device.log()
}

/// The logs of all kinds of devices.
fn lives() -> impl Iterator<Item = Vec<Access>> {
    kinds().into_iter().map(life)
}

/// The status that an access writes.
fn status(access: &Access) -> Option<u32> {
    match access {
        Access::Write(reg::DEVICE_STATUS, 1, status) => Some(*status),
        _ => None,
    }
}

/// The lives of a device between resets, each with the reset that it begins with.
fn sessions(log: &[Access]) -> impl Iterator<Item = &[Access]> {
    let starts: Vec<usize> = (0..log.len())
        .filter(|at| status(&log[*at]) == Some(0))
        .collect();
    let ends = starts.clone().into_iter().skip(1).chain([log.len()]);
    starts
        .into_iter()
        .zip(ends)
        .map(|(start, end)| &log[start..end])
}

/// Where in a log something is done for the first time.
fn first(log: &[Access], what: impl Fn(&Access) -> bool) -> usize {
    log.iter().position(what).expect("it is done")
}

/// STAT-01: each step sets the bit that says so, and no other. What fails on the way sets FAILED.
#[test]
fn the_status_says_how_far_it_got() {
    let mut seen = BTreeSet::new();
    for log in lives() {
        for session in sessions(&log) {
            let steps: Vec<u32> = session.iter().filter_map(status).collect();
            let way = [0, 1, 3, 11, 15, 31, 31];
            let failed = steps.last().filter(|last| *last & 0x80 != 0);
            let good = steps.len() - usize::from(failed.is_some());
            assert_eq!(steps[..good], way[..good], "{steps:?}");
            if let Some(failed) = failed {
                assert_eq!(*failed, way[good - 1] | 0x80, "{steps:?}");
            }
            seen.insert(steps);
        }
    }
    // To the end, and not as far: for each place to stop there is a device.
    for steps in [
        &[0][..],
        &[0, 1, 3, 0x83],
        &[0, 1, 3, 11, 0x8b],
        &[0, 1, 3, 11, 15],
        &[0, 1, 3, 11, 15, 31, 31],
    ] {
        assert!(seen.contains(steps), "{steps:?} in {seen:?}");
    }
}

/// STAT-02: no bit that was set is written as zero, but by a reset, not even when the device is given
/// up or suspended.
#[test]
fn no_bit_of_the_status_is_dropped() {
    for log in lives() {
        for session in sessions(&log) {
            let steps: Vec<u32> = session.iter().filter_map(status).collect();
            for pair in steps.windows(2) {
                assert_eq!(pair[0] & !pair[1], 0, "{steps:?}");
            }
        }
    }
}

/// RST-01, PCI-COM-05: a reset is over when the status is read as zero, however long that takes, and
/// until then nothing else is read or written.
#[test]
fn a_reset_is_waited_for() {
    for looks in [0, 1, 2, 50] {
        let log = life(Kind {
            reset: Answer::After(looks),
            ..Kind::default()
        });
        let mut count = 0;
        for session in sessions(&log) {
            let look = Access::Read(reg::DEVICE_STATUS, 1);
            let waited = session[1..].iter().take_while(|access| **access == look);
            assert!(waited.count() > looks as usize, "{session:?}");
            count += 1;
        }
        assert_eq!(count, 3, "each of them is waited for");
    }
}

/// INIT-01: reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK and whether that is still set, queues
/// and vectors, DRIVER_OK: all that is done is done in its turn, in the first life and in each later
/// one.
#[test]
fn a_device_is_brought_up_in_order() {
    // What belongs to which step: everything but the status.
    let step = |access: &Access| match access {
        Access::Read(at, _) | Access::Write(at, ..) => match *at {
            reg::DEVICE_STATUS => None,
            reg::DEVICE_FEATURE_SELECT..reg::CONFIG_MSIX_VECTOR => Some(3),
            _ => Some(11),
        },
    };
    let log = life(Kind::default());
    let mut full = 0;
    for session in sessions(&log) {
        let mut now = 0;
        let start = session.iter().position(|access| status(access) == Some(15));
        let Some(start) = start else {
            continue;
        };
        for access in &session[..start] {
            now = status(access).unwrap_or(now);
            assert!(step(access).is_none_or(|step| step == now), "{access:?}");
        }
        let agreed = first(session, |access| status(access) == Some(11));
        let again = Access::Read(reg::DEVICE_STATUS, 1);
        assert_eq!(session[agreed + 1], again, "FEATURES_OK is looked at");
        full += 1;
    }
    assert_eq!(full, 2);
}

/// INIT-04: the device is told what is accepted before FEATURES_OK, and nothing of that any more
/// afterwards.
#[test]
fn accepted_features_stay_as_they_are() {
    let feature = |access: &Access| matches!(access, Access::Write(reg::DRIVER_FEATURE, ..));
    for log in lives() {
        for session in sessions(&log) {
            let agreed = session.iter().position(|access| status(access) == Some(11));
            let Some(agreed) = agreed else {
                continue;
            };
            assert!(session[..agreed].iter().any(feature));
            assert!(!session[agreed..].iter().any(feature), "{session:?}");
        }
    }
}

/// INIT-09, PCI-COM-04: before a queue is enabled it has its size, its vector and all three addresses,
/// none of which is written once it is; and all queues are enabled before DRIVER_OK.
#[test]
fn queues_are_whole_before_they_are_enabled() {
    /// The fields of a queue that are to be written.
    const FIELDS: [usize; 8] = [0x18, 0x1a, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34];
    let mut enabled_ever = 0;
    for log in lives() {
        for session in sessions(&log) {
            let mut queue = 0;
            let mut written: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
            let mut enabled = BTreeSet::new();
            for access in session {
                let Access::Write(at, _, value) = *access else {
                    continue;
                };
                match at {
                    reg::QUEUE_SELECT => queue = value,
                    reg::QUEUE_RESET => {
                        written.remove(&queue);
                        enabled.remove(&queue);
                    }
                    reg::QUEUE_ENABLE => {
                        let fields = written.entry(queue).or_default();
                        assert!(fields.iter().eq(&FIELDS), "queue {queue}: {fields:x?}");
                        enabled.insert(queue);
                        enabled_ever += 1;
                    }
                    _ if FIELDS.contains(&at) => {
                        assert!(!enabled.contains(&queue), "{at:#x} of an enabled queue");
                        written.entry(queue).or_default().insert(at);
                    }
                    reg::DEVICE_STATUS if value == 15 => {
                        assert!(enabled.iter().eq(&[0, 1]), "{enabled:?}");
                    }
                    _ => {}
                }
            }
        }
    }
    assert!(enabled_ever >= 20, "{enabled_ever}");
}

/// PCI-COM-01: what the device says is not written. PCI-COM-06: nor is it told that a queue is not to
/// be enabled.
#[test]
fn registers_for_reading_are_not_written() {
    let mut enabled = 0;
    for access in lives().flatten() {
        let Access::Write(at, _, value) = access else {
            continue;
        };
        // The features, the number of queues, the generation, and two fields of a queue: where it is
        // notified, and with what.
        assert!(!matches!(
            at,
            0x04..0x08 | 0x12 | 0x13 | 0x15 | 0x1e | 0x1f | 0x38 | 0x39
        ));
        if at == reg::QUEUE_ENABLE {
            assert_eq!(value, 1);
            enabled += 1;
        }
    }
    assert!(enabled >= 20, "{enabled}");
}

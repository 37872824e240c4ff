// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices of any type that claim what is not so of themselves or of their answers.
//!
//! As in [`super::hostile`], what the driver makes of that is seen in the guest.

use crate::{
    common::reg,
    event::Structure,
    pci::cap,
    scenario::{
        lawful,
        Scenario, //
    },
    script::{
        Answer,
        Script,
        Taken, //
    },
};
use std::time::Duration;

/// A device that answers requests like this.
fn answers(mut answer: impl FnMut(&Taken<'_>) -> Answer + Send + 'static) -> Script {
    Script {
        answer: Some(Box::new(move |taken| answer(taken))),
        ..Script::default()
    }
}

/// A device that says of each answer that it is so long, by the room that there is.
fn lengths(claim: fn(u32) -> u32) -> Script {
    answers(move |taken| Answer {
        claim: Some(claim(u32::try_from(taken.chain.writable).unwrap_or(0))),
        ..Answer::default()
    })
}

/// A device of which one register of the common configuration reads as something else.
fn field(offset: u64, value: fn(u64) -> u64) -> Script {
    Script {
        read: Some(Box::new(move |register, old| {
            match register == (Structure::Common, offset) {
                true => value(old),
                false => old,
            }
        })),
        ..Script::default()
    }
}

/// A device whose own configuration reads like this; the argument counts reads.
fn config(value: fn(u64, u64) -> u64) -> Script {
    let mut count = 0;
    Script {
        read: Some(Box::new(move |(structure, _), old| match structure {
            Structure::Device => {
                count += 1;
                value(count, old)
            }
            _ => old,
        })),
        ..Script::default()
    }
}

/// A device with other bytes in configuration space.
fn space(bytes: &[(usize, u8)]) -> Script {
    Script {
        space: bytes.to_vec(),
        ..Script::default()
    }
}

/// A device with queues that may have so many entries.
fn queue_size(size: u16) -> Script {
    Script {
        queue_size: Some(size),
        ..Script::default()
    }
}

/// A scenario in which nothing is said of the driver.
const fn wild(name: &'static str, script: fn() -> Script) -> Scenario {
    Scenario {
        name,
        script,
        verdict: |_| Ok(()),
    }
}

/// A scenario in which the driver is to break no rule.
const fn tame(name: &'static str, script: fn() -> Script) -> Scenario {
    Scenario {
        name,
        script,
        verdict: lawful,
    }
}

/// Scenarios of this file.
pub(crate) static ALL: &[Scenario] = &[
    // Lengths.
    tame("length-0", || lengths(|_| 0)),
    tame("length-1", || lengths(|_| 1)),
    tame("length-short", || lengths(|room| room.saturating_sub(1))),
    tame("length-over", || lengths(|room| room + 1)),
    tame("length-all", || lengths(|_| u32::MAX)),
    // Rings.
    wild("id-0-always", || {
        answers(|_| Answer {
            entry: Some(0),
            ..Answer::default()
        })
    }),
    wild("all-used-twice", || {
        answers(|_| Answer {
            twice: true,
            ..Answer::default()
        })
    }),
    wild("all-overwritten", || {
        answers(|_| Answer {
            scribble: true,
            ..Answer::default()
        })
    }),
    wild("index-jumps-always", || {
        answers(|taken| Answer {
            jump: (taken.before % 5) as u16,
            ..Answer::default()
        })
    }),
    // What the driver wrote of buffers that it made available.
    wild("available-overwritten", || {
        answers(|taken| Answer {
            deface: taken.before % 4 == 2,
            ..Answer::default()
        })
    }),
    tame("interrupts-scarce", || {
        answers(|taken| Answer {
            silent: taken.before % 8 == 5,
            ..Answer::default()
        })
    }),
    tame("out-of-order", || {
        answers(|taken| Answer {
            after: Duration::from_millis(4 * (taken.before % 3)),
            ..Answer::default()
        })
    }),
    tame("queue-size-2", || queue_size(2)),
    tame("queue-size-32768", || queue_size(32768)),
    // Registers.
    tame("queue-never-enabled", || field(reg::QUEUE_ENABLE, |_| 0)),
    wild("features-of-all-ones", || {
        field(reg::DEVICE_FEATURE, |_| 0xffff_ffff)
    }),
    wild("notify-at-odd-places", || {
        field(reg::QUEUE_NOTIFY_OFF, |old| old + 0x3ff)
    }),
    tame("configuration-of-ones", || config(|_, _| u64::MAX)),
    tame("configuration-of-zeroes", || config(|_, _| 0)),
    tame("configuration-changes", || {
        config(|count, old| if count % 2 == 0 { !old } else { old })
    }),
    // Capabilities.
    tame("notify-bar-7", || space(&[(cap::NOTIFY + 4, 7)])),
    tame("notify-outside", || space(&[(cap::NOTIFY + 10, 0x10)])),
    tame("isr-outside", || space(&[(cap::ISR + 10, 0x10)])),
    tame("isr-bar-7", || space(&[(cap::ISR + 4, 7)])),
    tame("device-bar-7", || space(&[(cap::DEVICE + 4, 7)])),
    tame("device-length-0", || {
        space(&[(cap::DEVICE + 12, 0), (cap::DEVICE + 13, 0)])
    }),
    tame("unknown-capability", || space(&[(cap::PCI_CFG + 3, 77)])),
    // The first one is to be used (4.1.4), whatever a second one says.
    tame("second-common", || {
        space(&[(cap::PCI_CFG + 3, 1), (cap::PCI_CFG + 4, 7)])
    }),
    tame("common-other-id", || space(&[(cap::COMMON, 5)])),
    tame("common-too-long", || space(&[(cap::COMMON + 14, 0xff)])),
    // Behind the end of a BAR that has something else.
    tame("notify-bar-1", || space(&[(cap::NOTIFY + 4, 1)])),
    tame("notify-multiplier-0", || space(&[(cap::NOTIFY + 16, 0)])),
    wild("notify-in-common", || space(&[(cap::NOTIFY + 9, 0)])),
    wild("device-in-common", || space(&[(cap::DEVICE + 9, 0)])),
    wild("isr-in-common", || space(&[(cap::ISR + 9, 0)])),
    tame("common-length-56", || space(&[(cap::COMMON + 12, 56)])),
    tame("caps-of-no-length", || {
        let caps = [cap::COMMON, cap::NOTIFY, cap::ISR, cap::DEVICE];
        space(&caps.map(|at| (at + 2, 0)))
    }),
];

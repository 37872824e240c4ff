// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices of any type that lie, change their mind, or say nothing.
//!
//! What the driver is to make of them is seen in the guest: it lives, the driver refuses the device,
//! fails it or recovers, in bounded time, and lets go of it. As long as the rings are not what the
//! device itself thinks that they are, nothing can be said of the driver here.

use crate::{
    common::{
        feature,
        reg, //
    },
    event::{
        Event,
        Register,
        Structure, //
    },
    pci::cap,
    scenario::{
        lawful,
        Scenario,
        Verdict, //
    },
    script::{
        Action,
        Answer,
        Script, //
    },
};

/// Nothing is said of the driver.
fn whatever(_: &[Event]) -> Verdict {
    Ok(())
}

/// A device of which one register of the common configuration reads as something else.
fn field(offset: u64, mut value: impl FnMut(u64) -> u64 + Send + 'static) -> Script {
    Script {
        read: Some(Box::new(move |register: Register, old| {
            if register == (Structure::Common, offset) {
                value(old)
            } else {
                old
            }
        })),
        ..Script::default()
    }
}

/// A number that is different each time, from a seed: xorshift.
fn numbers(seed: u64) -> impl FnMut() -> u64 + Send {
    let mut state = seed;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

/// A device of which one in four answers of registers is any number.
fn random_registers(seed: u64) -> Script {
    let mut next = numbers(seed);
    Script {
        read: Some(Box::new(move |_, old| {
            let random = next();
            if random % 4 == 0 {
                random >> 8
            } else {
                old
            }
        })),
        ..Script::default()
    }
}

/// A device that answers one request in four with any id, length or index.
fn random_answers(seed: u64) -> Script {
    let mut next = numbers(seed);
    answers(move |_| {
        let random = next();
        let value = (random >> 8) as u32;
        match random % 16 {
            0 => Answer {
                entry: Some(value % 16),
                ..Answer::default()
            },
            1 => Answer {
                claim: Some(value),
                ..Answer::default()
            },
            2 => Answer {
                jump: (value & 0xffff) as u16,
                ..Answer::default()
            },
            3 => Answer {
                twice: true,
                ..Answer::default()
            },
            _ => Answer::default(),
        }
    })
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

/// A device that answers requests like this; the argument counts them.
fn answers(mut answer: impl FnMut(u64) -> Answer + Send + 'static) -> Script {
    Script {
        answer: Some(Box::new(move |taken| answer(taken.before))),
        ..Script::default()
    }
}

/// A device that answers its third request like this, and all others as it should.
fn third(answer: Answer) -> Script {
    answers(move |before| {
        if before == 2 {
            answer.clone()
        } else {
            Answer::default()
        }
    })
}

/// A device that is gone once it has had some requests.
fn gone_at_work() -> Script {
    let mut writes = 0;
    Script {
        write: Some(Box::new(move |_, value| Some(value))),
        read: Some(Box::new(move |register, old| {
            writes += u64::from(register.0 == Structure::Common);
            if writes > 60 {
                u64::MAX
            } else {
                old
            }
        })),
        ..Script::default()
    }
}

/// A device that asks for a reset at each request.
fn never_content() -> Script {
    Script {
        react: Some(Box::new(|event| match event {
            Event::Taken(..) => vec![Action::NeedsReset],
            _ => Vec::new(),
        })),
        ..Script::default()
    }
}

/// A scenario in which nothing is said of the driver.
const fn wild(name: &'static str, script: fn() -> Script) -> Scenario {
    Scenario {
        name,
        script,
        verdict: whatever,
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
    // Registers.
    wild("all-ones", || Script {
        read: Some(Box::new(|_, _| u64::MAX)),
        ..Script::default()
    }),
    wild("all-zeroes", || Script {
        read: Some(Box::new(|_, _| 0)),
        ..Script::default()
    }),
    wild("gone-at-work", gone_at_work),
    wild("status-stuck", || field(reg::STATUS, |old| old | 1)),
    wild("status-all", || field(reg::STATUS, |_| 0x7f)),
    wild("status-failed", || field(reg::STATUS, |old| old | 0x80)),
    wild("status-needs-reset", || {
        field(reg::STATUS, |old| if old < 4 { old } else { old | 64 })
    }),
    wild("status-random", || {
        let mut next = numbers(1);
        field(reg::STATUS, move |_| next() >> 8)
    }),
    tame("features-refused", || field(reg::STATUS, |old| old & !8)),
    tame("features-none", || Script {
        withhold: u128::MAX,
        ..Script::default()
    }),
    tame("features-unknown", || Script {
        offer: u128::MAX << 64 | 0xff << 50,
        ..Script::default()
    }),
    wild("features-all", || Script {
        offer: u128::MAX,
        ..Script::default()
    }),
    tame("features-no-version", || Script {
        withhold: feature::VERSION_1,
        ..Script::default()
    }),
    tame("queues-none", || field(reg::NUM_QUEUES, |_| 0)),
    tame("queues-many", || field(reg::NUM_QUEUES, |_| 0xffff)),
    tame("queue-size-0", || queue_size(0)),
    tame("queue-size-1", || queue_size(1)),
    tame("queue-size-3", || queue_size(3)),
    wild("queue-size-1000", || queue_size(1000)),
    wild("queue-size-65535", || queue_size(65535)),
    wild("queue-size-changes", || {
        let mut next = numbers(2);
        field(reg::QUEUE_SIZE, move |_| next() >> 8)
    }),
    wild("queue-enabled", || field(reg::QUEUE_ENABLE, |_| 1)),
    wild("notify-far", || field(reg::QUEUE_NOTIFY_OFF, |_| 0xffff)),
    tame("vectors-refused", super::basic::no_vectors),
    wild("vectors-random", || {
        let mut next = numbers(3);
        field(reg::QUEUE_VECTOR, move |_| next() >> 8)
    }),
    wild("generation-changes", || {
        let mut count = 0;
        field(reg::GENERATION, move |_| {
            count += 1;
            count
        })
    }),
    wild("isr-always", || Script {
        read: Some(Box::new(|(structure, _), old| match structure {
            Structure::Isr => 0xff,
            _ => old,
        })),
        ..Script::default()
    }),
    wild("registers-random-1", || random_registers(0x1234_5678)),
    wild("registers-random-2", || random_registers(0xfeed_f00d)),
    wild("registers-random-3", || random_registers(0xdead_beef)),
    // Capabilities.
    tame("common-bar-7", || space(&[(cap::COMMON + 4, 7)])),
    tame("common-bar-5", || space(&[(cap::COMMON + 4, 5)])),
    tame("common-length-0", || space(&[(cap::COMMON + 12, 0)])),
    tame("common-length-55", || space(&[(cap::COMMON + 12, 55)])),
    tame("common-outside", || space(&[(cap::COMMON + 10, 0x10)])),
    tame("common-wraps", || {
        space(&[8, 9, 10, 11].map(|at| (cap::COMMON + at, 0xff)))
    }),
    tame("common-unaligned", || space(&[(cap::COMMON + 8, 1)])),
    tame("common-missing", || space(&[(cap::COMMON + 3, 9)])),
    tame("notify-missing", || space(&[(cap::NOTIFY + 3, 9)])),
    tame("notify-length-0", || space(&[(cap::NOTIFY + 13, 0)])),
    tame("notify-wraps", || {
        space(&[12, 13, 14, 15].map(|at| (cap::NOTIFY + at, 0xff)))
    }),
    tame("notify-multiplier-3", || space(&[(cap::NOTIFY + 16, 3)])),
    wild("notify-multiplier-all", || {
        space(&[16, 17, 18, 19].map(|at| (cap::NOTIFY + at, 0xff)))
    }),
    tame("notify-short-cap", || space(&[(cap::NOTIFY + 2, 16)])),
    tame("isr-missing", || space(&[(cap::ISR + 3, 9)])),
    tame("isr-length-0", || space(&[(cap::ISR + 12, 0)])),
    tame("device-missing", || space(&[(cap::DEVICE + 3, 9)])),
    tame("device-outside", || space(&[(cap::DEVICE + 11, 0x80)])),
    tame("all-missing", || {
        let caps = [
            cap::COMMON,
            cap::NOTIFY,
            cap::ISR,
            cap::DEVICE,
            cap::PCI_CFG,
        ];
        space(&caps.map(|at| (at + 3, 0)))
    }),
    tame("all-the-same", || {
        let caps = [cap::NOTIFY, cap::ISR, cap::DEVICE];
        space(&caps.map(|at| (at + 3, 1)))
    }),
    // Rings.
    wild("id-out-of-range", || {
        third(Answer {
            entry: Some(0x1234),
            ..Answer::default()
        })
    }),
    wild("id-all-ones", || {
        third(Answer {
            entry: Some(u32::MAX),
            ..Answer::default()
        })
    }),
    wild("id-free", || {
        third(Answer {
            entry: Some(5),
            ..Answer::default()
        })
    }),
    wild("id-with-high-bits", || {
        third(Answer {
            entry: Some(0x1_0000),
            ..Answer::default()
        })
    }),
    wild("index-jumps-1", || {
        third(Answer {
            jump: 1,
            ..Answer::default()
        })
    }),
    wild("index-jumps-1000", || {
        third(Answer {
            jump: 1000,
            ..Answer::default()
        })
    }),
    wild("index-jumps-back", || {
        third(Answer {
            jump: 0xfffe,
            ..Answer::default()
        })
    }),
    wild("used-twice", || {
        third(Answer {
            twice: true,
            ..Answer::default()
        })
    }),
    wild("descriptors-overwritten", || {
        third(Answer {
            scribble: true,
            ..Answer::default()
        })
    }),
    tame("one-not-answered", || {
        third(Answer {
            keep: true,
            ..Answer::default()
        })
    }),
    tame("nothing-answered", || {
        answers(|_| Answer {
            keep: true,
            ..Answer::default()
        })
    }),
    wild("answers-random-1", || random_answers(0x1111)),
    wild("answers-random-2", || random_answers(0x2222)),
    wild("answers-random-3", || random_answers(0x3333)),
    // What happens out of turn.
    wild("never-content", never_content),
    tame("interrupts-at-each-access", || Script {
        react: Some(Box::new(|event| match event {
            Event::Read(..) | Event::Write(..) | Event::Status(_) => vec![Action::InterruptAll],
            _ => Vec::new(),
        })),
        ..Script::default()
    }),
];

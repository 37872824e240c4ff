// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices of old that lie, change their mind, do not listen, or go.
//!
//! What the driver makes of that is seen in the guest, as in [`crate::scenarios::hostile`]: it
//! lives, the driver refuses the device, fails it or recovers, and lets go of it. Scenarios of other
//! files that are about rings, queue sizes or all registers are for these devices as well.

use super::{
    Field,
    LIVE, //
};
use crate::{
    event::Event,
    scenario::{
        lawful,
        never,
        Scenario,
        Verdict, //
    },
    script::Script,
};
use std::sync::{
    atomic::{
        AtomicBool,
        Ordering, //
    },
    Arc, //
};
use std::time::{
    Duration,
    Instant, //
};

/// A device whose registers read like this, as far as both interfaces have them.
pub(super) fn fields(mut value: impl FnMut(Field, u64) -> u64 + Send + 'static) -> Script {
    Script {
        read: Some(Box::new(move |register, old| {
            Field::of(register).map_or(old, |field| value(field, old))
        })),
        ..Script::default()
    }
}

/// The same with one register.
fn one(which: Field, mut value: impl FnMut(u64) -> u64 + Send + 'static) -> Script {
    fields(move |field, old| match field == which {
        true => value(old),
        false => old,
    })
}

/// A device for which writes of a register are nothing.
fn deaf(which: Field) -> Script {
    Script {
        write: Some(Box::new(move |register, value| {
            (Field::of(register) != Some(which)).then_some(value)
        })),
        ..Script::default()
    }
}

/// Numbers that nobody expects: xorshift.
fn numbers(seed: u64) -> impl FnMut() -> u64 + Send {
    let mut state = seed;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 8
    }
}

/// A device that is gone from something on: all of its registers are all ones.
fn gone_from(is: fn(&Event) -> bool) -> Script {
    let gone = Arc::new(AtomicBool::new(false));
    let is_gone = gone.clone();
    Script {
        react: Some(Box::new(move |event| {
            if is(event) {
                gone.store(true, Ordering::Relaxed);
            }
            Vec::new()
        })),
        read: Some(Box::new(move |_, old| {
            match is_gone.load(Ordering::Relaxed) {
                true => u64::MAX,
                false => old,
            }
        })),
        ..Script::default()
    }
}

/// The device was told to go.
fn is_live(event: &Event) -> bool {
    *event == Event::Status(LIVE)
}

/// A device whose reset takes its time once it was at work: for good, without an end.
fn slow_reset(time: Option<Duration>) -> Script {
    let mut live = false;
    let reset = Arc::new(AtomicBool::new(false));
    let is_reset = reset.clone();
    let mut since = None;
    Script {
        react: Some(Box::new(move |event| {
            live |= is_live(event);
            if live && *event == Event::Reset {
                reset.store(true, Ordering::Relaxed);
            }
            Vec::new()
        })),
        read: Some(Box::new(move |register, old| {
            let asked = Field::of(register) == Some(Field::Status);
            if !asked || !is_reset.load(Ordering::Relaxed) {
                return old;
            }
            let since = since.get_or_insert_with(Instant::now);
            match time {
                Some(time) if since.elapsed() > time => old,
                _ => LIVE.into(),
            }
        })),
        ..Script::default()
    }
}

/// A device that is gone when the driver lets go of it.
fn gone_at_removal() -> Script {
    let mut live = false;
    let gone = Arc::new(AtomicBool::new(false));
    let is_gone = gone.clone();
    Script {
        react: Some(Box::new(move |event| {
            if live && *event == Event::Status(0) {
                gone.store(true, Ordering::Relaxed);
            }
            live |= is_live(event);
            Vec::new()
        })),
        read: Some(Box::new(move |_, old| {
            match is_gone.load(Ordering::Relaxed) {
                true => u64::MAX,
                false => old,
            }
        })),
        ..Script::default()
    }
}

/// A device that does not reset itself once it is at work, and goes on with its queues.
fn never_reset() -> Script {
    let mut live = false;
    Script {
        write: Some(Box::new(move |register, value| {
            if Field::of(register) != Some(Field::Status) {
                return Some(value);
            }
            live |= value == u64::from(LIVE);
            (!live || value != 0).then_some(value)
        })),
        ..Script::default()
    }
}

/// The driver tells such a device of no queue, and not to go.
fn unused(events: &[Event]) -> Verdict {
    lawful(events)?;
    never(events, |event| {
        matches!(event, Event::Enabled(..)) || is_live(event)
    })
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

/// A scenario in which the device is not to be used.
const fn bad(name: &'static str, script: fn() -> Script) -> Scenario {
    Scenario {
        name,
        script,
        verdict: unused,
    }
}

/// A device whose queues have so many entries.
fn sized(size: u16) -> Script {
    Script {
        queue_size: Some(size),
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

/// Scenarios of this file.
pub(super) static ALL: &[Scenario] = &[
    // Of another revision, of a type that there is not, and of another than its id says (4.1.2.3). The
    // kernel has to find it anew.
    bad("legacy-revision-1", || space(&[(0x08, 1)])),
    bad("legacy-subsystem-42", || space(&[(0x2e, 42)])),
    bad("legacy-subsystem-1", || space(&[(0x2e, 1)])),
    // A queue that is in use, whatever is done, and one that stays so.
    bad("legacy-page-stuck", || one(Field::Page, |_| 0x1234)),
    wild("legacy-page-stays", || {
        let mut page = 0;
        one(Field::Page, move |old| {
            page = if old == 0 { page } else { old };
            page
        })
    }),
    tame("legacy-page-forgotten", || one(Field::Page, |_| 0)),
    // Of no size that a split ring can have (2.7).
    bad("legacy-size-0", || sized(0)),
    wild("legacy-size-3", || sized(3)),
    wild("legacy-size-65535", || sized(65535)),
    wild("legacy-size-32768", || sized(32768)),
    wild("legacy-size-changes", || {
        let mut next = numbers(2);
        one(Field::Size, move |_| next())
    }),
    // Twice as many as there are, the second time.
    wild("legacy-size-grows", || {
        let mut count = 0;
        one(Field::Size, move |old| {
            count += 1;
            if count > 1 {
                old << 1
            } else {
                old
            }
        })
    }),
    // Its status.
    wild("legacy-status-stuck", || one(Field::Status, |old| old | 1)),
    wild("legacy-status-all", || one(Field::Status, |_| 0x7f)),
    wild("legacy-status-zero", || one(Field::Status, |_| 0)),
    wild("legacy-status-failed", || {
        one(Field::Status, |old| old | 0x80)
    }),
    wild("legacy-status-random", || {
        let mut next = numbers(1);
        one(Field::Status, move |_| next())
    }),
    tame("legacy-reset-slow", || {
        slow_reset(Some(Duration::from_millis(400)))
    }),
    wild("legacy-reset-never-ends", || slow_reset(None)),
    wild("legacy-deaf-reset", never_reset),
    // Its interrupts: there is always a cause, whatever is acknowledged; with no vectors on PCI.
    wild("legacy-cause-stays", || {
        fields(|field, old| match field {
            Field::Cause => 3,
            Field::Vector => 0xffff,
            _ => old,
        })
    }),
    wild("legacy-cause-none", || {
        fields(|field, old| match field {
            Field::Cause => 0,
            Field::Vector => 0xffff,
            _ => old,
        })
    }),
    wild("legacy-vectors-random", || {
        let mut next = numbers(3);
        one(Field::Vector, move |_| next())
    }),
    // What it offers.
    wild("legacy-features-of-ones", || {
        one(Field::Offered, |_| 0xffff_ffff)
    }),
    wild("legacy-features-change", || {
        let mut next = numbers(4);
        one(Field::Offered, move |_| next())
    }),
    // It does not listen.
    wild("legacy-deaf-features", || deaf(Field::Accepted)),
    wild("legacy-deaf-select", || deaf(Field::Select)),
    wild("legacy-deaf-page", || deaf(Field::Page)),
    wild("legacy-deaf-status", || deaf(Field::Status)),
    wild("legacy-deaf-vectors", || deaf(Field::Vector)),
    // It goes.
    wild("legacy-gone-at-features", || {
        gone_from(|event| super::written(event, Field::Accepted).is_some())
    }),
    wild("legacy-gone-at-queues", || {
        gone_from(|event| super::written(event, Field::Page).is_some())
    }),
    wild("legacy-gone-at-start", || gone_from(is_live)),
    wild("legacy-gone-at-request", || {
        gone_from(|event| matches!(event, Event::Taken(..)))
    }),
    wild("legacy-gone-at-answer", || {
        gone_from(|event| matches!(event, Event::Used(..)))
    }),
    wild("legacy-gone-at-removal", gone_at_removal),
];

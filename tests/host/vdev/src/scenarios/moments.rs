// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices of any type that go, or go mad, at a certain moment of their life.
//!
//! As in [`super::hostile`], what the driver makes of that is seen in the guest.

use crate::{
    common::reg,
    event::{
        Event,
        Structure, //
    },
    scenario::{
        lawful,
        Scenario, //
    },
    script::{
        Action,
        Script, //
    },
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

/// What the status is when a device is at work.
const LIVE: u8 = 15;

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

/// A device that does something each time that something happens.
fn each(is: fn(&Event) -> bool, actions: fn() -> Vec<Action>) -> Script {
    Script {
        react: Some(Box::new(move |event| match is(event) {
            true => actions(),
            false => Vec::new(),
        })),
        ..Script::default()
    }
}

/// A device that takes its time for the reset after it was at work: for good, without an end.
fn slow_reset(time: Option<Duration>) -> Script {
    let (mut live, mut asked) = (false, None);
    let begun = Arc::new(AtomicBool::new(false));
    let is_begun = begun.clone();
    Script {
        react: Some(Box::new(move |event| {
            match event {
                Event::Status(LIVE) => live = true,
                Event::Reset if live => begun.store(true, Ordering::Relaxed),
                _ => {}
            }
            Vec::new()
        })),
        read: Some(Box::new(move |register, old| {
            if register != (Structure::Common, reg::STATUS) || !is_begun.load(Ordering::Relaxed) {
                return old;
            }
            let since = asked.get_or_insert_with(Instant::now);
            match time {
                Some(time) if since.elapsed() > time => {
                    asked = None;
                    is_begun.store(false, Ordering::Relaxed);
                    old
                }
                _ => u64::from(LIVE),
            }
        })),
        ..Script::default()
    }
}

/// A device whose status is 0 once it is at work, as if it had reset itself.
fn forgetful() -> Script {
    let live = Arc::new(AtomicBool::new(false));
    let is_live = live.clone();
    Script {
        react: Some(Box::new(move |event| {
            if matches!(event, Event::Taken(..)) {
                live.store(true, Ordering::Relaxed);
            }
            Vec::new()
        })),
        read: Some(Box::new(move |register, old| {
            match register == (Structure::Common, reg::STATUS) && is_live.load(Ordering::Relaxed) {
                true => 0,
                false => old,
            }
        })),
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
    // It goes.
    wild("gone-at-features", || {
        gone_from(|event| matches!(event, Event::Status(11)))
    }),
    wild("gone-at-queues", || {
        gone_from(|event| matches!(event, Event::Enabled(..)))
    }),
    wild("gone-at-start", || {
        gone_from(|event| matches!(event, Event::Status(LIVE)))
    }),
    wild("gone-at-request", || {
        gone_from(|event| matches!(event, Event::Taken(..)))
    }),
    wild("gone-at-answer", || {
        gone_from(|event| matches!(event, Event::Used(..)))
    }),
    // It is removed.
    tame("reset-slow", || {
        slow_reset(Some(Duration::from_millis(400)))
    }),
    wild("reset-never-ends", || slow_reset(None)),
    tame("interrupts-at-removal", || {
        each(
            |event| matches!(event, Event::Reset),
            || {
                let later =
                    |ms| Action::After(Duration::from_millis(ms), Box::new(Action::InterruptAll));
                vec![Action::InterruptAll, later(1), later(5), later(20)]
            },
        )
    }),
    // Its status.
    wild("status-forgotten", forgetful),
    wild("needs-reset-at-features", || {
        each(
            |event| matches!(event, Event::Status(11)),
            || vec![Action::NeedsReset],
        )
    }),
    wild("needs-reset-at-start", || {
        each(
            |event| matches!(event, Event::Status(LIVE)),
            || vec![Action::NeedsReset],
        )
    }),
    wild("needs-reset-at-answer", || {
        each(
            |event| matches!(event, Event::Used(..)),
            || vec![Action::NeedsReset],
        )
    }),
    // It says what is not so, or much too often.
    tame("interrupts-before-answers", || {
        each(
            |event| matches!(event, Event::Taken(..)),
            || vec![Action::InterruptAll; 16],
        )
    }),
    tame("changes-at-each-request", || {
        each(
            |event| matches!(event, Event::Taken(..)),
            || vec![Action::Configure(|_| {}); 4],
        )
    }),
    tame("changes-at-each-access", || {
        each(
            |event| {
                matches!(
                    event,
                    Event::Status(_) | Event::Kick(_) | Event::Enabled(..)
                )
            },
            || vec![Action::Configure(|_| {})],
        )
    }),
    wild("forged-at-start", || {
        each(
            |event| matches!(event, Event::Status(LIVE)),
            || (0..2).map(|queue| Action::Forge(queue, 3, 8)).collect(),
        )
    }),
    wild("forged-at-each-notification", || {
        each(
            |event| matches!(event, Event::Kick(_)),
            || (0..2).map(|queue| Action::Forge(queue, 0, 1)).collect(),
        )
    }),
];

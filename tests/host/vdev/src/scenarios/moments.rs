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
        happened,
        lawful,
        never,
        Scenario,
        Verdict, //
    },
    script::{
        Action,
        Answer,
        Script, //
    },
};
use std::sync::{
    atomic::{
        AtomicBool,
        AtomicU32,
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

/// Whether this is a request that somebody made, and none of those by which the kernel looks for
/// partitions.
fn is_use(event: &Event) -> bool {
    matches!(event, Event::Taken(_, _, readable, _) if *readable == 0 || *readable > 16)
}

/// How often the kernel may use a generator before its driver's probe is over. A device that asks for
/// a reset by then is none that works.
const EARLY: u32 = 3;

/// A device that asks for a reset when it is first used, and is another one from that reset on:
/// registers read like this.
fn another(mut value: impl FnMut(u64, u64) -> u64 + Send + 'static) -> Script {
    // Not yet, asked, reset.
    let stage = Arc::new(AtomicU32::new(0));
    let stage_of = stage.clone();
    let mut early = 0;
    Script {
        react: Some(Box::new(move |event| {
            match (stage.load(Ordering::Relaxed), event) {
                (0, Event::Taken(_, _, 0, _)) if early < EARLY => early += 1,
                (0, event) if is_use(event) => {
                    stage.store(1, Ordering::Relaxed);
                    return vec![Action::NeedsReset];
                }
                (1, Event::Reset) => stage.store(2, Ordering::Relaxed),
                _ => {}
            }
            Vec::new()
        })),
        read: Some(Box::new(move |(structure, at), old| match structure {
            Structure::Common if stage_of.load(Ordering::Relaxed) == 2 => value(at, old),
            _ => old,
        })),
        ..Script::default()
    }
}

/// The same with one field.
fn another_field(offset: u64, value: fn(u64) -> u64) -> Script {
    another(move |at, old| match at == offset {
        true => value(old),
        false => old,
    })
}

/// What happened after the device was reset that asked for it.
fn after_restart(events: &[Event]) -> Result<&[Event], String> {
    let asked = events.iter().position(is_use);
    let behind = asked.map_or(&[][..], |at| &events[at..]);
    let reset = behind
        .iter()
        .position(|event| matches!(event, Event::Reset));
    reset.map(|at| &behind[at..]).ok_or("was not reset".into())
}

/// The driver does not set such a device to work again.
fn stays_down(events: &[Event]) -> Verdict {
    never(after_restart(events)?, |event| {
        matches!(event, Event::Status(LIVE))
    })
}

/// The driver goes on with the features that it had, and breaks no rule.
fn same_features(events: &[Event]) -> Verdict {
    lawful(events)?;
    let after = after_restart(events)?;
    happened(after, "DRIVER_OK", |event| {
        matches!(event, Event::Status(LIVE))
    })?;
    let accepted = |events: &[Event]| {
        let mut words = Vec::new();
        for event in events {
            match event {
                Event::Write((Structure::Common, reg::DRIVER_FEATURE), _, value) => {
                    words.push(*value);
                }
                Event::Status(LIVE) => break,
                _ => {}
            }
        }
        words
    };
    match (accepted(events), accepted(after)) {
        (before, after) if before == after => Ok(()),
        (before, after) => Err(format!("features {before:x?} became {after:x?}")),
    }
}

/// A device that is gone when the driver lets go of it.
fn gone_at_removal() -> Script {
    let live = Arc::new(AtomicU32::new(0));
    let stage = live.clone();
    Script {
        react: Some(Box::new(move |event| {
            match event {
                Event::Status(LIVE) => live.store(1, Ordering::Relaxed),
                Event::Status(0) if live.load(Ordering::Relaxed) == 1 => {
                    live.store(2, Ordering::Relaxed);
                }
                _ => {}
            }
            Vec::new()
        })),
        read: Some(Box::new(move |_, old| {
            match stage.load(Ordering::Relaxed) {
                2 => u64::MAX,
                _ => old,
            }
        })),
        ..Script::default()
    }
}

/// A device that is gone for a while once it is used, and is then as it was.
fn gone_for_a_moment() -> Script {
    let gone = Arc::new(AtomicBool::new(false));
    let is_gone = gone.clone();
    let mut since = None;
    Script {
        react: Some(Box::new(move |event| {
            if is_use(event) {
                gone.store(true, Ordering::Relaxed);
            }
            Vec::new()
        })),
        read: Some(Box::new(move |_, old| {
            if !is_gone.load(Ordering::Relaxed) {
                return old;
            }
            match since.get_or_insert_with(Instant::now).elapsed() {
                time if time < Duration::from_millis(300) => u64::MAX,
                _ => old,
            }
        })),
        ..Script::default()
    }
}

/// A device whose status reads as something else once it is used; the argument counts reads.
fn status_at_work(mut value: impl FnMut(u64, u64) -> u64 + Send + 'static) -> Script {
    let used = Arc::new(AtomicBool::new(false));
    let is_used = used.clone();
    let mut count = 0;
    Script {
        react: Some(Box::new(move |event| {
            match event {
                Event::Reset => used.store(false, Ordering::Relaxed),
                event if is_use(event) => used.store(true, Ordering::Relaxed),
                _ => {}
            }
            Vec::new()
        })),
        read: Some(Box::new(move |register, old| {
            if register != (Structure::Common, reg::STATUS) || !is_used.load(Ordering::Relaxed) {
                return old;
            }
            count += 1;
            value(count, old)
        })),
        ..Script::default()
    }
}

/// A device whose configuration is never the same twice, once it is at work, and which says so at
/// each request.
fn never_settled() -> Script {
    let live = Arc::new(AtomicBool::new(false));
    let is_live = live.clone();
    let mut count = 0;
    Script {
        react: Some(Box::new(move |event| match event {
            Event::Status(status) => {
                live.store(*status == LIVE, Ordering::Relaxed);
                Vec::new()
            }
            Event::Taken(..) => vec![Action::Configure(|_| {})],
            _ => Vec::new(),
        })),
        read: Some(Box::new(move |register, old| {
            if register != (Structure::Common, reg::GENERATION) || !is_live.load(Ordering::Relaxed)
            {
                return old;
            }
            count += 1;
            count
        })),
        ..Script::default()
    }
}

/// A device that answers in batches.
fn batches() -> Script {
    Script {
        answer: Some(Box::new(|_| Answer {
            keep: true,
            ..Answer::default()
        })),
        react: Some(Box::new(|event| match event {
            Event::Taken(..) => vec![Action::After(
                Duration::from_millis(20),
                Box::new(Action::Release),
            )],
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

/// A scenario in which the driver is not to set the device to work again.
const fn down(name: &'static str, script: fn() -> Script) -> Scenario {
    Scenario {
        name,
        script,
        verdict: stays_down,
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
    // It is another one after a reset that it asked for.
    down("restart-without-features", || {
        another_field(reg::DEVICE_FEATURE, |_| 0)
    }),
    down("restart-with-smaller-queues", || {
        another_field(reg::QUEUE_SIZE, |old| old / 2)
    }),
    down("restart-with-enabled-queues", || {
        another_field(reg::QUEUE_ENABLE, |_| 1)
    }),
    down("restart-without-vectors", || {
        another_field(reg::QUEUE_VECTOR, |_| 0xffff)
    }),
    down("restart-refused", || {
        another_field(reg::STATUS, |old| old & !8)
    }),
    down("restart-gone", || another(|_, _| u64::MAX)),
    down("restart-stuck", || {
        another_field(reg::STATUS, |_| LIVE.into())
    }),
    Scenario {
        name: "restart-with-more-features",
        script: || another_field(reg::DEVICE_FEATURE, |old| old | 0x7000_0000),
        verdict: same_features,
    },
    // It is not quite there at work, or at the end.
    tame("gone-at-removal", gone_at_removal),
    wild("gone-for-a-moment", gone_for_a_moment),
    wild("status-flickers", || {
        status_at_work(|count, old| if count % 2 == 0 { old } else { old & !4 })
    }),
    wild("status-failed-at-work", || {
        status_at_work(|_, old| old | 0x80)
    }),
    wild("needs-reset-quietly", || {
        status_at_work(|_, old| old | 0x40)
    }),
    tame("never-settled", never_settled),
    tame("changes-at-removal", || {
        each(
            |event| matches!(event, Event::Reset),
            || {
                let later = |ms| {
                    let change = Action::Configure(|_| {});
                    Action::After(Duration::from_millis(ms), Box::new(change))
                };
                vec![later(0), later(1), later(5)]
            },
        )
    }),
    tame("slow-registers", || Script {
        read: Some(Box::new(|_, old| {
            std::thread::sleep(Duration::from_millis(3));
            old
        })),
        ..Script::default()
    }),
    tame("answers-in-batches", batches),
];

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices that suspend themselves when they are asked to (3.4), as they should and not.
//!
//! Whatever the driver writes but the status, each notification and each buffer made available while
//! the device is suspended breaks a rule: see [`crate::machine`].

use crate::{
    common::{
        feature,
        status, //
    },
    event::Event,
    scenario::{
        happened,
        lawful,
        never,
        spans,
        Scenario,
        Verdict, //
    },
    script::{
        Action,
        Answer,
        Script, //
    },
};
use std::time::Duration;

/// A device that takes its time to suspend itself, to resume and to answer, so that it has requests
/// meanwhile.
fn suspend() -> Script {
    Script {
        offer: feature::SUSPEND,
        suspend_after: Duration::from_millis(100),
        answer: Some(Box::new(|_| Answer {
            after: Duration::from_millis(150),
            ..Answer::default()
        })),
        ..Script::default()
    }
}

/// One that answers so late that it has requests when it is to suspend itself, although those who
/// make them have been stopped for a while by then.
fn suspend_in_flight() -> Script {
    Script {
        answer: Some(Box::new(|_| Answer {
            after: Duration::from_millis(1500),
            ..Answer::default()
        })),
        ..suspend()
    }
}

/// Whether the driver asks for the device to suspend itself, or to resume.
fn asks(event: &Event) -> bool {
    matches!(event, Event::Status(value) if value & status::SUSPEND != 0)
}

/// The device was suspended, left alone, resumed, and went on with what it had.
fn suspend_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    let resumed = |event: &Event| *event == Event::Resumed;
    let used = |event: &Event| matches!(event, Event::Used(..));
    let span = spans(events, asks, resumed)
        .next()
        .ok_or("the device was not to suspend")?;
    happened(span, "suspended device", |event| *event == Event::Suspended)?;
    happened(span, "resumed device", resumed)?;
    never(span, |event| {
        matches!(
            event,
            Event::Kick(_) | Event::Write(..) | Event::TakenSuspended(_) | Event::Reset
        )
    })?;
    let at = events.iter().position(resumed).unwrap_or(0);
    // Up to where the driver parts from it.
    let end = events[at..].iter().position(|event| *event == Event::Reset);
    let after = &events[at..end.map_or(events.len(), |end| at + end)];
    happened(after, "answer after that", used)
}

/// At least one of its requests was answered later.
fn in_flight_verdict(events: &[Event]) -> Verdict {
    suspend_verdict(events)?;
    let before = events.iter().position(asks).unwrap_or(0);
    let count = |is: fn(&Event) -> bool| events[..before].iter().filter(|event| is(event)).count();
    let taken = count(|event| matches!(event, Event::Taken(..)));
    let used = count(|event| matches!(event, Event::Used(..)));
    if taken == used {
        return Err("the device had no request when it was to suspend".into());
    }
    Ok(())
}

/// A device that suspends itself and goes on all the same: it answers, and interrupts.
fn restless() -> Script {
    Script {
        restless: true,
        react: Some(Box::new(|event| match event {
            Event::Suspended => vec![
                Action::InterruptAll,
                Action::After(Duration::from_millis(200), Box::new(Action::InterruptAll)),
            ],
            event if asks(event) => vec![Action::InterruptAll],
            _ => Vec::new(),
        })),
        ..suspend()
    }
}

/// It did.
fn restless_verdict(events: &[Event]) -> Verdict {
    suspend_verdict(events)?;
    let end = |event: &Event| *event == Event::Resumed;
    let span = spans(events, |event| *event == Event::Suspended, end).next();
    let span = span.ok_or("the device was not suspended")?;
    happened(span, "interrupt of a suspended device", |event| {
        matches!(event, Event::Interrupt(_))
    })
}

/// A device whose configuration is another one when it resumes: a disk of twice the size.
fn changed(action: fn(fn(&mut [u8])) -> Action) -> Script {
    Script {
        react: Some(Box::new(move |event| match event {
            Event::Suspended => vec![action(|config| {
                if let Some(capacity) = config.first_chunk_mut::<8>() {
                    *capacity = (u64::from_le_bytes(*capacity) << 1).to_le_bytes();
                }
            })],
            _ => Vec::new(),
        })),
        ..suspend()
    }
}

/// Scenarios of this file.
pub(crate) static ALL: &[Scenario] = &[
    Scenario {
        name: "suspend",
        script: suspend,
        verdict: suspend_verdict,
    },
    Scenario {
        name: "suspend-in-flight",
        script: suspend_in_flight,
        verdict: in_flight_verdict,
    },
    Scenario {
        name: "suspend-restless",
        script: restless,
        verdict: restless_verdict,
    },
    Scenario {
        name: "suspend-changed",
        script: || changed(Action::Configure),
        verdict: suspend_verdict,
    },
    Scenario {
        name: "suspend-changed-quietly",
        script: || changed(Action::ConfigureQuietly),
        verdict: suspend_verdict,
    },
];

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a driver does to a device that behaves, and in which order.

use super::basic::no_vectors;
use crate::{
    event::{
        Event,
        Structure, //
    },
    pci::cap,
    scenario::{
        happened,
        lawful,
        never,
        Scenario,
        Verdict, //
    },
    script::{
        Answer,
        Script, //
    },
};

/// What the driver is told that features were agreed on with, and to go.
const AGREED: Event = Event::Status(11);
const LIVE: Event = Event::Status(15);

/// The parts of a log between resets.
fn lives(events: &[Event]) -> impl Iterator<Item = &[Event]> {
    events.split(|event| *event == Event::Reset)
}

/// An access to a register.
fn is_access(event: &Event) -> bool {
    matches!(
        event,
        Event::Read(..) | Event::Write(..) | Event::Status(_) | Event::Kick(_)
    )
}

/// Before the first access to a register all structures were looked up: where they are, behind the
/// type of each capability (4.1.5.1.1).
fn looked_up(events: &[Event]) -> Verdict {
    let first = events.iter().position(is_access);
    let before = &events[..first.ok_or("no register was accessed")?];
    for at in [cap::COMMON, cap::NOTIFY, cap::ISR, cap::DEVICE] {
        happened(
            before,
            &format!("look at the capability at {at:#x} before the registers"),
            |event| {
                matches!(event, Event::Capability(false, offset, _)
                    if (at + 8..at + 12).contains(offset))
            },
        )?;
    }
    Ok(())
}

/// One life: the status goes up step by step; the configuration is left alone until features are
/// agreed on; nothing is made available and nothing is notified before the device is told to go.
fn life(events: &[Event]) -> Verdict {
    let statuses: Vec<u8> = events
        .iter()
        .filter_map(|event| match event {
            Event::Status(status) if *status != 0 => Some(*status),
            _ => None,
        })
        .collect();
    if !statuses.is_empty() && statuses != [1, 3, 11, 15] {
        return Err(format!("the status went {statuses:?}"));
    }
    let until = |end: &Event| {
        let at = events.iter().position(|event| event == end);
        &events[..at.unwrap_or(events.len())]
    };
    never(until(&AGREED), |event| {
        matches!(
            event,
            Event::Read((Structure::Device, _), ..) | Event::Write((Structure::Device, _), ..)
        )
    })?;
    never(until(&LIVE), |event| {
        matches!(event, Event::Kick(_) | Event::Taken(..))
    })
}

/// All of that, in each life; there were some, and notifications. With vectors nobody asks why there
/// was an interrupt, and nobody writes to capabilities.
fn order_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    looked_up(events)?;
    lives(events).try_for_each(life)?;
    never(events, |event| {
        matches!(
            event,
            Event::Read((Structure::Isr, _), ..) | Event::Capability(true, ..)
        )
    })?;
    happened(events, "start", |event| *event == LIVE)?;
    happened(events, "notification", |event| {
        matches!(event, Event::Kick(_))
    })?;
    happened(events, "interrupt by a vector", |event| {
        matches!(event, Event::Interrupt(Some(_)))
    })
}

/// Without vectors, each interrupt by the line is asked about, and as reading the answer takes it
/// away, nobody gets more answers than there were interrupts.
fn line_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    never(events, |event| matches!(event, Event::Interrupt(Some(_))))?;
    let is_answer =
        |event: &&Event| matches!(event, Event::Read((Structure::Isr, _), _, value) if *value != 0);
    let interrupts = |event: &&Event| **event == Event::Interrupt(None);
    let last = events
        .iter()
        .rposition(|event| interrupts(&event))
        .ok_or("there was no interrupt by the line")?;
    if !events[last..].iter().any(|event| is_answer(&event)) {
        return Err("nobody asked about the last interrupt".into());
    }
    let answers = events.iter().filter(is_answer).count();
    let count = events.iter().filter(interrupts).count();
    if answers > count {
        return Err(format!("{answers} answers to {count} interrupts"));
    }
    for bit in [1, 2] {
        happened(
            events,
            &format!("interrupt of kind {bit}"),
            |event| matches!(event, Event::Read((Structure::Isr, _), _, value) if value & bit != 0),
        )?;
    }
    // A change is of use only to who then looks at the configuration.
    let changed = events
        .iter()
        .position(|event| matches!(event, Event::Note(text) if text == "do grow"))
        .ok_or("the configuration did not change")?;
    happened(&events[changed..], "look at the configuration", |event| {
        matches!(event, Event::Read((Structure::Device, _), ..))
    })
}

/// A device that never answers.
fn kept() -> Script {
    Script {
        answer: Some(Box::new(|_| Answer {
            keep: true,
            ..Answer::default()
        })),
        ..Script::default()
    }
}

/// What the device had was unmapped when it had reset itself, and not before.
fn kept_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    let taken = events
        .iter()
        .position(|event| matches!(event, Event::Taken(..)))
        .ok_or("the device got nothing")?;
    let had = &events[taken..];
    let reset = had.iter().position(|event| *event == Event::Reset);
    let (before, after) = had.split_at(reset.ok_or("the device was not reset")?);
    never(before, |event| matches!(event, Event::Unmap(..)))?;
    // The buffer and the ring.
    match after
        .iter()
        .filter(|event| matches!(event, Event::Unmap(..)))
        .count()
    {
        0..=1 => Err("buffer and ring were not unmapped".into()),
        _ => Ok(()),
    }
}

/// Scenarios of this file.
pub(crate) static ALL: &[Scenario] = &[
    Scenario {
        name: "order",
        script: Script::default,
        verdict: order_verdict,
    },
    Scenario {
        name: "line",
        script: no_vectors,
        verdict: line_verdict,
    },
    Scenario {
        name: "kept",
        script: kept,
        verdict: kept_verdict,
    },
];

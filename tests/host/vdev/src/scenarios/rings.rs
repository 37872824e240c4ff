// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Lengths that are not so, requests that are not answered, and resets of one queue.

use crate::{
    common::{
        feature,
        reg, //
    },
    event::{
        Event,
        Structure, //
    },
    scenario::{
        happened,
        lawful,
        never,
        spans,
        Scenario,
        Verdict, //
    },
    script::{
        Answer,
        Script, //
    },
};
use std::time::Duration;

/// A script that says of all requests that this much was written.
fn claiming(claim: u32) -> Script {
    Script {
        answer: Some(Box::new(move |_| Answer {
            claim: Some(claim),
            ..Answer::default()
        })),
        ..Script::default()
    }
}

/// A device that does not answer its first request, and can reset queues. That takes it a while, in
/// which it still has the buffer.
pub(super) fn queue_reset() -> Script {
    Script {
        offer: feature::RING_RESET,
        queue_reset_after: Duration::from_millis(300),
        answer: Some(Box::new(|taken| Answer {
            keep: taken.before == 0,
            ..Answer::default()
        })),
        ..Script::default()
    }
}

/// The queue was reset, as it is written, by registers that are called `select` and `goes_on`: until
/// the device says that it has done so nothing is unmapped, nothing is told to the queue and nothing is
/// made available; then what `setup_of` names is written, and it is enabled; and it is used again. The
/// device as a whole was not reset.
pub(super) fn queue_reset_verdict(
    events: &[Event],
    select: (Structure, u64),
    goes_on: (Structure, u64),
    setup_of: &[((Structure, u64), &str)],
) -> Verdict {
    lawful(events)?;
    let asked = |event: &Event| matches!(event, Event::QueueReset(_));
    let done = |event: &Event| matches!(event, Event::QueueIsReset(_));
    let waiting = spans(events, asked, done)
        .next()
        .ok_or("no queue was reset")?;
    happened(waiting, "confirmed reset of a queue", done)?;
    never(waiting, |event| {
        matches!(
            event,
            Event::Unmap(..) | Event::Kick(_) | Event::Status(_) | Event::Write(..)
        ) && !matches!(event, Event::Write(at, ..) if *at == select)
    })?;
    happened(
        waiting,
        "look whether the reset goes on",
        |event| matches!(event, Event::Read(at, _, 1) if *at == goes_on),
    )?;

    let at = events.iter().position(done).unwrap_or(0);
    let after = &events[at..];
    let enabled = after
        .iter()
        .position(|event| matches!(event, Event::Enabled(..)));
    let (setup, rest) = after.split_at(enabled.ok_or("the queue was not enabled again")?);
    for (field, name) in setup_of {
        happened(
            setup,
            &format!("{name} of the queue"),
            |event| matches!(event, Event::Write(at, ..) if at == field),
        )?;
    }
    happened(rest, "answer after it", |event| {
        matches!(event, Event::Used(..))
    })?;
    let end = rest
        .iter()
        .position(|event| matches!(event, Event::Used(..)));
    never(&rest[..end.unwrap_or(0)], |event| *event == Event::Reset)
}

/// The same by the registers of PCI.
fn pci_queue_reset_verdict(events: &[Event]) -> Verdict {
    let common = |at| (Structure::Common, at);
    queue_reset_verdict(
        events,
        common(reg::QUEUE_SELECT),
        common(reg::QUEUE_RESET),
        &[
            (common(reg::QUEUE_SIZE), "size"),
            (common(reg::QUEUE_DESC), "place"),
            (common(reg::QUEUE_DRIVER), "place"),
            (common(reg::QUEUE_DEVICE), "place"),
            (common(reg::QUEUE_VECTOR), "vector"),
        ],
    )
}

/// Scenarios of this file.
pub(crate) static ALL: &[Scenario] = &[
    Scenario {
        name: "short",
        script: || claiming(8),
        verdict: lawful,
    },
    Scenario {
        name: "empty",
        script: || claiming(0),
        verdict: lawful,
    },
    Scenario {
        name: "too-long",
        script: || claiming(1000),
        verdict: lawful,
    },
    Scenario {
        name: "longest",
        script: || claiming(u32::MAX),
        verdict: lawful,
    },
    Scenario {
        name: "queue-reset",
        script: queue_reset,
        verdict: pci_queue_reset_verdict,
    },
];

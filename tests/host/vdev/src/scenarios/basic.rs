// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Status, reset, interrupts that nobody asked for, and structures that are too large.

use crate::{
    common::{
        reg,
        status,
        NO_VECTOR, //
    },
    event::{
        Event,
        Register,
        Structure, //
    },
    pci::cap,
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

/// What the status is when a device is at work.
const LIVE: u8 = 15;

/// A device that uses buffers and interrupts before it may, when it is started for the first time.
fn early() -> Script {
    let mut first = true;
    Script {
        react: Some(Box::new(move |event| match event {
            Event::Status(LIVE) => {
                first = false;
                Vec::new()
            }
            Event::Enabled(queue, size) if first => {
                vec![
                    Action::Forge(*queue, u32::from(*size) - 1, 64),
                    Action::InterruptAll,
                ]
            }
            Event::Status(_) => vec![Action::InterruptAll],
            _ => Vec::new(),
        })),
        ..Script::default()
    }
}

/// It is at work in the end. That it was started anew is to be seen in the guest: what is used in a
/// packed ring is overwritten by what is made available there.
fn early_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    let early = |event: &Event| matches!(event, Event::Used(..) | Event::Status(LIVE));
    let first = events.iter().find(|event| early(event));
    if !matches!(first, Some(Event::Used(..))) {
        return Err("nothing was used before the start".into());
    }
    let start = events
        .iter()
        .rposition(|event| *event == Event::Status(LIVE));
    let after = &events[start.ok_or("the device was not started")?..];
    happened(after, "answer", |event| matches!(event, Event::Used(..)))
}

/// A device that interrupts after it was reset, by vectors that it was told before and is not to
/// use any more.
fn after_reset() -> Script {
    let mut live = false;
    Script {
        react: Some(Box::new(move |event| match event {
            Event::Status(LIVE) => {
                live = true;
                Vec::new()
            }
            Event::Reset if live => vec![
                Action::InterruptAll,
                Action::After(Duration::from_millis(1), Box::new(Action::InterruptAll)),
            ],
            Event::Status(1 | 3 | 11) if live => vec![Action::InterruptAll],
            _ => Vec::new(),
        })),
        ..Script::default()
    }
}

/// There were such interrupts, by vectors, and the device was started again all the same, and
/// answered.
fn after_reset_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    let live = |event: &Event| *event == Event::Status(LIVE);
    let first = events
        .iter()
        .position(live)
        .ok_or("the device was not started")?;
    let mut starts = spans(&events[first..], |event| *event == Event::Reset, live);
    let restart = starts.next().ok_or("the device was not reset")?;
    happened(restart, "interrupt after the reset", |event| {
        matches!(event, Event::Interrupt(Some(_)))
    })?;
    // Whatever it may hear, the driver does not go for the queues of a device that is reset.
    never(restart, |event| matches!(event, Event::Kick(_)))?;
    let last = events.iter().rposition(live).unwrap_or(0);
    if last == first {
        return Err("the device was not started again".into());
    }
    happened(&events[last..], "answer after it", |event| {
        matches!(event, Event::Used(..))
    })
}

/// A device that interrupts all the time, without reason.
fn storm() -> Script {
    Script {
        react: Some(Box::new(|event| match event {
            Event::Taken(..) | Event::Kick(_) => vec![
                Action::InterruptAll,
                Action::InterruptAll,
                Action::After(Duration::from_micros(300), Box::new(Action::InterruptAll)),
            ],
            Event::Used(..) => vec![Action::InterruptAll],
            _ => Vec::new(),
        })),
        answer: Some(Box::new(|_| Answer {
            after: Duration::from_millis(1),
            ..Answer::default()
        })),
        ..Script::default()
    }
}

/// The driver went on, and started the device once only.
fn storm_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    match events
        .iter()
        .filter(|event| **event == Event::Status(LIVE))
        .count()
    {
        1 => Ok(()),
        count => Err(format!("the device was started {count} times")),
    }
}

/// A device that does not interrupt, although it should.
fn lost_interrupt() -> Script {
    Script {
        answer: Some(Box::new(|_| Answer {
            silent: true,
            ..Answer::default()
        })),
        ..Script::default()
    }
}

/// There was no interrupt, and the driver did not take that for a fault.
fn lost_interrupt_verdict(events: &[Event]) -> Verdict {
    storm_verdict(events)?;
    never(events, |event| matches!(event, Event::Interrupt(_)))
}

/// A device whose structures are said to be much larger than what is of use in them.
fn large() -> Script {
    let mut space = Vec::new();
    for at in [cap::COMMON, cap::ISR, cap::DEVICE, cap::NOTIFY] {
        // 512 KiB.
        space.extend([(at + 13, 0), (at + 14, 8)]);
    }
    Script {
        space,
        ..Script::default()
    }
}

/// A device whose queues have to share a vector.
fn two_vectors() -> Script {
    Script {
        read: Some(Box::new(|(structure, at): Register, old| {
            match (structure, at, old) {
                (Structure::Common, reg::QUEUE_VECTOR, 2..) => NO_VECTOR.into(),
                _ => old,
            }
        })),
        ..Script::default()
    }
}

/// A device that has no vectors.
pub(super) fn no_vectors() -> Script {
    Script {
        read: Some(Box::new(|(structure, at): Register, old| {
            match (structure, at) {
                (Structure::Common, reg::CONFIG_VECTOR | reg::QUEUE_VECTOR) => NO_VECTOR.into(),
                _ => old,
            }
        })),
        ..Script::default()
    }
}

/// Each time that the device asked for a reset, the driver looked at its status and started it anew,
/// although nobody wanted anything of the device: no request and no notification came in between.
fn idle_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    let asked = |event: &Event| matches!(event, Event::Note(text) if text == "do needs-reset");
    let live = |event: &Event| *event == Event::Status(LIVE);
    let mut times = 0;
    for span in spans(events, asked, live) {
        let reset = span.iter().position(|event| *event == Event::Reset);
        let (before, after) = span.split_at(reset.ok_or("the device was not reset")?);
        happened(before, "look at the status", |event| {
            matches!(event, Event::Read((Structure::Common, reg::STATUS), _, value)
                if value & u64::from(status::NEEDS_RESET) != 0)
        })?;
        never(before, |event| {
            matches!(event, Event::Kick(_) | Event::Taken(..))
        })?;
        happened(after, "start after the reset", live)?;
        times += 1;
    }
    match times {
        0 => Err("the device did not ask for a reset".into()),
        _ => Ok(()),
    }
}

/// Scenarios of this file.
pub(crate) static ALL: &[Scenario] = &[
    Scenario {
        name: "early",
        script: early,
        verdict: early_verdict,
    },
    Scenario {
        name: "after-reset",
        script: after_reset,
        verdict: after_reset_verdict,
    },
    Scenario {
        name: "storm",
        script: storm,
        verdict: storm_verdict,
    },
    Scenario {
        name: "lost-interrupt",
        script: lost_interrupt,
        verdict: lost_interrupt_verdict,
    },
    Scenario {
        name: "large",
        script: large,
        verdict: lawful,
    },
    Scenario {
        name: "idle",
        script: Script::default,
        verdict: idle_verdict,
    },
    Scenario {
        name: "idle-shared",
        script: two_vectors,
        verdict: idle_verdict,
    },
    Scenario {
        name: "idle-line",
        script: no_vectors,
        verdict: idle_verdict,
    },
];

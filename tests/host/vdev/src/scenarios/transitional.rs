// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Transitional devices of PCI (4.1.2.1): which of the two interfaces a driver uses. That it does not use
//! both in one life is a rule of the device.

use crate::{
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
    script::Script,
    state::feature, //
};

/// An access by the legacy interface, which has a status of its own.
fn is_old(event: &Event) -> bool {
    matches!(
        event,
        Event::Read((Structure::Legacy, _), ..)
            | Event::Write((Structure::Legacy, _), ..)
            | Event::Status(7)
    )
}

/// An access by the modern one.
fn is_new(event: &Event) -> bool {
    matches!(
        event,
        Event::Read((Structure::Common, _), ..)
            | Event::Write((Structure::Common, _), ..)
            | Event::Status(11 | 15)
    )
}

/// It was driven as a device of today, and worked.
fn modern(events: &[Event]) -> Verdict {
    lawful(events)?;
    never(events, is_old)?;
    happened(events, "start", |event| *event == Event::Status(15))?;
    happened(events, "answer", |event| matches!(event, Event::Used(..)))
}

/// It was driven as a device of old, and worked.
fn legacy(events: &[Event]) -> Verdict {
    lawful(events)?;
    never(events, is_new)?;
    happened(events, "start", |event| *event == Event::Status(7))?;
    happened(events, "answer", |event| matches!(event, Event::Used(..)))
}

/// It has capabilities, but offers no VERSION_1, which no device should do (6.2): it is refused, or
/// driven as one of old.
fn unversioned(events: &[Event]) -> Verdict {
    lawful(events)?;
    never(events, |event| *event == Event::Status(15))
}

/// Scenarios of this file.
pub(crate) static ALL: &[Scenario] = &[
    Scenario {
        name: "transitional-modern",
        script: Script::default,
        verdict: modern,
    },
    Scenario {
        name: "transitional-legacy",
        script: Script::default,
        verdict: legacy,
    },
    Scenario {
        name: "transitional-unversioned",
        script: || Script {
            withhold: feature::VERSION_1,
            ..Script::default()
        },
        verdict: unversioned,
    },
];

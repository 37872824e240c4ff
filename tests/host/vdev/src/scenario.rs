// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Named scenarios: what a device does otherwise than it should, and what the log has to say of the
//! driver at the end.

use crate::{
    common::reg,
    event::{
        Event,
        Structure, //
    },
    scenarios, //
    script::Script,
};

/// What a log shows: [`Err`] says what is wrong.
pub type Verdict = Result<(), String>;

/// A scenario.
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// What the device does.
    pub script: fn() -> Script,
    /// What is to be seen of the driver. That it broke no rule is not to be looked for: see
    /// [`lawful`].
    pub verdict: fn(&[Event]) -> Verdict,
}

/// The device behaves as it should.
pub static GOOD: Scenario = Scenario {
    name: "good",
    script: Script::default,
    verdict: lawful,
};

/// The scenario of this name.
pub fn by_name(name: &str) -> Option<&'static Scenario> {
    all().find(|scenario| scenario.name == name)
}

/// All scenarios.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    [&GOOD].into_iter().chain(scenarios::all().flatten())
}

/// The driver broke no rule.
pub fn lawful(events: &[Event]) -> Verdict {
    match events
        .iter()
        .find(|event| matches!(event, Event::Violation(_)))
    {
        Some(event) => Err(event.to_string()),
        None => Ok(()),
    }
}

/// Something like this happened, at least once.
pub fn happened(events: &[Event], what: &str, is: impl Fn(&Event) -> bool) -> Verdict {
    match events.iter().any(is) {
        true => Ok(()),
        false => Err(format!("there was no {what}")),
    }
}

/// Nothing like this happened.
pub fn never(events: &[Event], is: impl Fn(&Event) -> bool) -> Verdict {
    match events.iter().find(|event| is(event)) {
        Some(event) => Err(format!("{event} should not be")),
        None => Ok(()),
    }
}

/// The features that were agreed on last.
pub fn accepted(events: &[Event]) -> u128 {
    let (mut agreed, mut features, mut select) = (0, 0u128, 0);
    for event in events {
        match event {
            Event::Reset => features = 0,
            Event::Status(11) => agreed = features,
            Event::Write((Structure::Common, reg::DRIVER_FEATURE_SELECT), _, word) => {
                select = *word;
            }
            Event::Write((Structure::Common, reg::DRIVER_FEATURE), _, bits) if select < 4 => {
                features |= u128::from(*bits) << (32 * select);
            }
            _ => {}
        }
    }
    agreed
}

/// The parts of a log that begin with an event like `from`, up to the next one like `to`.
pub fn spans<'a>(
    events: &'a [Event],
    from: impl Fn(&Event) -> bool + 'a,
    to: impl Fn(&Event) -> bool + 'a,
) -> impl Iterator<Item = &'a [Event]> {
    let mut rest = events;
    std::iter::from_fn(move || {
        let start = rest.iter().position(&from)?;
        let behind = &rest[start..];
        let len = behind
            .iter()
            .skip(1)
            .position(&to)
            .map_or(behind.len(), |at| at + 2);
        let (span, after) = behind.split_at(len);
        rest = after;
        Some(span)
    })
}

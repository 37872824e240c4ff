// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices of any type that do not do what some register is written for.
//!
//! As in [`super::hostile`], what the driver makes of that is seen in the guest.

use crate::{
    common::reg,
    event::{
        Event,
        Register,
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
};

/// A device for which writes of a register are nothing.
fn deaf(mut is: impl FnMut(Register) -> bool + Send + 'static) -> Script {
    Script {
        write: Some(Box::new(move |register, value| {
            (!is(register)).then_some(value)
        })),
        ..Script::default()
    }
}

/// The same of fields of the common configuration.
fn fields(offsets: &'static [u64]) -> Script {
    deaf(move |(structure, at)| structure == Structure::Common && offsets.contains(&at))
}

/// A device that, once it is at work, does not reset itself, and goes on with its queues.
fn never_reset() -> Script {
    let mut live = false;
    Script {
        write: Some(Box::new(move |register, value| {
            if register != (Structure::Common, reg::STATUS) {
                return Some(value);
            }
            live |= value == 15;
            (!live || value != 0).then_some(value)
        })),
        ..Script::default()
    }
}

/// The driver tells such a device of no queue.
fn no_queue(events: &[Event]) -> Verdict {
    never(events, |event| matches!(event, Event::Enabled(..)))
}

/// The driver gives up on the device, says so, and resets it (2.1.1, 3.1.1).
fn given_up(events: &[Event]) -> Verdict {
    lawful(events)?;
    no_queue(events)?;
    happened(
        events,
        "status FAILED",
        |event| matches!(event, Event::Status(status) if status & 0x80 != 0),
    )?;
    match events
        .iter()
        .rfind(|event| matches!(event, Event::Status(_)))
    {
        Some(Event::Status(0)) => Ok(()),
        last => Err(format!("the last status is {last:?}")),
    }
}

/// The driver makes do with the interrupt line: it enables its queues without vectors.
fn by_line(events: &[Event]) -> Verdict {
    lawful(events)?;
    happened(events, "interrupt by the line", |event| {
        matches!(event, Event::Interrupt(None))
    })
}

/// A scenario of this file.
const fn scenario(
    name: &'static str,
    script: fn() -> Script,
    verdict: fn(&[Event]) -> Verdict,
) -> Scenario {
    Scenario {
        name,
        script,
        verdict,
    }
}

/// Nothing is said of the driver.
fn whatever(_: &[Event]) -> Verdict {
    Ok(())
}

/// Scenarios of this file.
pub(crate) static ALL: &[Scenario] = &[
    scenario("deaf-status", || fields(&[reg::STATUS]), no_queue),
    scenario(
        "deaf-device-feature-select",
        || fields(&[reg::DEVICE_FEATURE_SELECT]),
        given_up,
    ),
    // It takes no features then.
    scenario(
        "deaf-driver-feature",
        || fields(&[reg::DRIVER_FEATURE]),
        no_queue,
    ),
    scenario(
        "deaf-vectors",
        || fields(&[reg::CONFIG_VECTOR, reg::QUEUE_VECTOR]),
        by_line,
    ),
    scenario(
        "deaf-queue-select",
        || fields(&[reg::QUEUE_SELECT]),
        whatever,
    ),
    scenario("deaf-queue-size", || fields(&[reg::QUEUE_SIZE]), whatever),
    scenario(
        "deaf-queue-address",
        || fields(&[reg::QUEUE_DESC, reg::QUEUE_DRIVER, reg::QUEUE_DEVICE]),
        whatever,
    ),
    scenario(
        "deaf-queue-enable",
        || fields(&[reg::QUEUE_ENABLE]),
        no_queue,
    ),
    scenario(
        "deaf-notifications",
        || deaf(|(structure, _)| structure == Structure::Notify),
        whatever,
    ),
    scenario("deaf-reset", never_reset, whatever),
];

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Block devices: which cache a disk has, and when it is flushed (5.2.5.1, 5.2.6.1).

use super::capacity::{
    requested,
    requests, //
};
use crate::{
    devices::blk::{
        config,
        feature, //
    },
    event::{
        Event,
        Structure, //
    },
    scenario::{
        lawful,
        never,
        spans,
        Scenario,
        Verdict, //
    },
    script::Script, //
};

/// Where the mode is.
const MODE: (Structure, u64) = (Structure::Device, config::WRITEBACK as u64);

/// The mode was neither read nor written.
fn mode_is_left_alone(events: &[Event]) -> Verdict {
    never(
        events,
        |event| matches!(event, Event::Read(at, ..) | Event::Write(at, ..) if *at == MODE),
    )
}

/// A disk without a cache is written, and never flushed.
fn none_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    mode_is_left_alone(events)?;
    requested(events, 1)?;
    match requested(events, 4) {
        Ok(()) => Err("the disk was flushed".into()),
        Err(_) => Ok(()),
    }
}

/// A disk that can be flushed is, behind what is written.
fn flushed_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    mode_is_left_alone(events)?;
    let written = events
        .iter()
        .rposition(|event| requests(std::slice::from_ref(event)).any(|request| request.0 == 1))
        .ok_or("the disk was not written")?;
    requested(&events[written..], 4)
}

/// The disk was told to write through, and back again. In between it was flushed: what it had until
/// then is not safe by that it was told.
fn switch_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    let told = |mode: u64| move |event: &Event| *event == Event::Write(MODE, 1, mode);
    let mut times = 0;
    for span in spans(events, told(0), told(1)) {
        requested(span, 4)?;
        // What is flushed was written before.
        let first = requests(span).next();
        if first.is_some_and(|request| request.0 == 1) {
            return Err("the disk was written before it was flushed".into());
        }
        if !span.iter().any(told(1)) {
            return Err("the disk was not told to have a cache again".into());
        }
        times += 1;
    }
    match times {
        0 => Err("the disk was not told to write through".into()),
        _ => Ok(()),
    }
}

/// Scenarios of this file.
pub(crate) static ALL: &[Scenario] = &[
    Scenario {
        name: "blk-no-cache",
        script: || Script {
            withhold: feature::FLUSH | feature::CONFIG_WCE,
            ..Script::default()
        },
        verdict: none_verdict,
    },
    Scenario {
        name: "blk-fixed-cache",
        script: || Script {
            withhold: feature::CONFIG_WCE,
            ..Script::default()
        },
        verdict: flushed_verdict,
    },
    Scenario {
        name: "blk-switched-cache",
        script: Script::default,
        verdict: switch_verdict,
    },
];

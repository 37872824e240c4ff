// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Block devices: what there is of them, and what they are asked for.

use super::blk::{
    configured,
    number,
    put, //
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
        happened,
        lawful,
        never,
        Scenario,
        Verdict, //
    },
    script::Script, //
};

/// Bytes of a sector, whatever those of a block (5.2.4).
const SECTOR: u64 = 512;

/// A request, by its type: sector and bytes of data.
pub(super) fn requests(events: &[Event]) -> impl Iterator<Item = (u32, u64, u64)> + '_ {
    events.iter().filter_map(|event| match event {
        Event::Request(text) => {
            let kind = text.split(' ').next()?.parse().ok()?;
            let bytes = u64::from(number(text, "out")?) + u64::from(number(text, "in")?);
            Some((kind, number(text, "sector")?.into(), bytes))
        }
        _ => None,
    })
}

/// There was a request of this type.
pub(super) fn requested(events: &[Event], kind: u32) -> Verdict {
    match requests(events).any(|request| request.0 == kind) {
        true => Ok(()),
        false => Err(format!("there was no request of type {kind}")),
    }
}

/// No request goes beyond the capacity that the driver was told last. How far the furthest one went.
fn inside(events: &[Event]) -> Result<u64, String> {
    let (mut capacity, mut furthest) = (0u64, 0);
    for event in events {
        match event {
            Event::Read((Structure::Device, 0), 4, low) => {
                capacity = capacity & !0xffff_ffff | low;
            }
            Event::Read((Structure::Device, 4), 4, high) => {
                capacity = capacity & 0xffff_ffff | high << 32;
            }
            _ => {
                for (kind, sector, bytes) in requests(std::slice::from_ref(event)) {
                    let end = sector + bytes / SECTOR;
                    if kind <= 1 && end > capacity {
                        return Err(format!("{event}, of {capacity} sectors"));
                    }
                    furthest = furthest.max(end);
                }
            }
        }
    }
    Ok(furthest)
}

/// Requests end where the disk ends, and some go as far.
fn end_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    match inside(events)? {
        131_072 => Ok(()),
        end => Err(format!("the furthest request ended at {end}")),
    }
}

/// Each time that the configuration changed, the driver looked at the capacity; and it went by it.
fn changes_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    inside(events)?;
    let change = |event: &Event| matches!(event, Event::Note(text) if text.starts_with("do "));
    let changes = events.iter().enumerate().filter(|(_, event)| change(event));
    let mut count = 0;
    for (at, event) in changes {
        let rest = &events[at + 1..];
        let end = rest.iter().position(change).unwrap_or(rest.len());
        let of_it = &rest[..end];
        happened(of_it, &format!("interrupt for {event}"), |event| {
            matches!(event, Event::Interrupt(_))
        })?;
        happened(
            of_it,
            &format!("look at the capacity after {event}"),
            |event| matches!(event, Event::Read((Structure::Device, 0), ..)),
        )?;
        count += 1;
    }
    match count {
        0 => Err("nothing changed".into()),
        _ => Ok(()),
    }
}

/// One interrupt, by the first vector, which is that of the configuration, said that the configuration had changed and that the device wants to be reset. The
/// driver did the one and looked at the other.
fn both_verdict(events: &[Event]) -> Verdict {
    changes_verdict(events)?;
    let both = |event: &Event| matches!(event, Event::Note(text) if text == "do grow-and-reset");
    let at = events.iter().position(both).ok_or("nothing happened")?;
    let after = &events[at..];
    let reset = after.iter().position(|event| *event == Event::Reset);
    let (before, after) = after.split_at(reset.ok_or("the device was not reset")?);
    let interrupts = before
        .iter()
        .filter(|event| matches!(event, Event::Interrupt(Some(0))))
        .count();
    if interrupts != 1 {
        return Err(format!("{interrupts} interrupts before the reset"));
    }
    let start = after.iter().position(|event| *event == Event::Status(15));
    let start = start.ok_or("the device was not started again")?;
    happened(&after[start..], "answer", |event| {
        matches!(event, Event::Used(..))
    })
}

/// A disk that is only to be read was not written.
fn read_only_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    requested(events, 0)?;
    match requests(events).find(|request| !matches!(request.0, 0 | 8)) {
        Some(request) => Err(format!("request {request:?} of a disk that is read-only")),
        None => Ok(()),
    }
}

/// Requests of all types were seen, and of different lengths. The device looks at each: header, data
/// of whole sectors, status at the end; no data in flushes.
fn shapes_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    for kind in [0, 1, 4, 8] {
        requested(events, kind)?;
    }
    let mut lengths: Vec<u64> = requests(events).map(|request| request.2).collect();
    lengths.sort_unstable();
    lengths.dedup();
    if lengths.len() < 8 {
        return Err(format!("data of {lengths:?} bytes only"));
    }
    // The smallest piece there is, and more than one descriptor takes.
    never(
        events,
        |event| matches!(event, Event::Request(text) if number(text, "segments").is_none()),
    )?;
    match requests(events).any(|request| request.2 == SECTOR) {
        true => Ok(()),
        false => Err("there was no request of a sector".into()),
    }
}

/// Scenarios of this file.
pub(crate) static ALL: &[Scenario] = &[
    Scenario {
        name: "blk-4k",
        script: || configured(|bytes| put(bytes, config::BLK_SIZE, &4096u32.to_le_bytes())),
        verdict: end_verdict,
    },
    Scenario {
        name: "blk-end",
        script: Script::default,
        verdict: end_verdict,
    },
    Scenario {
        name: "blk-changes",
        script: Script::default,
        verdict: changes_verdict,
    },
    Scenario {
        name: "blk-changes-and-resets",
        script: Script::default,
        verdict: both_verdict,
    },
    Scenario {
        name: "blk-read-only",
        script: || Script {
            offer: feature::RO,
            ..Script::default()
        },
        verdict: read_only_verdict,
    },
    Scenario {
        name: "blk-shapes",
        script: Script::default,
        verdict: shapes_verdict,
    },
];

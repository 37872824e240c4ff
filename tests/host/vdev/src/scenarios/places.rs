// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Which addresses a device is given (6, `VIRTIO_F_ACCESS_PLATFORM`), and what it may do there.

use super::blk::number;
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
        accepted,
        happened,
        lawful,
        never,
        Scenario,
        Verdict, //
    },
    script::Script, //
};

/// Where the parts of queues were placed, each with what had been seen by then.
fn places(events: &[Event]) -> impl Iterator<Item = (u64, &[Event])> {
    let part = |at: u64| (reg::QUEUE_DESC..reg::QUEUE_NOTIF_DATA).contains(&at);
    // The low half is written first.
    events
        .iter()
        .enumerate()
        .filter_map(move |(index, event)| match event {
            Event::Write((Structure::Common, at), 4, high) if part(*at) && at % 8 == 4 => {
                let before = &events[..index];
                let low = before.iter().rev().find_map(|event| match event {
                    Event::Write((Structure::Common, low), 4, value) if low + 4 == *at => {
                        Some(*value)
                    }
                    _ => None,
                })?;
                Some((high << 32 | low, before))
            }
            _ => None,
        })
}

/// Whether an address was mapped at the end of a log.
fn is_mapped(events: &[Event], address: u64) -> bool {
    let holds = |base: &u64, len: &u64| address.wrapping_sub(*base) < *len;
    let last = events.iter().rev().find(|event| match event {
        Event::Map(base, len) | Event::Unmap(base, len) => holds(base, len),
        _ => false,
    });
    matches!(last, Some(Event::Map(..)))
}

/// With ACCESS_PLATFORM each part of a queue is at an address that was mapped for the device. That
/// this is so for buffers as well is a rule that the device looks at in any case.
fn bus_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    if accepted(events) & feature::ACCESS_PLATFORM == 0 {
        return Err("ACCESS_PLATFORM was not accepted".into());
    }
    let mut count = 0;
    for (address, before) in places(events) {
        if !is_mapped(before, address) {
            return Err(format!("{address:#x} was not mapped"));
        }
        count += 1;
    }
    if count < 3 {
        return Err(format!("{count} parts of queues were placed"));
    }
    happened(events, "answer", |event| matches!(event, Event::Used(..)))
}

/// Without ACCESS_PLATFORM nothing is mapped, although there is an IOMMU, and the parts of queues are
/// where a machine has its memory; addresses that are mapped are given out from 4 GiB down. The
/// device can not reach that: no more is to be seen.
fn physical_verdict(events: &[Event]) -> Verdict {
    never(events, |event| matches!(event, Event::Map(..)))?;
    if accepted(events) & feature::ACCESS_PLATFORM != 0 {
        return Err("ACCESS_PLATFORM was accepted".into());
    }
    let mut count = 0;
    for (address, _) in places(events) {
        if address == 0 || address >= 2 << 30 {
            return Err(format!("{address:#x} is no address of memory"));
        }
        count += 1;
    }
    match count {
        0..3 => Err(format!("{count} parts of queues were placed")),
        _ => Ok(()),
    }
}

/// What a disk was only to read, it could not have written.
fn directions_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    let open = |text: &str| number(text, "open") != Some(0);
    never(
        events,
        |event| matches!(event, Event::Request(text) if open(text)),
    )?;
    for kind in ["0 ", "1 "] {
        happened(
            events,
            &format!("request of type {kind}"),
            |event| matches!(event, Event::Request(text) if text.starts_with(kind)),
        )?;
    }
    Ok(())
}

/// Scenarios of this file.
pub(crate) static ALL: &[Scenario] = &[
    Scenario {
        name: "bus-addresses",
        script: Script::default,
        verdict: bus_verdict,
    },
    Scenario {
        name: "physical-addresses",
        script: || Script {
            withhold: feature::ACCESS_PLATFORM,
            ..Script::default()
        },
        verdict: physical_verdict,
    },
    Scenario {
        name: "blk-directions",
        script: Script::default,
        verdict: directions_verdict,
    },
];

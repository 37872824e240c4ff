// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A disk of old whose capacity changes while it is read. There is no generation to tell by: the
//! driver is to read until it gets the same twice in a row (2.5.4).

use crate::{
    devices::blk::config::CAPACITY,
    event::{
        Event,
        Structure, //
    },
    scenario::{
        lawful,
        Scenario,
        Verdict, //
    },
    script::{
        Action,
        Script, //
    },
};

/// Sectors that the disk has in turn. Half of one and half of the other is none of the two.
const SECTORS: [u64; 2] = [0x1_ff00, 0x2_0000];

/// Says how many sectors there are.
fn put(config: &mut [u8], sectors: u64) {
    if let Some(place) = config.get_mut(CAPACITY..CAPACITY + 8) {
        place.copy_from_slice(&sectors.to_le_bytes());
    }
}

/// Whether an event is a read of the second byte of the capacity, maybe with others.
fn is_second(event: &Event) -> bool {
    matches!(event, Event::Read((Structure::Device, at), width, _)
        if *at <= 1 && at + *width as u64 > 1)
}

/// A disk that changes its mind in the middle of so many reads, without a word.
fn changing(times: u32) -> Script {
    let mut count = 0;
    Script {
        react: Some(Box::new(move |event| {
            if !is_second(event) || count == times {
                return Vec::new();
            }
            count += 1;
            vec![Action::ConfigureQuietly(match count % 2 {
                0 => |config| put(config, SECTORS[1]),
                _ => |config| put(config, SECTORS[0]),
            })]
        })),
        ..Script::default()
    }
}

/// The capacities that the driver read, each from its first byte on.
fn passes(events: &[Event]) -> Vec<u64> {
    let (mut passes, mut pass, mut next) = (Vec::new(), 0, 0);
    for event in events {
        let Event::Read((Structure::Device, at), width, value) = event else {
            continue;
        };
        if *at == 0 {
            (pass, next) = (0, 0);
        }
        if *at != next || next >= 8 {
            continue;
        }
        pass |= value << (8 * at);
        next += *width as u64;
        if next == 8 {
            passes.push(pass);
        }
    }
    passes
}

/// The driver went on when it had read the same twice, and not before it.
fn agreed(events: &[Event]) -> Verdict {
    lawful(events)?;
    let start = events
        .iter()
        .position(|event| *event == Event::Status(super::LIVE));
    let taken = events
        .iter()
        .position(|event| matches!(event, Event::Taken(..)));
    let first = taken.or(start).ok_or("the disk was not used")?;
    let passes = passes(&events[..first]);
    match passes[..] {
        [.., one, other] if one == other && SECTORS.contains(&one) => Ok(()),
        _ => Err(format!("the capacity was read as {passes:x?}")),
    }
}

/// The disk is not used: it never was the same twice.
fn refused(events: &[Event]) -> Verdict {
    lawful(events)?;
    match events
        .iter()
        .find(|event| matches!(event, Event::Taken(..)))
    {
        Some(event) => Err(format!("{event}, of a disk of no known size")),
        None => Ok(()),
    }
}

/// Scenarios of this file.
pub(super) static ALL: &[Scenario] = &[
    Scenario {
        name: "legacy-capacity",
        script: || changing(3),
        verdict: agreed,
    },
    Scenario {
        name: "legacy-capacity-never",
        script: || changing(u32::MAX),
        verdict: refused,
    },
];

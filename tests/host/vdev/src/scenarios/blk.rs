// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Block devices: limits, configurations that make no sense, and what becomes of requests.

use crate::{
    devices::blk::{
        config,
        feature, //
    },
    event::Event,
    scenario::{
        happened,
        lawful,
        never,
        Scenario,
        Verdict, //
    },
    script::{
        Answer,
        Script,
        Taken, //
    },
};
use std::time::Duration;

/// Writes a field of the configuration.
pub(super) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

/// Bytes of a segment at most, and segments of a request, of [`limited`].
const SIZE_MAX: u32 = 4096;
const SEG_MAX: u32 = 6;

/// A device that takes few short segments.
fn limited() -> Script {
    Script {
        offer: feature::SIZE_MAX,
        configure: Some(|bytes| {
            put(bytes, config::SIZE_MAX, &SIZE_MAX.to_le_bytes());
            put(bytes, config::SEG_MAX, &SEG_MAX.to_le_bytes());
        }),
        ..Script::default()
    }
}

/// The number behind a word of a request's description.
pub(super) fn number(text: &str, name: &str) -> Option<u32> {
    let mut words = text.split(' ').skip_while(|word| *word != name);
    words.nth(1)?.parse().ok()
}

/// No request had more segments or longer ones, and some came near.
fn limited_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    let mut most = 0;
    for event in events {
        let Event::Request(text) = event else {
            continue;
        };
        let segments = number(text, "segments").unwrap_or(u32::MAX);
        let longest = number(text, "longest").unwrap_or(u32::MAX);
        if segments > SEG_MAX || longest > SIZE_MAX {
            return Err(event.to_string());
        }
        most = most.max(segments);
    }
    match most {
        SEG_MAX => Ok(()),
        most => Err(format!("there was no request of more than {most} segments")),
    }
}

/// Flushes were seen, the serial number was asked for, and nothing was wrong with either: the device
/// looks at each header.
fn headers_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    let kind = |kind: &str| {
        let start = format!("{kind} sector 0 ");
        happened(
            events,
            &format!("request of type {kind}"),
            move |event| matches!(event, Event::Request(text) if text.starts_with(&start)),
        )
    };
    kind("4")?;
    kind("8")
}

/// Whether this is a range that is filled with zeroes, with these flags.
fn is_zeroed(event: &Event, flags: u32) -> bool {
    let text = format!("range of type 13 flags {flags}");
    matches!(event, Event::Note(note) if *note == text)
}

/// Sectors were discarded, in several ranges at a time, filled with zeroes and discarded for good; the
/// device looks at each range. Of what was filled with zeroes, some was to keep its place, and some was
/// not.
fn ranges_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    for (kind, ranges) in [("11", 4), ("13", 1), ("14", 1)] {
        let start = format!("{kind} sector 0 out {} in 0 ", 16 * ranges);
        happened(
            events,
            &format!("request of type {kind} about {ranges}"),
            move |event| matches!(event, Event::Request(text) if text.starts_with(&start)),
        )?;
    }
    happened(events, "range to keep its place", |event| {
        is_zeroed(event, 0)
    })?;
    happened(events, "range to lose its place", |event| {
        is_zeroed(event, 1)
    })
}

/// Sectors were filled with zeroes, and none was to lose its place: none can.
fn kept_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    happened(events, "range to keep its place", |event| {
        is_zeroed(event, 0)
    })?;
    never(events, |event| is_zeroed(event, 1))
}

/// A script that has requests about ranges answered with this status, and not carried out.
fn ranges_answered(status: u8) -> Script {
    Script {
        answer: Some(Box::new(move |taken| {
            // Less than a sector.
            let execute = !(17..512).contains(&taken.chain.readable);
            Answer {
                execute,
                tail: (!execute).then_some(status),
                ..Answer::default()
            }
        })),
        ..Script::default()
    }
}

/// It was asked how worn its medium is; the device looks at the request.
fn lifetime_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    happened(
        events,
        "request of type 10",
        |event| matches!(event, Event::Request(text) if text.starts_with("10 sector 0 out 0 in 6 ")),
    )
}

/// A script with another configuration.
pub(super) fn configured(configure: fn(&mut [u8])) -> Script {
    Script {
        configure: Some(configure),
        ..Script::default()
    }
}

/// Advice that makes no sense.
fn absurd(bytes: &mut [u8]) {
    put(bytes, config::BLK_SIZE, &3_000_000_001u32.to_le_bytes());
    put(bytes, config::TOPOLOGY, &[0xff; 8]);
    put(bytes, config::SEG_MAX, &[0xff; 4]);
    put(bytes, config::WRITEBACK, &[0xff]);
    put(bytes, config::DISCARD, &[0xff; 36]);
}

/// The same with zeroes.
fn zeroes(bytes: &mut [u8]) {
    put(bytes, config::BLK_SIZE, &[0; 4]);
    put(bytes, config::TOPOLOGY, &[0; 8]);
    put(bytes, config::SEG_MAX, &[0; 4]);
    put(bytes, config::DISCARD, &[0; 36]);
}

/// Units that are no powers of two, and larger than what may be asked for.
fn unaligned(bytes: &mut [u8]) {
    for at in [config::DISCARD, config::SECURE_ERASE] {
        put(bytes, at, &3u32.to_le_bytes());
        put(bytes, at + 8, &7u32.to_le_bytes());
    }
    // Not even a block.
    put(bytes, config::BLK_SIZE, &4096u32.to_le_bytes());
    put(bytes, config::WRITE_ZEROES, &7u32.to_le_bytes());
}

/// A script that answers all but the first few requests otherwise: those in which the kernel looks
/// for partitions.
fn answering(answer: fn() -> Answer) -> Script {
    Script {
        answer: Some(Box::new(move |taken| {
            // Only what is written, the serial number and the wear: reads are of the kernel as well.
            let is_asked = taken.chain.readable == 16 && matches!(taken.chain.writable, 7 | 21);
            if is_write(taken) || is_asked {
                answer()
            } else {
                Answer::default()
            }
        })),
        ..Script::default()
    }
}

/// A status that is none, or none at all.
fn status(tail: u8) -> Answer {
    Answer {
        tail: Some(tail),
        ..Answer::default()
    }
}

/// A script that has the first write answered like this, and all else as it should be.
fn first_write(answer: fn() -> Answer) -> Script {
    let mut writes = 0;
    Script {
        answer: Some(Box::new(move |taken| {
            writes += u32::from(is_write(taken));
            match (is_write(taken), writes) {
                (true, 1) => answer(),
                _ => Answer::default(),
            }
        })),
        ..Script::default()
    }
}

/// Whether a request writes.
fn is_write(taken: &Taken<'_>) -> bool {
    taken.chain.readable > 16
}

/// No answer.
fn silence() -> Answer {
    Answer {
        keep: true,
        ..Answer::default()
    }
}

/// A script that never answers writes of this many bytes.
fn never_answers(bytes: u64) -> Script {
    Script {
        answer: Some(Box::new(move |taken| {
            match taken.chain.readable == 16 + bytes {
                true => silence(),
                false => Answer::default(),
            }
        })),
        ..Script::default()
    }
}

/// A device that answers nothing any more once something is written.
fn dies() -> Script {
    let mut dead = false;
    Script {
        answer: Some(Box::new(move |taken| {
            dead |= is_write(taken);
            match dead {
                true => silence(),
                false => Answer::default(),
            }
        })),
        ..Script::default()
    }
}

/// Scenarios of this file.
pub(crate) static ALL: &[Scenario] = &[
    Scenario {
        name: "blk-limited",
        script: limited,
        verdict: limited_verdict,
    },
    Scenario {
        name: "blk-headers",
        script: Script::default,
        verdict: headers_verdict,
    },
    Scenario {
        name: "blk-no-queues",
        script: || configured(|bytes| put(bytes, config::NUM_QUEUES, &[0; 2])),
        verdict: lawful,
    },
    Scenario {
        name: "blk-ranges",
        script: Script::default,
        verdict: ranges_verdict,
    },
    Scenario {
        name: "blk-ranges-kept",
        script: || configured(|bytes| put(bytes, config::WRITE_ZEROES + 8, &[0])),
        verdict: kept_verdict,
    },
    Scenario {
        name: "blk-ranges-error",
        script: || ranges_answered(1),
        verdict: lawful,
    },
    Scenario {
        name: "blk-ranges-unsupported",
        script: || ranges_answered(2),
        verdict: lawful,
    },
    Scenario {
        name: "blk-ranges-unaligned",
        script: || configured(unaligned),
        verdict: lawful,
    },
    Scenario {
        name: "blk-absurd",
        script: || configured(absurd),
        verdict: lawful,
    },
    Scenario {
        name: "blk-zeroes",
        script: || configured(zeroes),
        verdict: lawful,
    },
    Scenario {
        name: "blk-size-max-0",
        script: || Script {
            offer: feature::SIZE_MAX,
            ..configured(|bytes| put(bytes, config::SIZE_MAX, &[0; 4]))
        },
        verdict: lawful,
    },
    Scenario {
        name: "blk-size-max-1",
        script: || Script {
            offer: feature::SIZE_MAX,
            ..configured(|bytes| put(bytes, config::SIZE_MAX, &[1, 0, 0, 0]))
        },
        verdict: lawful,
    },
    Scenario {
        name: "blk-capacity-0",
        script: || configured(|bytes| put(bytes, config::CAPACITY, &[0; 8])),
        verdict: lawful,
    },
    Scenario {
        name: "blk-capacity-all",
        script: || configured(|bytes| put(bytes, config::CAPACITY, &[0xff; 8])),
        verdict: lawful,
    },
    Scenario {
        name: "blk-status-error",
        script: || answering(|| status(1)),
        verdict: lawful,
    },
    Scenario {
        name: "blk-status-unsupported",
        script: || answering(|| status(2)),
        verdict: lawful,
    },
    Scenario {
        name: "blk-status-unknown",
        script: || answering(|| status(0x77)),
        verdict: lawful,
    },
    Scenario {
        name: "blk-status-unwritten",
        script: || {
            answering(|| Answer {
                execute: false,
                ..Answer::default()
            })
        },
        verdict: lawful,
    },
    Scenario {
        name: "blk-short-id",
        script: || {
            answering(|| Answer {
                claim: Some(7),
                tail: Some(0),
                ..Answer::default()
            })
        },
        verdict: lawful,
    },
    Scenario {
        name: "blk-lifetime",
        script: Script::default,
        verdict: lifetime_verdict,
    },
    // Two numbers and a half.
    Scenario {
        name: "blk-short-lifetime",
        script: || {
            answering(|| Answer {
                claim: Some(5),
                tail: Some(0),
                ..Answer::default()
            })
        },
        verdict: lifetime_verdict,
    },
    Scenario {
        name: "blk-lost-interrupt",
        script: || {
            answering(|| Answer {
                silent: true,
                ..Answer::default()
            })
        },
        verdict: lawful,
    },
    Scenario {
        name: "blk-loses-one",
        script: || first_write(silence),
        verdict: lawful,
    },
    Scenario {
        name: "blk-late-once",
        script: || {
            first_write(|| Answer {
                after: Duration::from_secs(8),
                ..Answer::default()
            })
        },
        verdict: lawful,
    },
    Scenario {
        name: "blk-never-12k",
        script: || never_answers(12 << 10),
        verdict: lawful,
    },
    Scenario {
        name: "blk-dies",
        script: dies,
        verdict: lawful,
    },
    Scenario {
        name: "blk-slow",
        script: || {
            answering(|| Answer {
                after: Duration::from_millis(300),
                ..Answer::default()
            })
        },
        verdict: lawful,
    },
];

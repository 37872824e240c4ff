// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Disks with zones that are written in order (5.2): such as they should be, and such that lie.

use super::blk::put;
use crate::{
    devices::blk::{
        config,
        feature,
        zones::{
            configure,
            Variant,
            FEW,
            ZONE, //
        }, //
    },
    event::Event,
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

/// A disk with zones, of this configuration.
fn zoned(configure: fn(&mut [u8])) -> Script {
    Script {
        offer: feature::ZONED,
        configure: Some(configure),
        ..Script::default()
    }
}

/// Whether this is a request of a type.
fn is(event: &Event, kind: u32) -> bool {
    let start = format!("{kind} ");
    matches!(event, Event::Request(text) if text.starts_with(&start))
}

/// Such a request was seen.
fn asked(events: &[Event], kind: u32) -> Verdict {
    happened(events, &format!("request of type {kind}"), |event| {
        is(event, kind)
    })
}

/// Zones were agreed on, discarding was not (5.2.5.1), and zones were asked for.
fn zoned_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    let features = accepted(events);
    if features & feature::ZONED == 0 || features & feature::DISCARD != 0 {
        return Err(format!("accepted features {features:#x}"));
    }
    asked(events, 16)
}

/// All that can be done with zones was, but for appending.
fn managed_verdict(events: &[Event]) -> Verdict {
    zoned_verdict(events)?;
    let kinds = [1, 18, 20, 22, 24, 26];
    kinds.iter().try_for_each(|kind| asked(events, *kind))
}

/// Something was appended.
fn append_verdict(events: &[Event]) -> Verdict {
    zoned_verdict(events)?;
    asked(events, 15)
}

/// Nothing was, as the disk can not.
fn no_append_verdict(events: &[Event]) -> Verdict {
    zoned_verdict(events)?;
    never(events, |event| is(event, 15))
}

/// It was driven as a disk without zones.
fn regular_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    if accepted(events) & feature::DISCARD == 0 {
        return Err("did not accept that it discards".into());
    }
    never(events, |event| (15..=26).any(|kind| is(event, kind)))
}

/// It was given up before features were agreed on (5.2.5.1).
fn unknown_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    never(events, |event| matches!(event, Event::Status(11)))?;
    happened(events, "FAILED", |event| {
        matches!(event, Event::Status(131))
    })
}

/// It was given up after features were agreed on, and not used.
fn unusable_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    never(events, |event| matches!(event, Event::Status(15)))?;
    happened(events, "FAILED", |event| {
        matches!(event, Event::Status(139))
    })
}

/// A scenario with a disk that lies: what is asked of it is lawful.
const fn liar(name: &'static str, script: fn() -> Script) -> Scenario {
    Scenario {
        name,
        script,
        verdict: lawful,
    }
}

/// A scenario with characteristics that nobody can work with.
const fn unusable(name: &'static str, script: fn() -> Script) -> Scenario {
    Scenario {
        name,
        script,
        verdict: unusable_verdict,
    }
}

/// Has zones, and another word of what is said of them.
fn with_word<const PLACE: usize, const VALUE: u32>(bytes: &mut [u8]) {
    configure(bytes, Variant::Good);
    put(bytes, config::ZONES + 4 * PLACE, &VALUE.to_le_bytes());
}

/// Has zones, of another model.
fn with_model<const MODEL: u8>(bytes: &mut [u8]) {
    configure(bytes, Variant::Good);
    put(bytes, config::MODEL, &[MODEL]);
}

/// Has few zones, until it grows.
fn few(bytes: &mut [u8], variant: Variant) {
    configure(bytes, variant);
    put(bytes, config::CAPACITY, &(FEW * ZONE).to_le_bytes());
}

/// Scenarios of this file.
pub(crate) static ALL: &[Scenario] = &[
    Scenario {
        name: "zoned",
        script: || zoned(|bytes| configure(bytes, Variant::Good)),
        verdict: zoned_verdict,
    },
    Scenario {
        name: "zoned-managed",
        script: || zoned(|bytes| configure(bytes, Variant::Good)),
        verdict: managed_verdict,
    },
    Scenario {
        name: "zoned-append",
        script: || zoned(|bytes| configure(bytes, Variant::Good)),
        verdict: append_verdict,
    },
    Scenario {
        name: "zoned-few",
        script: || zoned(|bytes| few(bytes, Variant::Good)),
        verdict: zoned_verdict,
    },
    liar("zoned-few-late", || {
        zoned(|bytes| few(bytes, Variant::Late))
    }),
    liar("zoned-few-silent", || {
        zoned(|bytes| few(bytes, Variant::Silent))
    }),
    Scenario {
        name: "zoned-no-append",
        script: || zoned(with_word::<3, 0>),
        verdict: no_append_verdict,
    },
    Scenario {
        name: "zoned-mixed",
        script: || zoned(|bytes| configure(bytes, Variant::Mixed)),
        verdict: zoned_verdict,
    },
    Scenario {
        name: "zoned-aware",
        script: || zoned(with_model::<2>),
        verdict: regular_verdict,
    },
    Scenario {
        name: "zoned-none",
        script: || zoned(with_model::<0>),
        verdict: regular_verdict,
    },
    Scenario {
        name: "zoned-unknown",
        script: || zoned(with_model::<3>),
        verdict: unknown_verdict,
    },
    unusable("zoned-of-nothing", || zoned(with_word::<0, 0>)),
    unusable("zoned-of-1", || zoned(with_word::<0, 1>)),
    unusable("zoned-of-6144", || zoned(with_word::<0, 6144>)),
    unusable("zoned-granularity-0", || zoned(with_word::<4, 0>)),
    unusable("zoned-granularity-3000", || zoned(with_word::<4, 3000>)),
    unusable("zoned-granularity-all", || {
        zoned(with_word::<4, { u32::MAX }>)
    }),
    unusable("zoned-append-1", || zoned(with_word::<3, 1>)),
    liar("zoned-open-all", || zoned(with_word::<1, { u32::MAX }>)),
    liar("zoned-active-1", || zoned(with_word::<2, 1>)),
    liar("zoned-capacity-all", || {
        zoned(|bytes| {
            configure(bytes, Variant::Good);
            put(bytes, config::CAPACITY, &[0xff; 8]);
        })
    }),
    liar("zoned-capacity-0", || {
        zoned(|bytes| {
            configure(bytes, Variant::Good);
            put(bytes, config::CAPACITY, &[0; 8]);
        })
    }),
    liar("zoned-report-many", || {
        zoned(|bytes| configure(bytes, Variant::Many))
    }),
    liar("zoned-report-none", || {
        zoned(|bytes| configure(bytes, Variant::None))
    }),
    liar("zoned-report-stands", || {
        zoned(|bytes| configure(bytes, Variant::NoProgress))
    }),
    liar("zoned-start-outside", || {
        zoned(|bytes| configure(bytes, Variant::Outside))
    }),
    liar("zoned-start-unaligned", || {
        zoned(|bytes| configure(bytes, Variant::Unaligned))
    }),
    liar("zoned-pointer-outside", || {
        zoned(|bytes| configure(bytes, Variant::PointerOutside))
    }),
    liar("zoned-too-large", || {
        zoned(|bytes| configure(bytes, Variant::Large))
    }),
    liar("zoned-no-capacity", || {
        zoned(|bytes| configure(bytes, Variant::NoCapacity))
    }),
    liar("zoned-type", || {
        zoned(|bytes| configure(bytes, Variant::Type))
    }),
    liar("zoned-preferred", || {
        zoned(|bytes| configure(bytes, Variant::Preferred))
    }),
    liar("zoned-state", || {
        zoned(|bytes| configure(bytes, Variant::State))
    }),
    liar("zoned-unordered", || {
        zoned(|bytes| configure(bytes, Variant::Unordered))
    }),
    liar("zoned-append-elsewhere", || {
        zoned(|bytes| configure(bytes, Variant::Elsewhere))
    }),
    liar("zoned-append-nowhere", || {
        zoned(|bytes| configure(bytes, Variant::Nowhere))
    }),
];

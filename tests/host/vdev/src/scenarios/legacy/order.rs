// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a driver does to a device of old that behaves, and in which order.

use super::{
    accepted,
    read,
    written,
    Field,
    LIVE, //
};
use crate::{
    event::{
        Event,
        Structure, //
    },
    mmio_legacy::reg as mmio,
    scenario::{
        happened,
        lawful,
        never,
        spans,
        Scenario,
        Verdict, //
    },
    scenarios::mmio::{
        acknowledged,
        asked_first, //
    },
    script::Script,
    state::{
        feature,
        NO_VECTOR, //
    }, //
};
use std::collections::BTreeMap;

/// `VIRTIO_F_NOTIFY_ON_EMPTY`, and the bit by which QEMU finds drivers that accept what they do not
/// know (6.3).
const NOTIFY_ON_EMPTY: u128 = 1 << 24;
const TRAP: u128 = 1 << 30;

/// Features of disks of old: barriers, which are no flushes, and requests of SCSI (5.2.3.1).
const OF_DISKS: u128 = 1 | 1 << 7;

/// The device did something for the driver.
fn used(events: &[Event]) -> Verdict {
    happened(events, "answer", |event| matches!(event, Event::Used(..)))
}

/// One life: the status goes up step by step, without FEATURES_OK; the features are read, and
/// accepted between DRIVER and DRIVER_OK (3.1.2).
fn life(events: &[Event]) -> Verdict {
    let statuses: Vec<u8> = events
        .iter()
        .filter_map(|event| match event {
            Event::Status(status) if *status != 0 => Some(*status),
            _ => None,
        })
        .collect();
    // One that is only noticed has no driver any more.
    if !matches!(statuses[..], [] | [1] | [1, 3, LIVE]) {
        return Err(format!("the status went {statuses:?}"));
    }
    let Some(live) = events
        .iter()
        .position(|event| *event == Event::Status(LIVE))
    else {
        return Ok(());
    };
    let driver = events.iter().position(|event| *event == Event::Status(3));
    let between = &events[driver.unwrap_or(0)..live];
    let read_at = between
        .iter()
        .position(|event| read(event, Field::Offered).is_some())
        .ok_or("the features were not read")?;
    let accepted_at = between
        .iter()
        .position(|event| written(event, Field::Accepted).is_some())
        .ok_or("no features were accepted")?;
    match read_at < accepted_at {
        true => Ok(()),
        false => Err("features were accepted before they were read".into()),
    }
}

/// What was done to a queue since the reset.
#[derive(Default)]
struct Known {
    /// Its page was read, and it was 0.
    is_free: bool,
    /// So many entries it has, or may have at most.
    size: Option<u64>,
    /// So many it has, where the driver says so.
    chosen: Option<u64>,
    /// How its used ring is aligned, where the driver says so.
    align: Option<u64>,
}

impl Known {
    /// What is missing before it is put to a page. For memory-mapped I/O that is more (4.2.4).
    fn check(&self, is_mmio: bool) -> Verdict {
        let size = self.size.ok_or("a queue of unknown size was placed")?;
        if size == 0 {
            return Err("a queue was placed that is not there".into());
        }
        if !is_mmio {
            return Ok(());
        }
        if !self.is_free {
            return Err("a queue was placed that may be in use".into());
        }
        match self.chosen {
            Some(chosen) if chosen <= size => {}
            chosen => return Err(format!("a queue of {chosen:?} entries, of {size} at most")),
        }
        match self.align {
            Some(align) if align.is_power_of_two() => Ok(()),
            align => Err(format!("a queue was placed with alignment {align:?}")),
        }
    }
}

/// Before a queue is put to a page, the driver found out what it needs to know of it.
fn placed(events: &[Event], is_mmio: bool) -> Verdict {
    let (mut known, mut select) = (BTreeMap::<u64, Known>::new(), 0);
    for event in events {
        select = written(event, Field::Select).unwrap_or(select);
        if *event == Event::Reset {
            (known, select) = (BTreeMap::new(), 0);
        }
        let selected = known.entry(select).or_default();
        if let Some(page) = read(event, Field::Page) {
            selected.is_free = page == 0;
        }
        if let Some(size) = read(event, Field::Size) {
            if is_mmio && !selected.is_free {
                return Err("the size was read of a queue that may be in use".into());
            }
            selected.size = Some(size);
        }
        match event {
            Event::Write((Structure::Mmio, mmio::QUEUE_SIZE), _, size) => {
                selected.chosen = Some(*size);
            }
            Event::Write((Structure::Mmio, mmio::QUEUE_ALIGN), _, align) => {
                selected.align = Some(*align);
            }
            _ => {}
        }
        if written(event, Field::Page).is_some_and(|page| page != 0) {
            selected.check(is_mmio)?;
        }
    }
    Ok(())
}

/// What holds for either interface.
fn both(events: &[Event], is_mmio: bool) -> Verdict {
    lawful(events)?;
    events
        .split(|event| *event == Event::Reset)
        .try_for_each(life)?;
    placed(events, is_mmio)?;
    happened(events, "start", |event| *event == Event::Status(LIVE))?;
    happened(events, "page of a queue", |event| {
        written(event, Field::Page).is_some_and(|page| page != 0)
    })?;
    happened(events, "notification", |event| {
        matches!(event, Event::Kick(_))
    })?;
    used(events)
}

/// A driver of PCI at work. Nothing of the modern interface is there for it, and its interrupts are
/// vectors: as long as the device is at work nobody asks why.
fn pci_order(events: &[Event]) -> Verdict {
    both(events, false)?;
    happened(events, "interrupt by a vector", |event| {
        matches!(event, Event::Interrupt(Some(_)))
    })?;
    let is_end = |event: &Event| *event == Event::Status(0);
    spans(events, |event| *event == Event::Status(LIVE), is_end)
        .try_for_each(|work| never(work, |event| read(event, Field::Cause).is_some()))
}

/// A driver of memory-mapped I/O at work, which has gone: the size of pages was told before the first
/// queue was placed, and each queue was ended with page 0 (4.2.4).
fn mmio_order(events: &[Event]) -> Verdict {
    asked_first(events)?;
    both(events, true)?;
    acknowledged(events)?;
    let is_page = |event: &Event| written(event, Field::Page).is_some_and(|page| page != 0);
    let first = events.iter().position(is_page).unwrap_or(0);
    happened(
        &events[..first],
        "page size before the first queue",
        |event| matches!(event, Event::Write((Structure::Mmio, mmio::GUEST_PAGE_SIZE), _, size) if size.is_power_of_two()),
    )?;
    let placed = events.iter().filter(|event| is_page(event)).count();
    let ended = |event: &&Event| written(event, Field::Page) == Some(0);
    match events.iter().filter(ended).count() {
        count if count < placed => Err(format!("{placed} queues were placed, and {count} ended")),
        _ => Ok(()),
    }
}

/// Whether MSI-X is in use, at each event.
fn with_msix(events: &[Event]) -> impl Iterator<Item = (bool, &Event)> {
    let mut msix = false;
    events.iter().map(move |event| {
        match event {
            Event::Note(text) if text == "msix on" => msix = true,
            Event::Note(text) if text == "msix off" => msix = false,
            _ => {}
        }
        (msix, event)
    })
}

/// The driver read the beginning of the configuration while MSI-X was in use, or was not.
fn read_config(events: &[Event], msix: bool) -> Verdict {
    let is_first = |event: &Event| matches!(event, Event::Read((Structure::Device, 0), ..));
    match with_msix(events).any(|(on, event)| on == msix && is_first(event)) {
        true => Ok(()),
        false => Err(format!("the configuration was not read with MSI-X {msix}")),
    }
}

/// The configuration was read where it is with vectors (4.1.4.10). Elsewhere are other registers, of
/// other widths.
fn moves(events: &[Event]) -> Verdict {
    lawful(events)?;
    happened(events, "vector of a queue", |event| {
        written(event, Field::Vector).is_some_and(|vector| vector != u64::from(NO_VECTOR))
    })?;
    read_config(events, true)?;
    used(events)
}

/// A device that takes no vector.
fn no_vectors() -> Script {
    super::hostile::fields(|field, old| match field {
        Field::Vector => NO_VECTOR.into(),
        _ => old,
    })
}

/// The driver made do with the line, asked why there was an interrupt, and looked for the
/// configuration where it is without vectors.
fn line(events: &[Event]) -> Verdict {
    lawful(events)?;
    never(events, |event| matches!(event, Event::Interrupt(Some(_))))?;
    let last = events
        .iter()
        .rposition(|event| *event == Event::Interrupt(None))
        .ok_or("there was no interrupt by the line")?;
    happened(
        &events[last..],
        "question about the last interrupt",
        |event| read(event, Field::Cause).is_some_and(|cause| cause != 0),
    )?;
    read_config(events, false)?;
    used(events)
}

/// Of what was offered, the driver accepted what it must, and nothing that it must not.
fn offered(events: &[Event]) -> Verdict {
    lawful(events)?;
    let accepted = u128::from(accepted(events));
    if accepted & feature::ANY_LAYOUT == 0 {
        return Err("ANY_LAYOUT was not accepted (6.3)".into());
    }
    if accepted & (TRAP | OF_DISKS) != 0 {
        return Err(format!("accepted features {accepted:#x}"));
    }
    used(events)
}

/// A device whose queues have so many entries.
fn sized(size: u16) -> Script {
    Script {
        queue_size: Some(size),
        ..Script::default()
    }
}

/// The driver's queues have this size; by PCI they can not have another (2.7.2).
fn has_size(events: &[Event], wanted: u16) -> Verdict {
    lawful(events)?;
    happened(
        events,
        "queue of that size",
        |event| matches!(event, Event::Enabled(_, size) if *size == wanted),
    )?;
    used(events)
}

/// Scenarios of this file.
pub(super) static ALL: &[Scenario] = &[
    Scenario {
        name: "legacy-order",
        script: Script::default,
        verdict: pci_order,
    },
    Scenario {
        name: "mmio-legacy-order",
        script: Script::default,
        verdict: mmio_order,
    },
    Scenario {
        name: "legacy-moves",
        script: Script::default,
        verdict: moves,
    },
    Scenario {
        name: "legacy-line",
        script: no_vectors,
        verdict: line,
    },
    Scenario {
        name: "legacy-offers",
        script: || Script {
            offer: feature::ANY_LAYOUT | NOTIFY_ON_EMPTY | TRAP | OF_DISKS,
            ..Script::default()
        },
        verdict: offered,
    },
    Scenario {
        name: "legacy-size-2",
        script: || sized(2),
        verdict: |events| has_size(events, 2),
    },
    Scenario {
        name: "legacy-size-1024",
        script: || sized(1024),
        verdict: |events| has_size(events, 1024),
    },
];

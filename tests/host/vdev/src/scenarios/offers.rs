// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices that offer less than a driver would like, or more than it knows.

use crate::{
    common::{
        feature,
        reg, //
    },
    event::{
        Event,
        Register,
        Structure, //
    },
    pci::cap,
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

/// What there is no doing without in a guest whose devices are behind an IOMMU.
const LEAST: u128 = feature::VERSION_1 | feature::ACCESS_PLATFORM;

/// A device that offers as little as it can.
fn bare() -> Script {
    Script {
        withhold: !LEAST,
        ..Script::default()
    }
}

/// The driver took that, and the device worked.
fn bare_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    match accepted(events) {
        LEAST => {}
        other => return Err(format!("accepted features {other:#x}")),
    }
    happened(events, "answer", |event| matches!(event, Event::Used(..)))
}

/// Features of rings and transports that a driver of today has no use for, or does not know: those of
/// legacy devices, virtual functions where there are none, administration queues, and all that is
/// reserved.
const FOREIGN: u128 = 0xf << 24 | 3 << 30 | 1 << 37 | 3 << 41 | u128::MAX << 44;

/// All features that types of devices have for themselves: the generator has none (5.4.3).
const OF_TYPES: u128 = 0xff_ffff;

/// Features of disks that the driver has not: barriers, requests of SCSI, zones, and what
/// is reserved (5.2.3).
const OF_DISKS: u128 = 1 | 1 << 3 | 1 << 7 | 0x7f << 17;

/// A device that offers these features, too, and whose administration queues are where there can be
/// none.
fn offering(offer: u128) -> Script {
    Script {
        offer,
        read: Some(Box::new(|(structure, at): Register, value| {
            match (structure, at) {
                (Structure::Common, reg::ADMIN_QUEUE_INDEX) => 0,
                (Structure::Common, reg::ADMIN_QUEUE_NUM) => 0xffff,
                _ => value,
            }
        })),
        ..Script::default()
    }
}

/// None of these was accepted, and none of what comes with them was looked at.
fn declined(events: &[Event], features: u128) -> Verdict {
    lawful(events)?;
    let wrong = accepted(events) & features;
    if wrong != 0 {
        return Err(format!("accepted features {wrong:#x}"));
    }
    never(events, |event| {
        matches!(
            event,
            Event::Read(
                (
                    Structure::Common,
                    reg::ADMIN_QUEUE_INDEX | reg::ADMIN_QUEUE_NUM
                ),
                ..
            )
        )
    })?;
    happened(events, "answer", |event| matches!(event, Event::Used(..)))
}

/// The generator's configuration was left alone, too: it has none.
fn generator_verdict(events: &[Event]) -> Verdict {
    declined(events, FOREIGN | OF_TYPES)?;
    never(events, |event| {
        matches!(event, Event::Read((Structure::Device, _), ..))
    })
}

/// Nor was the disk asked for anything that comes with one of them.
fn disk_verdict(events: &[Event]) -> Verdict {
    declined(events, FOREIGN | OF_DISKS)?;
    let known = |text: &str| {
        let kind = text.split(' ').next().unwrap_or_default();
        matches!(kind, "0" | "1" | "4" | "8" | "10" | "11" | "13" | "14")
    };
    never(
        events,
        |event| matches!(event, Event::Request(text) if !known(text)),
    )
}

/// A device whose last capability has another type: `bytes` are behind its length.
fn other_capability(len: u8, bytes: &[u8]) -> Script {
    let mut space = vec![(cap::PCI_CFG + 2, len)];
    space.extend((cap::PCI_CFG + 3..).zip(bytes.iter().copied()));
    Script {
        space,
        ..Script::default()
    }
}

/// Data of a vendor that nobody knows.
fn vendor() -> Script {
    other_capability(20, &[9, 0x34, 0x12, 0xff, 0xff, 0xff, 0xff])
}

/// Nobody looked behind the number of the vendor, nor wrote, and the device worked.
fn vendor_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    let end = cap::PCI_CFG + 6;
    never(events, |event| match event {
        Event::Capability(false, at, width) => {
            (cap::PCI_CFG..cap::PCI_CFG + 20).contains(at) && at + width > end
        }
        Event::Capability(true, ..) => true,
        _ => false,
    })?;
    happened(events, "look at the capability", |event| {
        matches!(event, Event::Capability(false, at, _)
            if (cap::PCI_CFG + 1..cap::PCI_CFG + 4).contains(at))
    })?;
    happened(events, "answer", |event| matches!(event, Event::Used(..)))
}

/// Shared memory, a page at 0x8000 in BAR 0.
fn shared_memory() -> Script {
    let region = [
        8, 0, 1, 0, 0, 0, 0x80, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    other_capability(24, &region)
}

/// A device whose queues may have 12 entries.
fn odd_size() -> Script {
    Script {
        queue_size: Some(12),
        ..Script::default()
    }
}

/// A packed ring has as many, a split one the next power of two.
fn odd_size_verdict(events: &[Event]) -> Verdict {
    lawful(events)?;
    let right = match accepted(events) & feature::PACKED {
        0 => 8,
        _ => 12,
    };
    never(
        events,
        |event| matches!(event, Event::Enabled(_, size) if *size != right),
    )?;
    happened(events, "answer", |event| matches!(event, Event::Used(..)))
}

/// A device with another revision and other subsystem numbers (4.1.2).
fn other_ids() -> Script {
    Script {
        space: vec![
            (0x08, 0xff),
            (0x2c, 0x34),
            (0x2d, 0x12),
            (0x2e, 0x78),
            (0x2f, 0x56),
        ],
        ..Script::default()
    }
}

/// Scenarios of this file.
pub(crate) static ALL: &[Scenario] = &[
    Scenario {
        name: "bare",
        script: bare,
        verdict: bare_verdict,
    },
    Scenario {
        name: "generator-offers-all",
        script: || offering(FOREIGN | OF_TYPES),
        verdict: generator_verdict,
    },
    Scenario {
        name: "disk-offers-all",
        script: || offering(FOREIGN | OF_DISKS),
        verdict: disk_verdict,
    },
    Scenario {
        name: "vendor-data",
        script: vendor,
        verdict: vendor_verdict,
    },
    Scenario {
        name: "shared-memory",
        script: shared_memory,
        verdict: lawful,
    },
    Scenario {
        name: "odd-size",
        script: odd_size,
        verdict: odd_size_verdict,
    },
    Scenario {
        name: "other-ids",
        script: other_ids,
        verdict: lawful,
    },
];

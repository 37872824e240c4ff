// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices of memory-mapped I/O (4.2): in which order a driver does things, and what is not for it.

use crate::{
    event::{
        Event,
        Structure, //
    },
    mmio::reg,
    mmio_legacy::reg as old,
    scenario::{
        happened,
        lawful,
        never,
        Scenario,
        Verdict, //
    },
    script::Script,
};

use super::rings;

/// An access to a register, and which one; the status has events of its own.
fn accessed(event: &Event) -> Option<u64> {
    match event {
        Event::Read((Structure::Mmio, at), ..) | Event::Write((Structure::Mmio, at), ..) => {
            Some(*at)
        }
        Event::Status(_) => Some(reg::STATUS),
        Event::Kick(_) => Some(reg::QUEUE_NOTIFY),
        _ => None,
    }
}

/// The driver began by asking what this is (4.2.3.1.1).
pub(super) fn asked_first(events: &[Event]) -> Verdict {
    let first: Vec<u64> = events.iter().filter_map(accessed).take(3).collect();
    match first[..] {
        [reg::MAGIC, reg::VERSION, reg::DEVICE_ID] => Ok(()),
        _ => Err(format!("it began with {first:x?}")),
    }
}

/// It read these registers, and accessed no other.
fn only(events: &[Event], registers: &[u64]) -> Verdict {
    for at in registers {
        let is_read =
            |event: &Event| matches!(event, Event::Read((Structure::Mmio, read), ..) if read == at);
        happened(events, &format!("read of {at:#x}"), is_read)?;
    }
    never(events, |event| {
        accessed(event).is_some_and(|at| !registers.contains(&at))
            || matches!(event, Event::Write(..) | Event::Status(_))
    })
}

/// Whoever says that a queue is to be used no longer looks whether that is known (4.2.2.2).
fn read_back(events: &[Event]) -> Verdict {
    let is_end = |event: &&Event| {
        matches!(
            event,
            Event::Write((Structure::Mmio, reg::QUEUE_READY), _, 0)
        )
    };
    let accesses: Vec<&Event> = events
        .iter()
        .filter(|event| accessed(event).is_some())
        .collect();
    for pair in accesses.windows(2).filter(|pair| is_end(&pair[0])) {
        if !matches!(
            pair[1],
            Event::Read((Structure::Mmio, reg::QUEUE_READY), ..)
        ) {
            return Err(format!("{} and then {}", pair[0], pair[1]));
        }
    }
    Ok(())
}

/// After each interrupt the driver asked for its cause, and acknowledged what it was told and nothing
/// else (4.2.3.4.1). The last one may still be on its way.
pub(super) fn acknowledged(events: &[Event]) -> Verdict {
    let mut told = 0;
    for event in events {
        match event {
            Event::Read((Structure::Mmio, reg::INTERRUPT_STATUS), _, causes) => told |= causes,
            Event::Write((Structure::Mmio, reg::INTERRUPT_ACK), _, causes) => {
                if causes & !told != 0 {
                    return Err(format!("acknowledged {causes:#x}, and was told {told:#x}"));
                }
                told &= !causes;
            }
            Event::Reset => told = 0,
            _ => {}
        }
    }
    happened(events, "acknowledgement", |event| {
        matches!(
            event,
            Event::Write((Structure::Mmio, reg::INTERRUPT_ACK), ..)
        )
    })
}

/// A driver at work.
fn order(events: &[Event]) -> Verdict {
    lawful(events)?;
    asked_first(events)?;
    read_back(events)?;
    acknowledged(events)?;
    happened(events, "used buffer", |event| {
        matches!(event, Event::Used(..))
    })
}

/// `VIRTIO_F_NOTIF_CONFIG_DATA` and `VIRTIO_F_ADMIN_VQ`.
const RESERVED: u128 = 1 << 39 | 1 << 41;

/// All features that the driver ever accepted.
fn accepted(events: &[Event]) -> u128 {
    let (mut features, mut select) = (0u128, 0);
    for event in events {
        match event {
            Event::Write((Structure::Mmio, reg::DRIVER_FEATURES_SEL), _, word) => select = *word,
            Event::Write((Structure::Mmio, reg::DRIVER_FEATURES), _, bits) if select < 4 => {
                features |= u128::from(*bits) << (32 * select);
            }
            _ => {}
        }
    }
    features
}

/// A queue was reset, by the register for it (4.2.2).
fn queue_reset(events: &[Event]) -> Verdict {
    let register = |at| (Structure::Mmio, at);
    rings::queue_reset_verdict(
        events,
        register(reg::QUEUE_SEL),
        register(reg::QUEUE_RESET),
        &[
            (register(reg::QUEUE_SIZE), "size"),
            (register(reg::QUEUE_DESC), "place"),
            (register(reg::QUEUE_DRIVER), "place"),
            (register(reg::QUEUE_DEVICE), "place"),
        ],
    )
}

/// What a register reads as.
fn field(offset: u64, mut value: impl FnMut(u64) -> u64 + Send + 'static) -> Script {
    Script {
        read: Some(Box::new(move |register, right| {
            if register == (Structure::Mmio, offset) {
                value(right)
            } else {
                right
            }
        })),
        ..Script::default()
    }
}

/// The device is not used, and the driver broke no rule in finding out.
fn unused(events: &[Event]) -> Verdict {
    lawful(events)?;
    never(events, |event| {
        matches!(event, Event::Enabled(..) | Event::Status(7 | 15))
    })
}

/// Those of this file.
pub(crate) static ALL: &[Scenario] = &[
    Scenario {
        name: "mmio-order",
        script: Script::default,
        verdict: order,
    },
    Scenario {
        name: "mmio-magic",
        script: || field(reg::MAGIC, |old| old ^ 1),
        verdict: |events| only(events, &[reg::MAGIC]),
    },
    Scenario {
        name: "mmio-version-0",
        script: || field(reg::VERSION, |_| 0),
        verdict: |events| only(events, &[reg::MAGIC, reg::VERSION]),
    },
    // Version 1, for a driver that has not the legacy interface.
    Scenario {
        name: "mmio-version-1",
        script: || field(reg::VERSION, |_| 1),
        verdict: |events| only(events, &[reg::MAGIC, reg::VERSION, reg::DEVICE_ID]),
    },
    Scenario {
        name: "mmio-version-9",
        script: || field(reg::VERSION, |_| 9),
        verdict: |events| only(events, &[reg::MAGIC, reg::VERSION]),
    },
    // A place where there may be a device some day (4.2.2).
    Scenario {
        name: "mmio-placeholder",
        script: || field(reg::DEVICE_ID, |_| 0),
        verdict: |events| only(events, &[reg::MAGIC, reg::VERSION, reg::DEVICE_ID]),
    },
    // A device of a type that nobody here drives.
    Scenario {
        name: "mmio-other-type",
        script: || field(reg::DEVICE_ID, |_| 42),
        verdict: unused,
    },
    // 4.2.2.2: causes that are not defined are neither handled nor acknowledged.
    Scenario {
        name: "mmio-causes",
        script: || field(reg::INTERRUPT_STATUS, |old| old | 0xffff_fffc),
        verdict: order,
    },
    // 4.2.3.2: a queue that is in use already, and one that is not there.
    Scenario {
        name: "mmio-queue-ready",
        script: || field(reg::QUEUE_READY, |_| 1),
        verdict: unused,
    },
    Scenario {
        name: "mmio-queue-page",
        script: || field(old::QUEUE_PFN, |_| 0x1234),
        verdict: unused,
    },
    Scenario {
        name: "mmio-queue-none",
        script: || field(reg::QUEUE_SIZE_MAX, |_| 0),
        verdict: unused,
    },
    Scenario {
        name: "mmio-queue-reset",
        script: rings::queue_reset,
        verdict: queue_reset,
    },
    // 4.2.5, 4.2.2: ADMIN_VQ is reserved here, and for NOTIF_CONFIG_DATA there is no register.
    Scenario {
        name: "mmio-reserved",
        script: || Script {
            offer: RESERVED,
            ..Script::default()
        },
        verdict: |events| {
            lawful(events)?;
            let accepted = accepted(events);
            match accepted & RESERVED {
                0 => happened(events, "start", |event| *event == Event::Status(15)),
                _ => Err(format!("accepted {accepted:#x}")),
            }
        },
    },
    // A reset that takes for ever.
    Scenario {
        name: "mmio-status-stuck",
        script: || field(reg::STATUS, |old| old | 1),
        verdict: |_| Ok(()),
    },
    // A configuration that is never the same.
    Scenario {
        name: "mmio-generation",
        script: || {
            let mut count = 0;
            field(reg::CONFIG_GENERATION, move |_| {
                count += 1;
                count
            })
        },
        verdict: lawful,
    },
];

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Network devices that have less than they might, or are slow.

use crate::{
    devices::net::{
        config,
        feature,
        TRANSMIT, //
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
        Script, //
    },
};
use std::time::Duration;

/// A device that does not offer these features.
fn without(features: u128) -> Script {
    Script {
        withhold: features,
        ..Script::default()
    }
}

/// All that has to do with the control queue.
const CONTROL: u128 = feature::CTRL_VQ
    | feature::CTRL_RX
    | feature::CTRL_VLAN
    | feature::CTRL_MAC_ADDR
    | feature::GUEST_ANNOUNCE;

/// A frame for the driver was put into one buffer, or into several; nothing else is said of it.
fn is_received(event: &Event, several: bool) -> bool {
    let Event::Request(text) = event else {
        return false;
    };
    text.starts_with("receive ") && text.ends_with(" in 1") != several
}

/// There was a frame in several buffers.
fn in_several(events: &[Event]) -> Verdict {
    lawful(events)?;
    happened(events, "frame in several buffers", |event| {
        is_received(event, true)
    })
}

/// There were frames, each in one buffer.
fn in_one(events: &[Event]) -> Verdict {
    lawful(events)?;
    never(events, |event| is_received(event, true))?;
    happened(events, "frame in a buffer", |event| {
        is_received(event, false)
    })
}

/// Scenarios of this file.
pub(crate) static ALL: &[Scenario] = &[
    // Long frames are in several buffers.
    Scenario {
        name: "net-merged",
        script: Script::default,
        verdict: in_several,
    },
    // Long frames are in one buffer.
    Scenario {
        name: "net-big",
        script: || without(feature::MRG_RXBUF),
        verdict: in_one,
    },
    // No frame is longer than what fits in an Ethernet.
    Scenario {
        name: "net-small",
        script: || without(feature::MRG_RXBUF | feature::MTU),
        verdict: in_one,
    },
    // Nothing but two queues.
    Scenario {
        name: "net-bare",
        script: || without(u128::from(u32::MAX >> 8) | feature::SPEED_DUPLEX),
        verdict: in_one,
    },
    Scenario {
        name: "net-no-control",
        script: || without(CONTROL),
        verdict: lawful,
    },
    // It begins without a link.
    Scenario {
        name: "net-no-link",
        script: || Script {
            configure: Some(|bytes| {
                if let Some(status) = bytes.get_mut(config::STATUS) {
                    *status &= !config::LINK_UP;
                }
            }),
            ..Script::default()
        },
        verdict: lawful,
    },
    // It takes its time to send.
    Scenario {
        name: "net-slow",
        script: || Script {
            answer: Some(Box::new(|taken| Answer {
                after: match taken.queue {
                    TRANSMIT => Duration::from_millis(100),
                    _ => Duration::ZERO,
                },
                ..Answer::default()
            })),
            ..Script::default()
        },
        verdict: lawful,
    },
];

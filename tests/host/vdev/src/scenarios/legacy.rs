// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices with a legacy interface (2.2.3): what both of them have, PCI's (4.1.4.10) and that of
//! memory-mapped I/O (4.2.4).
//!
//! A scenario of one of these files holds for either transport, unless its name says otherwise:
//! its script and its verdict go by what a register is for, and not by where it is.

mod capacity;
mod hostile;
mod order;

use crate::{
    event::{
        Event,
        Register,
        Structure, //
    },
    mmio_legacy::reg as mmio,
    pci_legacy::reg as pci,
    scenario::Scenario, //
};

/// What the status is when a device is at work: there is no FEATURES_OK (3.1.2).
const LIVE: u8 = 7;

/// What a register is for that both interfaces have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// Features that the device offers.
    Offered,
    /// Features that the driver accepts.
    Accepted,
    /// Which queue the next three are of.
    Select,
    /// Entries that it has, or may have at most.
    Size,
    /// The number of its first page.
    Page,
    /// Device status.
    Status,
    /// Why the device interrupts.
    Cause,
    /// A vector; PCI only.
    Vector,
    /// The configuration of the device's type.
    Config,
}

impl Field {
    /// What a register is for, if it is one of these.
    fn of(register: Register) -> Option<Self> {
        Some(match register {
            (Structure::Legacy, pci::DEVICE_FEATURES)
            | (Structure::Mmio, mmio::DEVICE_FEATURES) => Self::Offered,
            (Structure::Legacy, pci::DRIVER_FEATURES)
            | (Structure::Mmio, mmio::DRIVER_FEATURES) => Self::Accepted,
            (Structure::Legacy, pci::QUEUE_SELECT) | (Structure::Mmio, mmio::QUEUE_SEL) => {
                Self::Select
            }
            (Structure::Legacy, pci::QUEUE_SIZE) | (Structure::Mmio, mmio::QUEUE_SIZE_MAX) => {
                Self::Size
            }
            (Structure::Legacy, pci::QUEUE_ADDRESS) | (Structure::Mmio, mmio::QUEUE_PFN) => {
                Self::Page
            }
            (Structure::Legacy, pci::STATUS) | (Structure::Mmio, mmio::STATUS) => Self::Status,
            (Structure::Legacy, pci::ISR) | (Structure::Mmio, mmio::INTERRUPT_STATUS) => {
                Self::Cause
            }
            (Structure::Legacy, pci::CONFIG_VECTOR | pci::QUEUE_VECTOR) => Self::Vector,
            (Structure::Device, _) => Self::Config,
            _ => return None,
        })
    }
}

/// What the driver read here, if that is what it did.
fn read(event: &Event, field: Field) -> Option<u64> {
    match event {
        Event::Read(register, _, value) if Field::of(*register) == Some(field) => Some(*value),
        _ => None,
    }
}

/// What the driver wrote here, if that is what it did.
fn written(event: &Event, field: Field) -> Option<u64> {
    match event {
        Event::Write(register, _, value) if Field::of(*register) == Some(field) => Some(*value),
        _ => None,
    }
}

/// All features that the driver ever accepted. There are no more than 32 (4.1.4.10): what it writes to
/// other words of memory-mapped I/O is a violation unless it is 0.
fn accepted(events: &[Event]) -> u64 {
    let (mut features, mut word) = (0, 0);
    for event in events {
        match event {
            Event::Write((Structure::Mmio, mmio::DRIVER_FEATURES_SEL), _, select) => word = *select,
            _ if word == 0 => features |= written(event, Field::Accepted).unwrap_or(0),
            _ => {}
        }
    }
    features
}

/// All scenarios of these devices.
pub(crate) static ALL: &[&[Scenario]] = &[capacity::ALL, hostile::ALL, order::ALL];

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The transports that a device can have: where its registers are, and who decodes them.

use crate::{
    common,
    event::{
        Register,
        Structure, //
    },
    mmio,
    mmio_legacy,
    pci::{
        self,
        at, //
    },
    pci_legacy,
    state::{
        Effect,
        State, //
    }, //
};

/// A transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// PCI, with capabilities (4.1.4).
    #[default]
    Pci,
    /// PCI by its legacy interface, and no other (4.1.4.10).
    PciLegacy,
    /// PCI with both, which is a transitional device (4.1.2.1). The legacy interface is in BAR 0, what the
    /// capabilities point to is in BAR 2, and the driver chooses.
    PciTransitional,
    /// Memory-mapped I/O, version 2 (4.2.2). The registers are BAR 0 of a PCI device which is no
    /// virtio device: a module of the guest makes a platform device of it.
    Mmio,
    /// The same of version 1, the legacy interface (4.2.4).
    MmioLegacy,
}

/// What BAR 0 of a device with the legacy interface of PCI is (4.1.4.10). It is found out once, by the
/// machine, and so is no matter of scenarios.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bar {
    /// As it should be: in I/O space, with room for what the device has.
    #[default]
    Right,
    /// In memory, which some devices have instead.
    Memory,
    /// Too short for its registers.
    Short,
    /// Not there.
    Missing,
}

impl Bar {
    /// The one that is called so.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "bar-memory" => Some(Self::Memory),
            "bar-short" => Some(Self::Short),
            "bar-missing" => Some(Self::Missing),
            _ => None,
        }
    }
}

impl Transport {
    /// The one that is called so.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "legacy" => Some(Self::PciLegacy),
            "transitional" => Some(Self::PciTransitional),
            "mmio" => Some(Self::Mmio),
            "mmio-legacy" => Some(Self::MmioLegacy),
            _ => None,
        }
    }

    /// Whether it is a legacy interface, and no other.
    pub fn is_legacy(self) -> bool {
        matches!(self, Self::PciLegacy | Self::MmioLegacy)
    }

    /// Whether it has a legacy interface, maybe beside another.
    pub fn has_legacy(self) -> bool {
        self.is_legacy() || self == Self::PciTransitional
    }

    /// Whether it has the capabilities of PCI (4.1.4).
    pub fn has_capabilities(self) -> bool {
        matches!(self, Self::Pci | Self::PciTransitional)
    }

    /// Whether it has one interrupt, whose cause stays until it is acknowledged (4.2.3.4).
    pub fn is_mmio(self) -> bool {
        matches!(self, Self::Mmio | Self::MmioLegacy)
    }

    /// The configuration space of the PCI device.
    pub fn config_space(self, device_type: u8, class: [u8; 3], vectors: u16) -> [u8; pci::SIZE] {
        match self {
            Self::Pci => pci::config_space(device_type, class, vectors),
            Self::PciLegacy => pci::legacy_space(device_type, class, vectors),
            Self::PciTransitional => pci::transitional_space(device_type, class, vectors),
            Self::Mmio | Self::MmioLegacy => pci::mmio_space(vectors),
        }
    }

    /// The BAR that the capabilities point to.
    pub fn modern_bar(self) -> u8 {
        match self {
            Self::PciTransitional => pci::MODERN_BAR,
            _ => 0,
        }
    }

    /// Bytes of a BAR that is not that of MSI-X.
    pub fn bar_size(self, bar: u8) -> u64 {
        match (self, bar) {
            // Much of it belongs to no structure, for those that say they are larger.
            (Self::Pci, 0) | (Self::PciTransitional, pci::MODERN_BAR) => 1 << 20,
            (Self::PciLegacy | Self::PciTransitional, 0) => pci_legacy::SIZE,
            (Self::Mmio | Self::MmioLegacy, 0) => 4096,
            _ => 0,
        }
    }

    /// The structure that an offset in a BAR belongs to.
    pub fn register(self, bar: u8, offset: u64, msix: bool) -> Option<Register> {
        let within = |(base, len): (u64, u64)| offset.checked_sub(base).filter(|at| *at < len);
        let rest = |start| (start, self.bar_size(bar).saturating_sub(start));
        let places = match (self, bar) {
            (Self::Pci, 0) | (Self::PciTransitional, pci::MODERN_BAR) => vec![
                (Structure::Common, at::COMMON),
                (Structure::Isr, at::ISR),
                (Structure::Device, at::DEVICE),
                (Structure::Notify, at::NOTIFY),
            ],
            (Self::PciLegacy | Self::PciTransitional, 0) => {
                let config = pci_legacy::config(msix);
                vec![
                    (Structure::Legacy, (0, config)),
                    (Structure::Device, rest(config)),
                ]
            }
            (Self::Mmio | Self::MmioLegacy, 0) => vec![
                (Structure::Mmio, (0, mmio::CONFIG)),
                (Structure::Device, rest(mmio::CONFIG)),
            ],
            _ => Vec::new(),
        };
        places
            .into_iter()
            .find_map(|(structure, place)| Some((structure, within(place)?)))
    }

    /// Where the device status is, by the interface that is used: BAR, offset, bytes.
    pub fn status(self, is_legacy: bool) -> (u8, u64, usize) {
        match self {
            Self::Mmio | Self::MmioLegacy => (0, mmio::reg::STATUS, 4),
            _ if is_legacy => (0, pci_legacy::reg::STATUS, 1),
            _ => (self.modern_bar(), common::reg::STATUS, 1),
        }
    }

    /// Whether this is the device status.
    pub fn is_status(register: Register) -> bool {
        matches!(
            register,
            (Structure::Common, common::reg::STATUS)
                | (Structure::Legacy, pci_legacy::reg::STATUS)
                | (Structure::Mmio, mmio::reg::STATUS)
        )
    }

    /// Whether this is where queues are notified.
    pub fn is_notify(self, register: Register) -> bool {
        match register {
            (Structure::Notify, _) => true,
            (Structure::Legacy, at) => at == pci_legacy::reg::QUEUE_NOTIFY,
            (Structure::Mmio, at) => at == mmio::reg::QUEUE_NOTIFY,
            _ => false,
        }
    }

    /// What is wrong with an access of this kind, for most whatever is written.
    pub fn check(
        self,
        state: &State,
        (structure, at): Register,
        width: usize,
        written: Option<u64>,
    ) -> Result<(), String> {
        let is_write = written.is_some();
        let is_other = match structure {
            Structure::Legacy => !state.is_legacy,
            Structure::Common | Structure::Notify | Structure::Isr => state.is_legacy,
            Structure::Device | Structure::Mmio => false,
        };
        if self == Self::PciTransitional && state.status != 0 && is_other {
            // 2.2.3: it is either a legacy device or not.
            return Err(format!(
                "access to {structure} {at:#x} while the other interface is used"
            ));
        }
        match (structure, self) {
            (Structure::Common, _) => common::check(state, at, width, is_write),
            (Structure::Legacy, _) => pci_legacy::check(at, width, is_write),
            (Structure::Mmio, Self::MmioLegacy) => mmio_legacy::check(state, at, width, is_write),
            (Structure::Mmio, _) => mmio::check(state, at, width, is_write),
            // 4.1.4.10: any width does.
            (Structure::Device, _) if state.is_legacy => Ok(()),
            (Structure::Device, Self::Mmio) if width > 4 => {
                Err(format!("{width} bytes of the configuration at once"))
            }
            (Structure::Device, _) if at % width.max(1) as u64 != 0 => {
                Err(format!("{width} bytes of the configuration at {at}"))
            }
            (Structure::Isr, _) if is_write => Err("write of the ISR status".into()),
            (Structure::Notify, _) => {
                written.map_or(Ok(()), |value| pci::check_notification(at, width, value))
            }
            _ => Ok(()),
        }
    }

    /// Reads a register that is not of the device's type.
    pub fn read(self, state: &mut State, (structure, at): Register, width: usize) -> u64 {
        match (structure, self) {
            (Structure::Common, _) => common::read(state, at, width),
            (Structure::Isr, _) => std::mem::take(&mut state.isr).into(),
            (Structure::Legacy, _) => pci_legacy::read(state, at),
            (Structure::Mmio, Self::MmioLegacy) => mmio_legacy::read(state, at),
            (Structure::Mmio, _) => mmio::read(state, at),
            (Structure::Device | Structure::Notify, _) => 0,
        }
    }

    /// Writes a register that is not of the device's type.
    pub fn write(
        self,
        state: &mut State,
        (structure, at): Register,
        value: u64,
    ) -> Result<Effect, String> {
        match (structure, self) {
            (Structure::Common, _) => common::write(state, at, value),
            (Structure::Legacy, _) => pci_legacy::write(state, at, value),
            (Structure::Mmio, Self::MmioLegacy) => mmio_legacy::write(state, at, value),
            (Structure::Mmio, _) => mmio::write(state, at, value),
            (Structure::Notify, _) => Ok(Effect::Notify((value & 0xffff) as u16)),
            (Structure::Isr | Structure::Device, _) => Ok(Effect::None),
        }
    }
}

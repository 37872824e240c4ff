// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! VIRTIO over PCI, legacy interface: what devices had before VIRTIO 1.0, and transitional ones have
//! still (VIRTIO 1.4, 4.1.4.10).
//!
//! The registers are at the beginning of BAR 0, which is in I/O space, or in memory.

pub mod block;
pub mod control;

use kernel::{
    device, pci,
    prelude::*,
    sync::Arc,
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
};

use self::control::Interface;
use super::wiring;
use crate::{
    io::Mapping,
    pci as ext_pci,
    virtio::{
        config::ConfigAccess,
        feature::FeatureSet,
        id::DeviceId,
        notify::Notifier,
        transport::{
            features,
            Doorbell,
            Interrupts,
            Plan,
            Transport,
            Wired, //
        }, //
    },
};

crate::bool_module_param! {
    /// Whether the legacy interface is tried first.
    static FORCE_LEGACY: "force_legacy" = false, 0o444,
        "Use the legacy interface of PCI devices that have both";
}

/// The BAR.
const BAR: u8 = 0;

/// Bytes of registers and configuration that are of use: more than any type of device has.
const USEFUL: u64 = 4096;

/// Whether the legacy interface is tried first.
pub(super) fn is_forced() -> bool {
    FORCE_LEGACY.get()
}

/// A device behind the legacy interface of a PCI function.
pub(crate) type Legacy = Interface<Mapping, Function>;

/// The function.
pub(crate) struct Function {
    pci: Arc<ext_pci::Function>,
    isr: Arc<Mapping>,
    epoch: Instant<Monotonic>,
}

impl control::Function for Function {
    fn has_msix(&self) -> bool {
        self.pci.has_msix()
    }

    fn millis(&self) -> u64 {
        // CAST: The clock does not go backwards.
        self.epoch.elapsed().as_millis() as u64
    }

    fn pause(&self) {
        fsleep(Delta::from_millis(1));
    }
}

/// What kind of device `dev` is by its legacy interface, if it says that it has one (VIRTIO 1.4,
/// 4.1.2.3).
pub(super) fn kind<Ctx: device::DeviceContext>(dev: &pci::Device<Ctx>) -> Option<DeviceId> {
    let dev = ext_pci::normal(dev);
    DeviceId::from_pci_legacy(
        dev.device_id(),
        dev.revision_id(),
        dev.subsystem_device_id(),
    )
}

impl Legacy {
    /// Maps the registers of a device of the kind `wanted`. `claim` claims the BARs of a mask.
    ///
    /// # Errors
    ///
    /// `ENODEV` when the device has no legacy interface, said in one log line; what claiming and
    /// mapping return.
    pub(super) fn open(
        dev: &pci::Device,
        wanted: DeviceId,
        claim: impl FnOnce(u8) -> Result<Arc<ext_pci::Function>>,
    ) -> Result<Self> {
        if kind(dev) != Some(wanted) {
            dev_err!(
                dev,
                "no legacy virtio interface: ids are not those of such a device\n"
            );
            return Err(ENODEV);
        }
        let [length, ..] = ext_pci::bar_lengths(dev);
        let least = block::config(true);
        if !block::fits(length) {
            let length = length.unwrap_or(0);
            dev_err!(
                dev,
                "no legacy virtio interface: BAR 0 has {} bytes of {}\n",
                length,
                least
            );
            return Err(ENODEV);
        }
        let length = length.unwrap_or(0);

        let pci = claim(1 << BAR)?;
        let map = |offset: usize, length: u64| {
            pci.map(BAR, offset as u64, length)
                .inspect_err(|_| dev_err!(dev, "cannot map BAR {}\n", BAR))
        };
        let registers = map(0, length.min(USEFUL))?;
        let isr = Arc::new(map(block::ISR, 1)?, GFP_KERNEL)?;
        Ok(Self::new(
            registers,
            Function {
                pci,
                isr,
                epoch: Instant::now(),
            },
        ))
    }
}

impl Transport for Legacy {
    fn parent(&self) -> &device::Device {
        self.function.pci.device().as_ref()
    }

    fn config(&self) -> &dyn ConfigAccess {
        self
    }

    fn features(&self) -> FeatureSet {
        features::LEGACY
    }

    fn notifier(&self, index: u16, features: FeatureSet) -> Result<Notifier> {
        let mapping = self.function.pci.map(BAR, block::DOORBELL as u64, 2)?;
        Notifier::new(Doorbell::new(mapping, index, features))
    }

    fn wire(&self, interrupts: &Interrupts<'_>) -> Result<Wired> {
        wiring::wire(&self.function.pci, &self.function.isr, self, interrupts)
    }

    fn rewire(&self, plan: Plan, queues: u16, polled: u16) -> bool {
        plan.program_all(self, queues, polled)
    }

    fn rewire_queue(&self, plan: Plan, index: u16) -> bool {
        plan.program_queue(self, index)
    }

    fn start_dma(&self) {
        self.function.pci.set_master();
    }

    fn stop_dma(&self) -> bool {
        self.function.pci.clear_master()
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! VIRTIO over MMIO: registers in memory, and an interrupt line (VIRTIO 1.4, 4.2).

pub mod control;
pub mod identity;
pub mod interrupt;
pub mod legacy;
pub(crate) mod named;
pub mod parameter;
pub mod registers;

use kernel::{
    device,
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc,
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
};

use self::{
    control::{
        Interface,
        Platform,
        SUPPORTED, //
    },
    identity::Identity,
    legacy::LegacyInterface, //
};
use super::{
    features,
    Doorbell,
    Interrupts,
    Plan,
    Transport,
    Wired, //
};
use crate::{
    io::Mapping,
    platform::Region,
    virtio::{
        config::ConfigAccess,
        feature::FeatureSet,
        id::DeviceId,
        irq::LineInterrupt,
        notify::Notifier, //
    },
};

/// A device behind registers in memory.
pub(crate) type Mmio = Interface<Mapping, Place>;

/// The same of version 1.
pub(crate) type LegacyMmio = LegacyInterface<Mapping, Place>;

/// Where the device is.
pub(crate) struct Place {
    region: Arc<Region>,
    irq: u32,
    epoch: Instant<Monotonic>,
}

impl Platform for Place {
    fn millis(&self) -> u64 {
        // CAST: The clock does not go backwards.
        self.epoch.elapsed().as_millis() as u64
    }

    fn pause(&self) {
        fsleep(Delta::from_millis(1));
    }
}

impl Place {
    /// The device on its bus.
    fn parent(&self) -> &device::Device {
        self.region.device().as_ref()
    }

    /// See [`Transport::notifier`].
    fn notifier(&self, index: u16, features: FeatureSet) -> Result<Notifier> {
        let mapping = self
            .region
            .map(registers::DOORBELL, registers::DOORBELL_LEN)?;
        Notifier::new(Doorbell::wide(mapping, index, features))
    }

    /// See [`Transport::wire`].
    fn wire(&self, interrupts: &Interrupts<'_>) -> Result<Wired> {
        let control = self.region.map(0, registers::LEN)?;
        let mut line =
            LineInterrupt::register(self.irq, interrupts, move || interrupt::take(&control))?;
        if self.region.is_wakeup_source() && line.wake().is_err() {
            dev_warn!(self.parent(), "its interrupt can not wake the machine up\n");
        }
        Ok(Wired {
            _guard: KBox::new(line, GFP_KERNEL)? as KBox<dyn Send + Sync>,
            plan: Plan::Line,
        })
    }
}

/// Looks for a device of the kind `wanted`.
///
/// # Errors
///
/// `ENODEV` when there is no such device, which is no reason for a message; what claiming and mapping
/// return.
pub(crate) fn probe(
    dev: &kernel::platform::Device<device::CoreInternal<'_>>,
    name: &'static CStr,
    wanted: DeviceId,
) -> Result<KBox<dyn Transport>> {
    let region = Region::new(dev, name)?;
    let registers = region.map(0, region.len())?;
    let identity = Identity::of(&registers).ok_or(ENODEV)?;
    if identity.kind != wanted {
        return Err(ENODEV);
    }
    region.set_dma_mask().inspect_err(|_| {
        dev_err!(dev, "no usable DMA mask\n");
    })?;

    let place = Place {
        irq: region.irq()?,
        region,
        epoch: Instant::now(),
    };
    Ok(if identity.is_legacy {
        let page = u32::try_from(PAGE_SIZE)?;
        KBox::new(LegacyMmio::new(registers, page, place), GFP_KERNEL)?
    } else {
        KBox::new(Mmio::new(registers, place), GFP_KERNEL)?
    })
}

/// A transport of either version, with the features that can be accepted from its devices.
macro_rules! transport {
    ($type:ty, $features:expr) => {
        impl Transport for $type {
            fn parent(&self) -> &device::Device {
                self.platform.parent()
            }

            fn config(&self) -> &dyn ConfigAccess {
                self
            }

            fn features(&self) -> FeatureSet {
                $features
            }

            fn notifier(&self, index: u16, features: FeatureSet) -> Result<Notifier> {
                self.platform.notifier(index, features)
            }

            fn wire(&self, interrupts: &Interrupts<'_>) -> Result<Wired> {
                self.platform.wire(interrupts)
            }

            fn rewire(&self, _plan: Plan, _queues: u16, _polled: u16) -> bool {
                // The line is the line.
                true
            }

            fn rewire_queue(&self, _plan: Plan, _index: u16) -> bool {
                true
            }

            fn start_dma(&self) {}

            fn stop_dma(&self) -> bool {
                // Nothing stands between the device and memory.
                false
            }
        }
    };
}

transport!(Mmio, SUPPORTED);
transport!(LegacyMmio, features::LEGACY);

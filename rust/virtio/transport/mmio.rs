// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! VIRTIO over MMIO: registers in memory, and an interrupt line (VIRTIO 1.4, 4.2).

pub mod control;
pub mod identity;
pub mod interrupt;
pub(crate) mod named;
pub mod parameter;
pub mod registers;

use kernel::{
    device,
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
    identity::Identity, //
};
use super::{
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

impl Mmio {
    /// Looks for a device of the kind `wanted`.
    ///
    /// # Errors
    ///
    /// `ENODEV` when there is no such device, which is no reason for a message unless it has the
    /// legacy interface; what claiming and mapping return.
    pub(crate) fn probe(
        dev: &kernel::platform::Device<device::CoreInternal<'_>>,
        name: &'static CStr,
        wanted: DeviceId,
    ) -> Result<Self> {
        let region = Region::new(dev, name)?;
        let registers = region.map(0, region.len())?;
        let identity = Identity::of(&registers).ok_or(ENODEV)?;
        if identity.kind != wanted {
            return Err(ENODEV);
        }
        if identity.is_legacy {
            dev_err!(dev, "legacy interface: legacy devices are not driven\n");
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
        Ok(Self::new(registers, place))
    }
}

impl Transport for Mmio {
    fn parent(&self) -> &device::Device {
        self.platform.region.device().as_ref()
    }

    fn config(&self) -> &dyn ConfigAccess {
        self
    }

    fn features(&self) -> FeatureSet {
        SUPPORTED
    }

    fn has_queues(&self, wanted: u16) -> u16 {
        self.count_queues(wanted)
    }

    fn notifier(&self, index: u16, features: FeatureSet) -> Result<Notifier> {
        let mapping = self
            .platform
            .region
            .map(registers::DOORBELL, registers::DOORBELL_LEN)?;
        Notifier::new(Doorbell::wide(mapping, index, features))
    }

    fn wire(&self, interrupts: &Interrupts<'_>) -> Result<Wired> {
        let Place { region, irq, .. } = &self.platform;
        let control = region.map(0, registers::LEN)?;
        let line = LineInterrupt::register(*irq, interrupts, move || interrupt::take(&control))?;
        Ok(Wired {
            _guard: KBox::new(line, GFP_KERNEL)? as KBox<dyn Send + Sync>,
            plan: Plan::Line,
        })
    }

    fn rewire(&self, _plan: Plan, _queues: u16) -> bool {
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

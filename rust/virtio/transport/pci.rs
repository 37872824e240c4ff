// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! VIRTIO over PCI (VIRTIO 1.4, 4.1): the modern interface, and which interface a device is driven by.
//! The other one is [`legacy`].

pub mod capability;
pub mod common;
pub mod control;
pub mod doorbell;
pub mod features;
pub mod legacy;
pub mod vectors;
mod wiring;

use kernel::{
    device, fmt, pci,
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
    capability::{
        Bars,
        Capabilities,
        CapabilityError,
        ConfigSpace,
        Notify,
        Region, //
    },
    common::{
        CommonConfig,
        Registers, //
    },
    control::Configured,
    legacy::Legacy, //
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
    pci::{
        self as ext_pci,
        Function, //
    },
    virtio::{
        config::ConfigAccess,
        feature::FeatureSet,
        id::DeviceId,
        notify::Notifier, //
    },
};

/// Length of the ISR status.
const ISR_LEN: u64 = 1;

/// More than the configuration of any type of device.
const CONFIG_LEN: u64 = 4096;

/// A device behind a PCI function.
pub(crate) struct Pci {
    common: CommonConfig<Mapping>,
    /// Device configuration; devices without configuration may lack it.
    config: Option<Mapping>,
    isr: Arc<Mapping>,
    notify: Notify,
    epoch: Instant<Monotonic>,
    function: Arc<Function>,
    /// What is to be driven.
    kind: DeviceId,
}

impl fmt::Display for CapabilityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

/// PCI configuration space, for the capability walk.
struct Space<'a>(&'a pci::Device);

impl ConfigSpace for Space<'_> {
    fn read8(&self, offset: u16) -> u8 {
        ext_pci::read_config8(self.0, offset)
    }

    fn read16(&self, offset: u16) -> u16 {
        ext_pci::read_config16(self.0, offset)
    }

    fn read32(&self, offset: u16) -> u32 {
        ext_pci::read_config32(self.0, offset)
    }
}

/// Finds the interface by which a device of the kind `wanted` is to be driven: the modern one if it has
/// that (VIRTIO 1.4, 4.1.5.1.1.1), unless the user says something else. One that has both and turns out
/// not to be modern is driven by the other one: see [`Transport::legacy_interface`].
///
/// # Errors
///
/// `ENODEV` when there is no usable interface, said in one log line; what claiming and mapping return.
pub(crate) fn open(
    dev: &pci::Device<device::CoreInternal<'_>>,
    name: &'static CStr,
    wanted: DeviceId,
) -> Result<KBox<dyn Transport>> {
    let open_legacy = || -> Result<KBox<dyn Transport>> {
        let legacy = Legacy::open(dev, wanted, |bars| Function::new(dev, bars, name))?;
        Ok(KBox::new(legacy, GFP_KERNEL)? as KBox<dyn Transport>)
    };
    if legacy::is_forced() && legacy::kind(dev).is_some() {
        match open_legacy() {
            Err(ENODEV | ENOMEM) => {}
            result => return result,
        }
    }

    let bars = Bars(ext_pci::bar_lengths(dev));
    match capability::parse(&Space(dev), &bars) {
        Ok(capabilities) => {
            let modern = Pci::new(dev, name, wanted, capabilities)?;
            Ok(KBox::new(modern, GFP_KERNEL)? as KBox<dyn Transport>)
        }
        Err(CapabilityError::NoCommon) if legacy::kind(dev).is_some() => open_legacy(),
        Err(err) => {
            dev_err!(dev, "no modern virtio interface: {}\n", err);
            Err(ENODEV)
        }
    }
}

impl Pci {
    /// Maps the structures of a device.
    ///
    /// # Errors
    ///
    /// What claiming and mapping return.
    fn new(
        dev: &pci::Device<device::CoreInternal<'_>>,
        name: &'static CStr,
        kind: DeviceId,
        capabilities: Capabilities,
    ) -> Result<Self> {
        let Capabilities {
            common,
            notify,
            isr,
            device,
            ..
        } = capabilities;

        let mut bars = 0u8;
        for region in [Some(common), Some(notify.region), Some(isr), device]
            .into_iter()
            .flatten()
        {
            bars |= 1 << region.bar;
        }

        let function = Function::new(dev, bars, name)?;
        function.set_dma_mask().inspect_err(|_| {
            dev_err!(dev, "no usable DMA mask\n");
        })?;

        let map = |region: Region, useful: u64| {
            let Region {
                bar,
                offset,
                length,
            } = region.first(useful);
            function
                .map(bar, offset, length)
                .inspect_err(|_| dev_err!(dev, "cannot map BAR {}\n", bar))
        };
        let common = map(common, CommonConfig::<Mapping>::LEN)?;

        Ok(Self {
            common: CommonConfig::new(common),
            config: device.map(|region| map(region, CONFIG_LEN)).transpose()?,
            isr: Arc::new(map(isr, ISR_LEN)?, GFP_KERNEL)?,
            notify,
            epoch: Instant::now(),
            function: function.clone(),
            kind,
        })
    }
}

impl ConfigAccess for Pci {
    fn len(&self) -> usize {
        self.config.as_ref().map_or(0, Registers::len)
    }

    fn generation(&self) -> u32 {
        self.common.generation().into()
    }

    fn read8(&self, offset: usize) -> u8 {
        self.config.as_ref().map_or(!0, |map| map.read8(offset))
    }

    fn read16(&self, offset: usize) -> u16 {
        self.config.as_ref().map_or(!0, |map| map.read16(offset))
    }

    fn read32(&self, offset: usize) -> u32 {
        self.config.as_ref().map_or(!0, |map| map.read32(offset))
    }

    fn write8(&self, offset: usize, value: u8) {
        if let Some(map) = &self.config {
            map.write8(offset, value);
        }
    }

    fn write16(&self, offset: usize, value: u16) {
        if let Some(map) = &self.config {
            map.write16(offset, value);
        }
    }

    fn write32(&self, offset: usize, value: u32) {
        if let Some(map) = &self.config {
            map.write32(offset, value);
        }
    }
}

impl Configured for Pci {
    type Registers = Mapping;

    fn common(&self) -> &CommonConfig<Mapping> {
        &self.common
    }

    fn millis(&self) -> u64 {
        // CAST: The clock does not go backwards.
        self.epoch.elapsed().as_millis() as u64
    }

    fn pause(&self) {
        fsleep(Delta::from_millis(1));
    }
}

impl Transport for Pci {
    fn parent(&self) -> &device::Device {
        self.function.device().as_ref()
    }

    fn config(&self) -> &dyn ConfigAccess {
        self
    }

    fn features(&self) -> FeatureSet {
        features::supported(&self.common, &self.notify, self.function.has_sriov())
    }

    fn has_queues(&self, _wanted: u16) -> u16 {
        self.common.num_queues()
    }

    fn notifier(&self, index: u16, features: FeatureSet) -> Result<Notifier> {
        let queue = self.common.queue(index);
        let width = doorbell::width(features);
        let offset = self
            .notify
            .doorbell(queue.notify_off(), width)
            .ok_or(EINVAL)?;
        let region = self.notify.region;
        let mapping = self.function.map(
            region.bar,
            // No overflow: the doorbell is inside the region.
            region.offset.wrapping_add(offset),
            width.into(),
        )?;

        let value = doorbell::value(&queue, index, features);
        Notifier::new(Doorbell::new(mapping, value, features))
    }

    fn wire(&self, interrupts: &Interrupts<'_>) -> Result<Wired> {
        wiring::wire(&self.function, &self.isr, &self.common, interrupts)
    }

    fn rewire(&self, plan: Plan, queues: u16, polled: u16) -> bool {
        plan.program_all(&self.common, queues, polled)
    }

    fn rewire_queue(&self, plan: Plan, index: u16) -> bool {
        plan.program_queue(&self.common, index)
    }

    fn legacy_interface(&self) -> Option<Result<KBox<dyn Transport>>> {
        let dev = self.function.device();
        if legacy::kind(dev) != Some(self.kind) {
            return None;
        }
        let open = || {
            let legacy = Legacy::open(dev, self.kind, |bars| self.function.claim(bars))?;
            Ok(KBox::new(legacy, GFP_KERNEL)? as KBox<dyn Transport>)
        };
        Some(open())
    }

    fn start_dma(&self) {
        self.function.set_master();
    }

    fn stop_dma(&self) -> bool {
        self.function.clear_master()
    }
}

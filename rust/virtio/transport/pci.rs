// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! VIRTIO over PCI, modern interface (VIRTIO 1.4, 4.1).

pub mod capability;
pub mod common;
pub mod control;
pub mod doorbell;
pub mod features;
pub mod vectors;

use kernel::{
    bindings, device, fmt, pci,
    prelude::*,
    str::CString,
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
    vectors::Plan, //
};
use super::{
    Doorbell,
    Interrupts,
    Transport,
    Wired, //
};
use crate::{
    io::Mapping,
    irq,
    pci::{
        self as ext_pci,
        Function,
        Vectors, //
    },
    virtio::{
        config::ConfigAccess,
        feature::FeatureSet,
        irq::{
            LineInterrupt,
            SharedInterrupt, //
        },
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

impl Pci {
    /// Finds the structures of a device and maps them.
    ///
    /// # Errors
    ///
    /// `ENODEV` when there is no usable modern interface, said in one log line; what claiming and
    /// mapping return.
    pub(crate) fn new(
        dev: &pci::Device<device::CoreInternal<'_>>,
        name: &'static CStr,
    ) -> Result<Self> {
        let bars = Bars(ext_pci::bar_lengths(dev));
        let capabilities = capability::parse(&Space(dev), &bars).map_err(|err| {
            dev_err!(dev, "no modern virtio interface: {}\n", err);
            ENODEV
        })?;
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
        })
    }

    /// Requests the interrupts of a plan, and tells the device.
    ///
    /// # Errors
    ///
    /// What requesting returns; `EBUSY` when the device does not take a vector.
    fn wire_as(&self, plan: Plan, interrupts: &Interrupts<'_>) -> Result<Wired> {
        let queues = u16::try_from(interrupts.queues.len())?;
        let kind = match plan {
            Plan::Line => bindings::PCI_IRQ_INTX,
            _ => bindings::PCI_IRQ_MSIX,
        };
        let spread = plan == Plan::PerQueue && interrupts.affinity;
        let vectors = self.function.vectors(plan.count(queues), kind, spread)?;

        let handlers = match plan {
            Plan::PerQueue => Self::handle_per_queue(&vectors, interrupts),
            Plan::Shared => Self::handle_shared(&vectors, interrupts),
            Plan::Line => self.handle_line(&vectors, interrupts),
        }?;
        if !plan.program(&self.common, queues) {
            return Err(EBUSY);
        }
        Ok(Wired {
            _guard: KBox::new(
                Guard {
                    _handlers: handlers,
                    _vectors: vectors,
                },
                GFP_KERNEL,
            )? as KBox<dyn Send + Sync>,
            plan,
        })
    }

    /// One vector for configuration changes and one for each queue.
    fn handle_per_queue(vectors: &Vectors, interrupts: &Interrupts<'_>) -> Result<Handlers> {
        let queues = interrupts.queues;
        let mut handlers = KVec::with_capacity(queues.len().saturating_add(1), GFP_KERNEL)?;

        Self::handle_config(vectors, interrupts, &mut handlers)?;
        for (vector, (name, handler)) in (1..).zip(queues) {
            let name = CString::try_from_fmt(fmt!("{}", &**name))?;
            let registration = handler.register(vectors.irq(vector)?, name)?;
            handlers.push(registration, GFP_KERNEL)?;
        }
        Ok(handlers)
    }

    /// One vector for configuration changes and one for all queues.
    fn handle_shared(vectors: &Vectors, interrupts: &Interrupts<'_>) -> Result<Handlers> {
        let mut handlers = KVec::with_capacity(2, GFP_KERNEL)?;

        Self::handle_config(vectors, interrupts, &mut handlers)?;
        let name = CString::try_from_fmt(fmt!("{}-virtqueues", interrupts.name))?;
        handlers.push(
            irq::Registration::new(
                vectors.irq(1)?,
                irq::Sharing::Exclusive,
                name,
                SharedInterrupt::new(interrupts.queues)?,
            )?,
            GFP_KERNEL,
        )?;
        Ok(handlers)
    }

    /// Vector 0 for configuration changes.
    fn handle_config(
        vectors: &Vectors,
        interrupts: &Interrupts<'_>,
        handlers: &mut Handlers,
    ) -> Result {
        let name = CString::try_from_fmt(fmt!("{}-config", interrupts.name))?;
        handlers.push(
            irq::Registration::new_threaded(
                vectors.irq(0)?,
                irq::Sharing::Exclusive,
                name,
                interrupts.config.clone(),
            )?,
            GFP_KERNEL,
        )?;
        Ok(())
    }

    /// The interrupt line, for everything.
    fn handle_line(&self, vectors: &Vectors, interrupts: &Interrupts<'_>) -> Result<Handlers> {
        let mut handlers = KVec::with_capacity(1, GFP_KERNEL)?;

        let isr = self.isr.clone();
        // Reading the byte clears it and lets go of the line.
        let cause = move || isr.read8(0);
        handlers.push(
            LineInterrupt::register(vectors.irq(0)?, interrupts, cause)?,
            GFP_KERNEL,
        )?;
        Ok(handlers)
    }
}

/// Registered handlers.
type Handlers = KVec<irq::Registration>;

/// Registered handlers and the vectors that they are on, in the order in which they are to go.
struct Guard {
    _handlers: Handlers,
    _vectors: Vectors,
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
        let mut last = ENODEV;
        for plan in Plan::ALL {
            match self.wire_as(plan, interrupts) {
                Ok(wired) => return Ok(wired),
                Err(err) => last = err,
            }
        }
        Err(last)
    }

    fn rewire(&self, plan: Plan, queues: u16) -> bool {
        plan.program(&self.common, queues)
    }

    fn rewire_queue(&self, plan: Plan, index: u16) -> bool {
        plan.program_queue(&self.common, index)
    }

    fn start_dma(&self) {
        self.function.set_master();
    }

    fn stop_dma(&self) -> bool {
        self.function.clear_master()
    }
}

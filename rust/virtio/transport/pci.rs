// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! VIRTIO over PCI, modern interface (VIRTIO 1.4, 4.1).

pub mod capability;
mod common;

use kernel::{
    bindings,
    device,
    fmt,
    pci,
    prelude::*,
    str::CString,
    sync::Arc, //
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
        NO_VECTOR, //
    },
};
use super::{
    Interrupts,
    Notifier,
    QueueVectors,
    RingAddresses,
    Transport,
    Wired, //
};
use crate::{
    irq,
    pci::{
        self as ext_pci,
        Function,
        Mapping,
        Vectors, //
    },
    virtio::{
        config::ConfigAccess,
        feature::{
            transport,
            FeatureSet, //
        },
        irq::{
            ConfigInterrupt,
            SharedInterrupt, //
        },
        status::Status, //
    },
};

/// Bits of the ISR status byte (VIRTIO 1.4, 4.1.4.5).
mod isr {
    /// A queue interrupts.
    pub(super) const QUEUE: u8 = 1 << 0;
    /// The configuration changed.
    pub(super) const CONFIG: u8 = 1 << 1;
    /// What a device that is gone reads as.
    pub(super) const GONE: u8 = !0;
}

/// Length of the ISR status.
const ISR_LEN: u64 = 1;

/// More than the configuration of any type of device.
const CONFIG_LEN: u64 = 4096;

/// Width of a doorbell, without NOTIFICATION_DATA.
const DOORBELL_LEN: u8 = 2;

/// Features of the transport that this code knows how to use.
const FEATURES: FeatureSet = FeatureSet::of(&[
    transport::INDIRECT_DESC,
    transport::EVENT_IDX,
    transport::VERSION_1,
    transport::ACCESS_PLATFORM,
]);

/// A device behind a PCI function.
pub(crate) struct Pci {
    common: CommonConfig,
    /// Device configuration; devices without configuration may lack it.
    config: Option<Mapping>,
    isr: Arc<Mapping>,
    notify: Notify,
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

        // No more than is of use: how long a structure claims to be is the device's word.
        let map = |region: Region, useful: u64| {
            function
                .map(region.bar, region.offset, region.length.min(useful))
                .inspect_err(|_| dev_err!(dev, "cannot map BAR {}\n", region.bar))
        };

        Ok(Self {
            common: CommonConfig::new(map(common, CommonConfig::LEN)?),
            config: device.map(|region| map(region, CONFIG_LEN)).transpose()?,
            isr: Arc::new(map(isr, ISR_LEN)?, GFP_KERNEL)?,
            notify,
            function: function.clone(),
        })
    }

    /// Undoes what a failed attempt to wire may have told the device.
    fn unwire(&self, queues: usize) {
        self.common.set_config_vector(NO_VECTOR);
        for index in 0..queues {
            // CAST: There are at most 65536 queues.
            self.common.queue(index as u16).set_vector(NO_VECTOR);
        }
    }

    /// One vector for configuration changes and one for each queue.
    fn wire_per_queue(&self, interrupts: &Interrupts<'_>) -> Result<Wired> {
        let queues = interrupts.queues;
        let count = u32::try_from(queues.len())?.checked_add(1).ok_or(EINVAL)?;
        let vectors = self
            .function
            .vectors(count, bindings::PCI_IRQ_MSIX, interrupts.affinity)?;
        let mut handlers = KVec::with_capacity(queues.len() + 1, GFP_KERNEL)?;

        self.wire_config(&vectors, interrupts, &mut handlers)?;
        for (index, (name, handler)) in queues.iter().enumerate() {
            let vector = u16::try_from(index + 1)?;
            let name = CString::try_from_fmt(fmt!("{}", &**name))?;
            handlers.push(
                handler.register(vectors.irq(vector.into())?, name)?,
                GFP_KERNEL,
            )?;
            if !self.common.queue(vector - 1).set_vector(vector) {
                return Err(EBUSY);
            }
        }
        Guard::wired(handlers, vectors, QueueVectors::PerQueue { first: 1 })
    }

    /// One vector for configuration changes and one for all queues.
    fn wire_shared(&self, interrupts: &Interrupts<'_>) -> Result<Wired> {
        let vectors = self.function.vectors(2, bindings::PCI_IRQ_MSIX, false)?;
        let mut handlers = KVec::with_capacity(2, GFP_KERNEL)?;

        self.wire_config(&vectors, interrupts, &mut handlers)?;
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
        for index in 0..interrupts.queues.len() {
            if !self.common.queue(u16::try_from(index)?).set_vector(1) {
                return Err(EBUSY);
            }
        }
        Guard::wired(handlers, vectors, QueueVectors::Shared)
    }

    /// Vector 0 for configuration changes.
    fn wire_config(
        &self,
        vectors: &Vectors,
        interrupts: &Interrupts<'_>,
        handlers: &mut KVec<irq::Registration>,
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
        if self.common.set_config_vector(0) {
            Ok(())
        } else {
            Err(EBUSY)
        }
    }

    /// The interrupt line, for everything.
    fn wire_line(&self, interrupts: &Interrupts<'_>) -> Result<Wired> {
        let vectors = self.function.vectors(1, bindings::PCI_IRQ_INTX, false)?;
        let mut handlers = KVec::with_capacity(1, GFP_KERNEL)?;

        let line = Arc::new(
            LineInterrupt {
                isr: self.isr.clone(),
                queues: SharedInterrupt::new(interrupts.queues)?,
                config: interrupts.config.clone(),
            },
            GFP_KERNEL,
        )?;
        handlers.push(
            irq::Registration::new_threaded(
                vectors.irq(0)?,
                irq::Sharing::Shared,
                CString::try_from_fmt(fmt!("{}", interrupts.name))?,
                line,
            )?,
            GFP_KERNEL,
        )?;
        Guard::wired(handlers, vectors, QueueVectors::Shared)
    }
}

/// Registered handlers and the vectors that they are on, in the order in which they are to go.
struct Guard {
    _handlers: KVec<irq::Registration>,
    _vectors: Vectors,
}

impl Guard {
    /// Packs everything up.
    fn wired(
        handlers: KVec<irq::Registration>,
        irqs: Vectors,
        vectors: QueueVectors,
    ) -> Result<Wired> {
        let guard = KBox::new(
            Self {
                _handlers: handlers,
                _vectors: irqs,
            },
            GFP_KERNEL,
        )?;
        Ok(Wired {
            _guard: guard as KBox<dyn Send + Sync>,
            vectors,
        })
    }
}

/// The handler of the interrupt line.
struct LineInterrupt {
    isr: Arc<Mapping>,
    queues: Arc<SharedInterrupt>,
    config: Arc<ConfigInterrupt>,
}

impl irq::Handler for LineInterrupt {
    fn handle(&self) -> irq::Return {
        // Reading the byte clears it and lets go of the line.
        let isr = self.isr.read8(0);
        if isr == 0 || isr == isr::GONE {
            return irq::Return::None;
        }

        if isr & isr::QUEUE != 0 {
            self.queues.interrupt();
        }
        if isr & isr::CONFIG != 0 {
            irq::Return::WakeThread
        } else {
            // The device said that it was its interrupt, even if no queue has anything.
            irq::Return::Handled
        }
    }
}

impl irq::ThreadedHandler for LineInterrupt {
    fn handle_threaded(&self) {
        self.config.changed();
    }
}

/// The doorbell of one queue, and what to write to it.
pub(super) struct Doorbell {
    mapping: Mapping,
    value: u16,
}

impl Doorbell {
    /// Notifies the device.
    #[inline]
    pub(super) fn ring(&self) {
        self.mapping.write16(0, self.value);
    }
}

impl ConfigAccess for Pci {
    fn len(&self) -> usize {
        self.config.as_ref().map_or(0, Mapping::len)
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

impl Transport for Pci {
    fn parent(&self) -> &device::Device {
        self.function.device().as_ref()
    }

    fn config(&self) -> &dyn ConfigAccess {
        self
    }

    fn features(&self) -> FeatureSet {
        FEATURES
    }

    fn device_features(&self) -> FeatureSet {
        FeatureSet::from_words([0, 1, 2, 3].map(|select| self.common.device_feature(select)))
    }

    fn set_driver_features(&self, features: FeatureSet) {
        for (select, bits) in (0..).zip(features.words()) {
            self.common.set_driver_feature(select, bits);
        }
    }

    fn status(&self) -> Option<Status> {
        match self.common.status() {
            0xff => None,
            status => Some(Status::from_bits(status)),
        }
    }

    fn set_status(&self, status: Status) {
        self.common.set_status(status.bits());
    }

    fn num_queues(&self) -> u16 {
        self.common.num_queues()
    }

    fn queue_max_size(&self, index: u16) -> u16 {
        self.common.queue(index).size()
    }

    fn queue_enabled(&self, index: u16) -> bool {
        self.common.queue(index).enabled()
    }

    fn setup_queue(&self, index: u16, size: u16, ring: RingAddresses) -> Result<Notifier> {
        let queue = self.common.queue(index);
        if !queue.set_size(size) {
            return Err(EIO);
        }
        queue.set_desc(ring.descriptor);
        queue.set_driver(ring.driver);
        queue.set_device(ring.device);

        let offset = self
            .notify
            .doorbell(queue.notify_off(), DOORBELL_LEN)
            .ok_or(EINVAL)?;
        let region = self.notify.region;
        let mapping = self.function.map(
            region.bar,
            // No overflow: the doorbell is inside the region.
            region.offset.wrapping_add(offset),
            DOORBELL_LEN.into(),
        )?;

        Notifier::new(Doorbell {
            mapping,
            value: index,
        })
    }

    fn enable_queue(&self, index: u16) {
        self.common.queue(index).enable();
    }

    fn wire(&self, interrupts: &Interrupts<'_>) -> Result<Wired> {
        let ways: [fn(&Self, &Interrupts<'_>) -> Result<Wired>; 3] =
            [Self::wire_per_queue, Self::wire_shared, Self::wire_line];

        let mut last = ENODEV;
        for way in ways {
            match way(self, interrupts) {
                Ok(wired) => return Ok(wired),
                Err(err) => last = err,
            }
            self.unwire(interrupts.queues.len());
        }
        Err(last)
    }

    fn start_dma(&self) {
        self.function.set_master();
    }

    fn stop_dma(&self) -> bool {
        self.function.clear_master()
    }
}

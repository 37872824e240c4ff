// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A driver's side.

use crate::Device;
use pure::{
    bringup::{
        self,
        Abandoned,
        Control,
        Failure,
        Progress,
        RingAddresses, //
    },
    feature::{
        self,
        FeatureSet, //
    },
    id::DeviceId,
    transport::{
        features,
        mmio::{
            control::{
                Interface,
                Platform,
                SUPPORTED, //
            },
            legacy::LegacyInterface, //
        }, //
    },
};

/// A clock.
pub struct Clock(Device);

impl Platform for Clock {
    fn millis(&self) -> u64 {
        self.0.waited()
    }

    fn pause(&self) {
        self.0.wait();
    }
}

/// Bytes of a page of the driver of devices of version 1.
pub const PAGE: u32 = 0x4000;

/// A driver's side, as the transport has it, and what it can accept.
pub struct Driver<C = Interface<Device, Clock>>(pub C, FeatureSet);

impl Driver {
    /// A driver of `device`.
    pub fn new(device: &Device) -> Self {
        let interface = Interface::new(device.clone(), Clock(device.clone()));
        Self(interface, SUPPORTED)
    }
}

impl Driver<LegacyInterface<Device, Clock>> {
    /// A driver of `device`, which is of version 1.
    pub fn legacy(device: &Device) -> Self {
        let interface = LegacyInterface::new(device.clone(), PAGE, Clock(device.clone()));
        Self(interface, features::LEGACY)
    }
}

impl<C: Control> Driver<C> {
    /// Where the ring of queue `index` is.
    fn ring(&self, index: u16, size: u16) -> RingAddresses {
        match self.0.legacy() {
            Some(_) => legacy_ring(index, size),
            None => ring(index),
        }
    }

    /// Brings the device up for the first time, as probing does it, with a queue of each of these
    /// sizes.
    ///
    /// # Errors
    ///
    /// What bringing up returns; the device has been given up then.
    pub fn probe(&self, sizes: &[u16]) -> Result<(Progress, FeatureSet), Failure> {
        let quiet = bringup::reset(&self.0)?;
        let choose = |offered| {
            let none = FeatureSet::empty();
            Ok(feature::negotiate(offered, none, self.1, DeviceId::ENTROPY))
        };
        let (mut progress, features) =
            bringup::negotiate(quiet, &self.0, choose).map_err(|abandoned| abandoned.why)?;
        match self.set_up(&mut progress, sizes) {
            Ok(()) => Ok((progress, features)),
            Err(failure) => {
                // As dropping the states does it.
                progress.give_up(&self.0);
                let _ = bringup::reset(&self.0);
                Err(failure)
            }
        }
    }

    fn set_up(&self, progress: &mut Progress, sizes: &[u16]) -> Result<(), Failure> {
        let count = sizes.len() as u16;
        for (index, size) in (0..count).zip(sizes) {
            let size = bringup::look_at_queue(&self.0, index)?.min(*size);
            bringup::place_queue(&self.0, index, size, self.ring(index, size))?;
        }
        progress.start(&self.0, count)
    }

    /// Brings the device up again.
    ///
    /// # Errors
    ///
    /// What bringing up returns.
    pub fn restart(&self, features: FeatureSet, sizes: &[u16]) -> Result<Progress, Abandoned> {
        let quiet = bringup::reset(&self.0).map_err(|why| Abandoned {
            why,
            quiet: Err(why),
        })?;
        let queue = |index: u16| {
            let size = sizes.get(usize::from(index)).copied();
            size.map(|size| (size, self.ring(index, size)))
                .ok_or(Failure::Memory)
        };
        let count = sizes.len() as u16;
        bringup::restart(quiet, &self.0, features, count, queue, || true, || {})
    }
}

/// Where the ring of queue `index` is.
pub fn ring(index: u16) -> RingAddresses {
    let base = 0x1_0000_0000 * (u64::from(index) + 1);
    RingAddresses {
        descriptor: base + 0x8000_1000,
        driver: base + 0x8000_2000,
        device: base + 0x8000_3000,
    }
}

/// The same for a device of version 1: one block, with the used ring on a page of its own.
pub fn legacy_ring(index: u16, size: u16) -> RingAddresses {
    let descriptor = u64::from(PAGE) * (0x8765_0000 + 0x100 * u64::from(index));
    let driver = descriptor + 16 * u64::from(size);
    // Flags, index, entries and the event.
    let end = driver + 2 * (3 + u64::from(size));
    RingAddresses {
        descriptor,
        driver,
        device: end.next_multiple_of(PAGE.into()),
    }
}

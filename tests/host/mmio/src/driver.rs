// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A driver's side.

use crate::Device;
use pure::{
    bringup::{
        self,
        Abandoned,
        Failure,
        Progress,
        RingAddresses, //
    },
    feature::{
        self,
        FeatureSet, //
    },
    id::DeviceId,
    transport::mmio::control::{
        Interface,
        Platform,
        SUPPORTED, //
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

/// A driver's side, as the transport has it.
pub struct Driver(pub Interface<Device, Clock>);

impl Driver {
    /// A driver of `device`.
    pub fn new(device: &Device) -> Self {
        Self(Interface::new(device.clone(), Clock(device.clone())))
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
            Ok(feature::negotiate(
                offered,
                none,
                SUPPORTED,
                DeviceId::ENTROPY,
            ))
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
            bringup::place_queue(&self.0, index, size, ring(index))?;
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
            size.map(|size| (size, ring(index))).ok_or(Failure::Memory)
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

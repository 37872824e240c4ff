// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Bringing up a device by its common configuration (VIRTIO 1.4, 4.1.5.1).

use super::common::{
    CommonConfig,
    Registers, //
};
use crate::virtio::{
    bringup::{
        Control,
        RingAddresses, //
    },
    feature::FeatureSet,
    status::Status, //
};

/// A device with a common configuration, and a clock beside it.
pub trait Configured {
    /// How the registers are reached.
    type Registers: Registers;

    /// The common configuration.
    fn common(&self) -> &CommonConfig<Self::Registers>;

    /// Milliseconds since some time.
    fn millis(&self) -> u64;

    /// Waits for about a millisecond.
    fn pause(&self);
}

impl<T: Configured> Control for T {
    fn status(&self) -> Option<Status> {
        self.common().status()
    }

    fn set_status(&self, status: Status) {
        self.common().set_status(status);
    }

    fn device_features(&self) -> FeatureSet {
        self.common().device_features()
    }

    fn set_driver_features(&self, features: FeatureSet) {
        self.common().set_driver_features(features);
    }

    fn queue_max_size(&self, index: u16) -> u16 {
        self.common().queue(index).size()
    }

    fn queue_enabled(&self, index: u16) -> bool {
        self.common().queue(index).enabled()
    }

    fn place_queue(&self, index: u16, size: u16, ring: RingAddresses) -> bool {
        let queue = self.common().queue(index);
        let took = queue.set_size(size);
        if took {
            queue.place(ring);
        }
        took
    }

    fn enable_queue(&self, index: u16) {
        self.common().queue(index).enable();
    }

    fn reset_queue(&self, index: u16) {
        self.common().queue(index).reset();
    }

    fn queue_resetting(&self, index: u16) -> bool {
        self.common().queue(index).is_resetting()
    }

    fn millis(&self) -> u64 {
        Configured::millis(self)
    }

    fn pause(&self) {
        Configured::pause(self);
    }
}

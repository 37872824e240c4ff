// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Which vectors a device interrupts with (VIRTIO 1.4, 4.1.5.1.2).

use super::common::{
    CommonConfig,
    Registers,
    NO_VECTOR, //
};

/// How a device interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// With a vector for configuration changes and one for each queue.
    PerQueue,
    /// With a vector for configuration changes and one for all queues.
    Shared,
    /// By its interrupt line.
    Line,
}

impl Plan {
    /// All plans, the best one first.
    pub const ALL: [Self; 3] = [Self::PerQueue, Self::Shared, Self::Line];

    /// Vectors that it takes for so many queues.
    pub fn count(self, queues: u16) -> u32 {
        match self {
            Self::PerQueue => u32::from(queues).wrapping_add(1),
            Self::Shared => 2,
            Self::Line => 1,
        }
    }

    /// The vector of configuration changes.
    pub fn config(self) -> u16 {
        match self {
            Self::PerQueue | Self::Shared => 0,
            Self::Line => NO_VECTOR,
        }
    }

    /// The vector of queue `index`. [`None`] for the one queue that no vector is left for when a
    /// device has as many as there can be.
    pub fn queue(self, index: u16) -> Option<u16> {
        match self {
            // The last number says that there is none.
            Self::PerQueue => index.checked_add(1).filter(|vector| *vector != NO_VECTOR),
            Self::Shared => Some(1),
            Self::Line => Some(NO_VECTOR),
        }
    }

    /// Tells the device the vectors of its first `queues` queues and of configuration changes.
    /// Returns whether it took all of them; if not, it keeps none.
    pub fn program<R: Registers>(self, common: &CommonConfig<R>, queues: u16) -> bool {
        if self == Self::Line {
            // What the registers read as is nobody's business while MSI-X is off.
            clear(common, queues);
            return true;
        }
        let took = common.set_config_vector(self.config())
            && (0..queues).all(|index| self.program_queue(common, index));
        if !took {
            clear(common, queues);
        }
        took
    }

    /// Tells the device the vector of queue `index`. Returns whether it took it.
    pub fn program_queue<R: Registers>(self, common: &CommonConfig<R>, index: u16) -> bool {
        if self == Self::Line {
            return true;
        }
        self.queue(index)
            .is_some_and(|vector| common.queue(index).set_vector(vector))
    }
}

/// Tells the device not to interrupt with any vector.
pub fn clear<R: Registers>(common: &CommonConfig<R>, queues: u16) {
    common.set_config_vector(NO_VECTOR);
    for index in 0..queues {
        common.queue(index).set_vector(NO_VECTOR);
    }
}

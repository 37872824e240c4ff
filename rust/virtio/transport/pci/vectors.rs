// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Which vectors a device interrupts with (VIRTIO 1.4, 4.1.5.1.2).

use super::common::{
    CommonConfig,
    Registers,
    NO_VECTOR, //
};

/// The registers in which a device is told its vectors.
pub trait VectorRegisters {
    /// Whether they are there now. Legacy devices have something else in their place while MSI-X is not
    /// enabled (VIRTIO 1.4, 4.1.4.10).
    fn are_there(&self) -> bool;

    /// Sets the vector of configuration changes; whether the device took it.
    fn set_config(&self, vector: u16) -> bool;

    /// Sets the vector of queue `index`; whether the device took it.
    fn set_queue(&self, index: u16, vector: u16) -> bool;
}

impl<R: Registers> VectorRegisters for CommonConfig<R> {
    fn are_there(&self) -> bool {
        true
    }

    fn set_config(&self, vector: u16) -> bool {
        self.set_config_vector(vector)
    }

    fn set_queue(&self, index: u16, vector: u16) -> bool {
        self.queue(index).set_vector(vector)
    }
}

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
    pub fn program<V: VectorRegisters>(self, registers: &V, queues: u16) -> bool {
        if self == Self::Line {
            // What the registers read as is nobody's business while MSI-X is off.
            clear(registers, queues);
            return true;
        }
        let took = registers.are_there()
            && registers.set_config(self.config())
            && (0..queues).all(|index| self.program_queue(registers, index));
        if !took {
            clear(registers, queues);
        }
        took
    }

    /// Does the same for a device that has `polled` queues after those: they get no vector.
    pub fn program_all<V: VectorRegisters>(self, registers: &V, queues: u16, polled: u16) -> bool {
        let took = self.program(registers, queues);
        if took && registers.are_there() {
            for index in (queues..).take(polled.into()) {
                // A device that insists on another one interrupts to no purpose.
                registers.set_queue(index, NO_VECTOR);
            }
        }
        took
    }

    /// Tells the device the vector of queue `index`. Returns whether it took it.
    pub fn program_queue<V: VectorRegisters>(self, registers: &V, index: u16) -> bool {
        if self == Self::Line {
            return true;
        }
        self.queue(index)
            .is_some_and(|vector| registers.set_queue(index, vector))
    }
}

/// Tells the device not to interrupt with any vector, if it could.
pub fn clear<V: VectorRegisters>(registers: &V, queues: u16) {
    if !registers.are_there() {
        return;
    }
    registers.set_config(NO_VECTOR);
    for index in 0..queues {
        registers.set_queue(index, NO_VECTOR);
    }
}

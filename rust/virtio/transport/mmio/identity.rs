// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Whether there is a device behind the registers, and which (VIRTIO 1.4, 4.2.2.2 and 4.2.3.1.1).

use super::registers::{
    reg,
    LEN, //
};
use crate::virtio::{
    id::DeviceId,
    transport::registers::Registers, //
};

/// "virt", as the bytes lie in memory.
const MAGIC: u32 = 0x7472_6976;

/// A device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What kind of device it is.
    pub kind: DeviceId,
    /// Whether it has the registers of the time before VIRTIO 1.0.
    pub is_legacy: bool,
}

impl Identity {
    /// Looks what is there. [`None`] when it is not a device that anybody here knows how to use, or a
    /// place where there could be one: neither is worth a message.
    ///
    /// Version 3 is what devices say that take time for their reset; for everything here it is
    /// version 2.
    pub fn of<R: Registers>(registers: &R) -> Option<Self> {
        if registers.len() < LEN || registers.read32(reg::MAGIC_VALUE) != MAGIC {
            return None;
        }
        let is_legacy = match registers.read32(reg::VERSION) {
            1 => true,
            2 | 3 => false,
            _ => return None,
        };
        let number = u16::try_from(registers.read32(reg::DEVICE_ID)).ok()?;
        Some(Self {
            kind: DeviceId::new(number)?,
            is_legacy,
        })
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Bits of the device status field.

/// A value of the device status field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status(u8);

impl Status {
    /// No bit: writing it resets the device, reading it says that the reset is done.
    pub const RESET: Self = Self(0);
    /// The guest has noticed the device.
    pub const ACKNOWLEDGE: Self = Self(1);
    /// The guest has a driver for the device.
    pub const DRIVER: Self = Self(2);
    /// The driver is ready; the device is live.
    pub const DRIVER_OK: Self = Self(4);
    /// The feature set is agreed.
    pub const FEATURES_OK: Self = Self(8);
    /// The device is suspended.
    pub const SUSPEND: Self = Self(16);
    /// The device cannot go on without a reset.
    pub const DEVICE_NEEDS_RESET: Self = Self(64);
    /// The driver has given up on the device.
    pub const FAILED: Self = Self(128);

    /// The status with these bits of the register.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The bits of the register.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// This status and the bits of `other`. Bits are only ever added: what takes one away is a
    /// reset.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether this is what a read of a device gives that is no longer there: all ones, which no
    /// device that is there shows, as that takes reserved bits.
    pub const fn is_gone(self) -> bool {
        self.0 == 0xff
    }
}

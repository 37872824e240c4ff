// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Accesses, and the registers that there are.

/// An access: offset, width in bytes, and what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A read.
    Read(usize, usize),
    /// A write.
    Write(usize, usize, u32),
}

/// Offsets of registers.
pub mod reg {
    #![allow(missing_docs)]
    pub const MAGIC_VALUE: usize = 0x000;
    pub const VERSION: usize = 0x004;
    pub const DEVICE_ID: usize = 0x008;
    pub const VENDOR_ID: usize = 0x00c;
    pub const DEVICE_FEATURES: usize = 0x010;
    pub const DEVICE_FEATURES_SEL: usize = 0x014;
    pub const DRIVER_FEATURES: usize = 0x020;
    pub const DRIVER_FEATURES_SEL: usize = 0x024;
    pub const GUEST_PAGE_SIZE: usize = 0x028;
    pub const QUEUE_SEL: usize = 0x030;
    pub const QUEUE_SIZE_MAX: usize = 0x034;
    pub const QUEUE_SIZE: usize = 0x038;
    pub const QUEUE_ALIGN: usize = 0x03c;
    pub const QUEUE_PFN: usize = 0x040;
    pub const QUEUE_READY: usize = 0x044;
    pub const QUEUE_NOTIFY: usize = 0x050;
    pub const INTERRUPT_STATUS: usize = 0x060;
    pub const INTERRUPT_ACK: usize = 0x064;
    pub const STATUS: usize = 0x070;
    pub const QUEUE_DESC: usize = 0x080;
    pub const QUEUE_DRIVER: usize = 0x090;
    pub const QUEUE_DEVICE: usize = 0x0a0;
    pub const SHM_SEL: usize = 0x0ac;
    pub const SHM_LEN: usize = 0x0b0;
    pub const SHM_BASE: usize = 0x0b8;
    pub const QUEUE_RESET: usize = 0x0c0;
    pub const CONFIG_GENERATION: usize = 0x0fc;
    pub const CONFIG: usize = 0x100;
}

/// Those that can be read.
pub const READABLE: &[usize] = &[
    reg::MAGIC_VALUE,
    reg::VERSION,
    reg::DEVICE_ID,
    reg::VENDOR_ID,
    reg::DEVICE_FEATURES,
    reg::QUEUE_SIZE_MAX,
    reg::QUEUE_READY,
    reg::INTERRUPT_STATUS,
    reg::STATUS,
    reg::SHM_LEN,
    reg::SHM_LEN + 4,
    reg::SHM_BASE,
    reg::SHM_BASE + 4,
    reg::QUEUE_RESET,
    reg::CONFIG_GENERATION,
];

/// Those that can be written.
pub const WRITABLE: &[usize] = &[
    reg::DEVICE_FEATURES_SEL,
    reg::DRIVER_FEATURES,
    reg::DRIVER_FEATURES_SEL,
    reg::QUEUE_SEL,
    reg::QUEUE_SIZE,
    reg::QUEUE_READY,
    reg::QUEUE_NOTIFY,
    reg::INTERRUPT_ACK,
    reg::STATUS,
    reg::QUEUE_DESC,
    reg::QUEUE_DESC + 4,
    reg::QUEUE_DRIVER,
    reg::QUEUE_DRIVER + 4,
    reg::QUEUE_DEVICE,
    reg::QUEUE_DEVICE + 4,
    reg::SHM_SEL,
    reg::QUEUE_RESET,
];

/// Those of version 1 that can be read.
pub const LEGACY_READABLE: &[usize] = &[
    reg::MAGIC_VALUE,
    reg::VERSION,
    reg::DEVICE_ID,
    reg::VENDOR_ID,
    reg::DEVICE_FEATURES,
    reg::QUEUE_SIZE_MAX,
    reg::QUEUE_PFN,
    reg::INTERRUPT_STATUS,
    reg::STATUS,
];

/// Those of version 1 that can be written.
pub const LEGACY_WRITABLE: &[usize] = &[
    reg::DEVICE_FEATURES_SEL,
    reg::DRIVER_FEATURES,
    reg::DRIVER_FEATURES_SEL,
    reg::GUEST_PAGE_SIZE,
    reg::QUEUE_SEL,
    reg::QUEUE_SIZE,
    reg::QUEUE_ALIGN,
    reg::QUEUE_PFN,
    reg::QUEUE_NOTIFY,
    reg::INTERRUPT_ACK,
    reg::STATUS,
];

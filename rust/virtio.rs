// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! VIRTIO, from the driver's side.
//!
//! | layer                    | where                                                             |
//! | ------------------------ | ----------------------------------------------------------------- |
//! | drivers, registration    | [`driver`]                                                        |
//! | life cycle               | [`device`]                                                        |
//! | queues of owned requests | [`queue`], over the pure [`ring`]                                 |
//! | queues that are waited on | [`wait`]                                                         |
//! | devices that stop working | [`watchdog`]                                                      |
//! | interrupts               | [`irq`]                                                           |
//! | transports               | [`transport`]: PCI and MMIO                                       |
//! | vocabulary               | [`id`], [`feature`], [`status`], [`config`]                       |
//!
//! The device is not trusted: what it says is read once, checked, and only then used. Sections
//! named in the documentation are those of the OASIS standard, version 1.4.

pub mod bringup;
pub mod budget;
pub mod byte_order;
pub mod config;
mod debugfs;
pub mod device;
pub mod driver;
pub mod feature;
pub mod id;
mod index;
pub mod irq;
pub mod legacy;
pub mod notify;
pub mod patience;
pub mod queue;
pub mod ring;
pub mod status;
pub mod transport;
pub mod wait;
pub mod watchdog;
pub mod wire;

/// Makes what all devices share.
///
/// # Safety
///
/// To be called once, when the module is loaded, before any driver can register.
pub(crate) unsafe fn init() {
    // SAFETY: By the requirement of this function.
    unsafe {
        index::init();
        debugfs::init();
    }
}

/// Undoes [`init`], when there are no drivers any more.
pub(crate) fn exit() {
    debugfs::exit();
    index::exit();
}

pub(crate) use self::transport::mmio::named::Named;
pub use self::{
    byte_order::ByteOrder,
    config::ConfigError,
    device::{
        life::Pause,
        Acknowledged,
        Config,
        Device,
        Live,
        Negotiated,
        Setup, //
    },
    driver::Driver,
    feature::{
        Feature,
        FeatureSet, //
    },
    id::DeviceId,
    irq::{
        ConfigHandler,
        QueueHandler, //
    },
    notify::{
        Kick,
        Notifier, //
    },
    queue::{
        AddError,
        AddErrorReason,
        AnyQueue,
        Queue,
        QueueOptions, //
    },
    transport::QueueVectors,
    wait::WaitQueue,
    watchdog::Watchdog,
    wire::Wire, //
};

/// What every driver needs.
pub mod prelude {
    pub use super::{
        feature,
        irq,
        Acknowledged,
        AddError,
        AddErrorReason,
        AnyQueue,
        ByteOrder,
        Config,
        ConfigHandler,
        Device,
        DeviceId,
        Driver,
        Feature,
        FeatureSet,
        Live,
        Negotiated,
        Notifier,
        Pause,
        Queue,
        QueueHandler,
        QueueOptions,
        Setup,
        WaitQueue,
        Watchdog,
        Wire, //
    };
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Changes of the configuration.

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        Arc,
        Mutex, //
    },
};
use kernel_ext::{
    block::mq::prelude::*,
    virtio::prelude::*, //
};

use crate::{
    config::Configuration,
    VirtioBlk, //
};

/// Hears of changes, while there is a disk that is not being removed.
#[pin_data]
pub(crate) struct Watcher {
    device: Arc<Device>,
    #[pin]
    disk: Mutex<Option<ARef<Disk<VirtioBlk>>>>,
}

impl Watcher {
    /// A watcher of no disk.
    pub(crate) fn new(device: &Arc<Device>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                device: device.clone(),
                disk <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )
    }

    /// Sets whether there is a disk.
    pub(crate) fn watch(&self, disk: Option<&Disk<VirtioBlk>>) {
        *self.disk.lock() = disk.map(ARef::from);
    }
}

impl ConfigHandler for Watcher {
    fn changed(&self) {
        let disk = self.disk.lock();
        // Said in the log if it can not be read.
        let (Some(disk), Ok(config)) = (&*disk, Configuration::read(&self.device)) else {
            return;
        };
        if disk.set_capacity_and_notify(config.capacity) {
            let (name, size) = (disk.name(), disk.size());
            self.device.info(fmt!("[{name}] new size: {size}"));
        }
    }

    fn failed(&self) {
        // Requests that wait for the device to come back are to fail.
        if let Some(disk) = &*self.disk.lock() {
            disk.unquiesce();
        }
    }
}

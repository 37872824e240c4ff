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
    Controller,
    VirtioBlk, //
};

/// Hears of changes, as soon as there is a disk and as long as it is not being removed.
#[pin_data]
pub(crate) struct Watcher {
    #[pin]
    attached: Mutex<Option<Attached>>,
}

/// What there is to watch.
struct Attached {
    disk: ARef<Disk<VirtioBlk>>,
    controller: Arc<Controller>,
}

impl Watcher {
    /// A watcher of no disk.
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                attached <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )
    }

    /// There is a disk.
    pub(crate) fn attach(&self, disk: &Disk<VirtioBlk>, controller: &Arc<Controller>) {
        *self.attached.lock() = Some(Attached {
            disk: disk.into(),
            controller: controller.clone(),
        });
        // Of what happened before nobody has heard.
        self.changed();
    }

    /// There is none any more.
    pub(crate) fn detach(&self) {
        *self.attached.lock() = None;
    }
}

impl ConfigHandler for Watcher {
    fn changed(&self) {
        let attached = self.attached.lock();
        let Some(Attached { disk, controller }) = &*attached else {
            return;
        };
        let device = controller.device();

        let before = disk.capacity();
        // Said in the log if it cannot be read.
        if let Ok(config) = Configuration::read(device) {
            disk.set_capacity_and_notify(config.capacity);
        }
        if disk.capacity() != before {
            device.info(fmt!("[{}] new size: {}", disk.name(), disk.size()));
        }
    }

    fn failed(&self) {
        if let Some(attached) = &*self.attached.lock() {
            // Said in the log already, and `check` has ended what there was.
            let _ = attached.controller.check();
        }
    }
}

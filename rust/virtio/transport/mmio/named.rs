// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Devices that the user named as the library was inserted, by the parameter `device`.
//!
//! The parameter is the library's: which driver a device needs, its registers say.

use kernel::prelude::*;

use super::parameter::{
    Error,
    Place,
    Places, //
};
use crate::{
    module_param::Value,
    platform::{
        Made,
        Root, //
    },
    text_module_param,
};

text_module_param! {
    /// Devices that neither a device tree nor ACPI tells of.
    static DEVICES: "device": Places = Places::new(),
        "a virtio-mmio device: <size>@<base>:<irq>[:<id>]; may be given several times";
}

impl Value for Places {
    fn set(&mut self, text: &[u8]) -> Result {
        self.add(text).map_err(|error| match error {
            Error::Form | Error::Range | Error::Irq => EINVAL,
            Error::Taken => EEXIST,
            Error::Full => ENOSPC,
        })
    }

    fn show(&self, out: &mut dyn kernel::fmt::Write) -> kernel::fmt::Result {
        Self::show(self, out)
    }
}

/// The devices, which are on the platform bus until this is dropped.
pub(crate) struct Named {
    _devices: KVec<Made>,
    // After the devices.
    _parent: Option<Root>,
}

impl Named {
    /// Tells the platform bus of the devices. Drivers take them when they come.
    ///
    /// # Errors
    ///
    /// `EBUSY` when registers are in use, `EEXIST` when a device of another origin has the number,
    /// `ENOMEM`. Nothing was done.
    pub(crate) fn new() -> Result<Self> {
        let places = DEVICES.get();
        let mut devices = KVec::new();
        let mut parent = None;
        for place in places.iter() {
            let parent = match &mut parent {
                Some(parent) => parent,
                none => none.insert(Root::new(c"virtio-mmio-rust")?),
            };
            let Place {
                base,
                size,
                irq,
                id,
            } = *place;
            pr_info!("virtio-mmio.{id}: at {base:#x}, {size:#x} bytes, interrupt {irq}\n");
            devices.push(
                Made::new(parent, c"virtio-mmio", id, (base, size), irq)?,
                GFP_KERNEL,
            )?;
        }
        Ok(Self {
            _devices: devices,
            _parent: parent,
        })
    }
}

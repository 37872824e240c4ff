// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Attributes of the disk in sysfs, as programs know them from the C driver.

use kernel::{
    prelude::*,
    sync::ArcBorrow, //
};
use kernel_ext::{
    block::mq::prelude::*,
    virtio::prelude::*, //
};

use crate::{
    config::Configuration,
    protocol::{
        Header,
        RequestType,
        ID_LEN, //
    },
    Controller,
    VirtioBlk, //
};

/// The serial number, by which udev names the disk.
pub(crate) struct Serial;

#[vtable]
impl Attribute<VirtioBlk> for Serial {
    const NAME: &'static CStr = c"serial";

    fn show(
        disk: &Disk<VirtioBlk>,
        controller: ArcBorrow<'_, Controller>,
        out: &mut Output<'_>,
    ) -> Result {
        let mut id = [0; ID_LEN];
        let mut request = DriverRequest::new(disk)?;
        let order = controller.device().byte_order();
        let header = Header::new(order, RequestType::GET_ID, 0);
        request.data_mut().prepare(Some(header));
        match request.execute(Transfer::FromDevice(&mut id)) {
            Ok(()) => {}
            // The device has none.
            Err(EIO | EOPNOTSUPP) => return Ok(()),
            Err(err) => return Err(err),
        }

        let written = request.data().written as usize;
        let serial = id.iter().take(written).take_while(|byte| **byte != 0);
        for byte in serial {
            out.write_bytes(core::slice::from_ref(byte))?;
        }
        Ok(())
    }
}

/// Whether the device's cache writes back or through.
pub(crate) struct CacheType;

#[vtable]
impl Attribute<VirtioBlk> for CacheType {
    const NAME: &'static CStr = c"cache_type";

    fn is_writable(controller: &ArcBorrow<'_, Controller>) -> bool {
        controller.device().has(feature::block::CONFIG_WCE)
    }

    fn show(
        _disk: &Disk<VirtioBlk>,
        controller: ArcBorrow<'_, Controller>,
        out: &mut Output<'_>,
    ) -> Result {
        let cache = Configuration::read(controller.device())?.cache;
        out.write_line(cache.as_str())
    }

    fn store(
        disk: &Disk<VirtioBlk>,
        controller: ArcBorrow<'_, Controller>,
        value: &[u8],
    ) -> Result {
        let device = controller.device();
        let cache = Cache::from_name(value).ok_or(EINVAL)?;

        // The block layer is to flush for as long as there may be something to flush: before the
        // device begins to write back, and until what was written is persistent, which it is not by
        // the switch alone (VIRTIO 1.4, 5.2.6.1).
        disk.update_limits(|limits| limits.set_cache(Cache::WriteBack))?;
        Configuration::set_cache(device, cache)?;
        disk.flush()?;
        let cache = Configuration::read(device)?.cache;
        disk.update_limits(|limits| limits.set_cache(cache))
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Attributes of the disk in sysfs, as programs know them from the C driver.

use kernel::{
    prelude::*,
    sync::ArcBorrow, //
};
use kernel_ext::{
    block::mq::{
        Attribute,
        Disk,
        DriverRequest,
        Output,
        Transfer, //
    },
    virtio::feature::block,
};

use crate::{
    limits,
    protocol::{
        config,
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
        _controller: ArcBorrow<'_, Controller>,
        out: &mut Output<'_>,
    ) -> Result {
        let mut id = [0; ID_LEN];
        let mut request = DriverRequest::new(disk)?;
        request
            .data_mut()
            .prepare(Header::new(RequestType::GET_ID, 0));
        match request.execute(Transfer::FromDevice(&mut id)) {
            Ok(()) => {}
            // The device has none.
            Err(EIO | EOPNOTSUPP) => return Ok(()),
            Err(err) => return Err(err),
        }

        let written = request.data().written() as usize;
        let serial = id.iter().take(written).take_while(|byte| **byte != 0);
        for byte in serial {
            out.write_bytes(core::slice::from_ref(byte))?;
        }
        Ok(())
    }
}

/// Whether the device's cache writes back or through.
pub(crate) struct CacheType;

impl CacheType {
    /// A cache that is lost with power.
    const WRITE_BACK: &'static str = "write back";
    /// No such cache.
    const WRITE_THROUGH: &'static str = "write through";
}

#[vtable]
impl Attribute<VirtioBlk> for CacheType {
    const NAME: &'static CStr = c"cache_type";

    fn is_writable(controller: ArcBorrow<'_, Controller>) -> bool {
        controller.device().has(block::CONFIG_WCE)
    }

    fn show(
        _disk: &Disk<VirtioBlk>,
        controller: ArcBorrow<'_, Controller>,
        out: &mut Output<'_>,
    ) -> Result {
        let name = if limits::write_cache(controller.device())? {
            Self::WRITE_BACK
        } else {
            Self::WRITE_THROUGH
        };
        out.write_bytes(name.as_bytes())?;
        out.write_bytes(b"\n")
    }

    fn store(
        disk: &Disk<VirtioBlk>,
        controller: ArcBorrow<'_, Controller>,
        value: &[u8],
    ) -> Result {
        let device = controller.device();
        let writeback = if value == Self::WRITE_BACK.as_bytes() {
            true
        } else if value == Self::WRITE_THROUGH.as_bytes() {
            false
        } else {
            return Err(EINVAL);
        };
        if !device.has(block::CONFIG_WCE) {
            return Err(EPERM);
        }

        device
            .config()
            .write::<u8>(config::WRITEBACK, writeback.into())?;
        // What was written before is not persistent by the switch alone (VIRTIO 1.4, 5.2.6.1), and
        // nobody flushes once the block layer believes that there is no cache.
        disk.flush()?;
        // The device has the last word.
        let write_cache = limits::write_cache(device)?;
        disk.update_limits(|limits| limits.set_write_cache(write_cache))
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Attributes of the disk in sysfs, as programs know them from the C driver, and, of the medium's
//! wear, from eMMC.

use core::fmt::Write;

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
        Lifetime,
        RequestType,
        ID_LEN, //
    },
    Controller,
    VirtioBlk, //
};

/// An attribute of our disks.
type Entry = AttributeEntry<VirtioBlk>;

/// All attributes.
pub(crate) const ALL: &[Entry] = &[
    Entry::new(c"serial", serial),
    Entry::new(c"cache_type", cache_type).writable(can_switch_cache, set_cache_type),
    Entry::new(c"pre_eol_info", pre_eol_info).visible(has_lifetime),
    Entry::new(c"life_time", life_time).visible(has_lifetime),
];

/// The data of a disk's queue.
type Borrow<'a> = ArcBorrow<'a, Controller>;

/// Asks the device for something that it writes to `answer`, and returns what it wrote.
fn ask<'a>(
    disk: &Disk<VirtioBlk>,
    controller: Borrow<'_>,
    kind: RequestType,
    answer: &'a mut [u8],
) -> Result<&'a [u8]> {
    let mut request = DriverRequest::new(disk)?;
    let header = Header::new(controller.device().byte_order(), kind, 0);
    request.data_mut().prepare(Some(header));
    request.execute(Transfer::FromDevice(answer))?;

    let written = request.data().written as usize;
    Ok(answer.get(..written).unwrap_or(answer))
}

/// The serial number, by which udev names the disk.
fn serial(disk: &Disk<VirtioBlk>, controller: Borrow<'_>, out: &mut Output<'_>) -> Result {
    let mut id = [0; ID_LEN];
    match ask(disk, controller, RequestType::GET_ID, &mut id) {
        Ok(id) => out.write_bytes(id.split(|byte| *byte == 0).next().unwrap_or(id)),
        // The device has none.
        Err(EIO | EOPNOTSUPP) => Ok(()),
        Err(err) => Err(err),
    }
}

/// Whether the device's cache writes back or through.
fn cache_type(_disk: &Disk<VirtioBlk>, controller: Borrow<'_>, out: &mut Output<'_>) -> Result {
    let cache = Configuration::read(controller.device())?.cache;
    out.write_line(cache.as_str())
}

/// Whether the device lets that be chosen.
fn can_switch_cache(controller: &Borrow<'_>) -> bool {
    controller.device().has(feature::block::CONFIG_WCE)
}

/// Chooses it.
fn set_cache_type(disk: &Disk<VirtioBlk>, controller: Borrow<'_>, value: &[u8]) -> Result {
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

/// Whether the device knows anything of the medium's wear.
fn has_lifetime(controller: &Borrow<'_>) -> bool {
    controller.device().has(feature::block::LIFETIME)
}

/// What the device knows of that at the moment.
fn lifetime(disk: &Disk<VirtioBlk>, controller: Borrow<'_>) -> Result<Lifetime> {
    let mut lifetime = [0; Lifetime::LEN];
    let written = ask(disk, controller, RequestType::GET_LIFETIME, &mut lifetime)?;
    Ok(Lifetime::parse(controller.device().byte_order(), written))
}

/// How much of the medium's reserve is consumed. This and [`life_time`] have the names and the form
/// that eMMC has, whose numbers these are: what reads them there needs another directory only.
fn pre_eol_info(disk: &Disk<VirtioBlk>, controller: Borrow<'_>, out: &mut Output<'_>) -> Result {
    let info = lifetime(disk, controller)?.pre_eol_info;
    Ok(writeln!(out, "{info:#04x}")?)
}

/// How much of the medium's cells is used up: those of type A, then those of type B.
fn life_time(disk: &Disk<VirtioBlk>, controller: Borrow<'_>, out: &mut Output<'_>) -> Result {
    let [a, b] = lifetime(disk, controller)?.life_time;
    Ok(writeln!(out, "{a:#04x} {b:#04x}")?)
}

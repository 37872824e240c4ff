// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! How requests end.

use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

/// The outcome of a request: `BLK_STS_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// All went well.
    Ok = 0,
    /// The hardware does not know this operation.
    NotSupported = crate::bindings::BLK_STS_NOTSUPP,
    /// The hardware did not answer in time.
    Timeout = crate::bindings::BLK_STS_TIMEOUT,
    /// There is no space left on the medium.
    NoSpace = crate::bindings::BLK_STS_NOSPC,
    /// The way to the hardware is broken.
    Transport = crate::bindings::BLK_STS_TRANSPORT,
    /// The hardware failed.
    Target = crate::bindings::BLK_STS_TARGET,
    /// The medium failed.
    Medium = crate::bindings::BLK_STS_MEDIUM,
    /// A protected area was hit.
    Protection = crate::bindings::BLK_STS_PROTECTION,
    /// There was no memory for the request.
    Resource = crate::bindings::BLK_STS_RESOURCE,
    /// Anything else.
    IoError = crate::bindings::BLK_STS_IOERR,
    /// Too many zones are open.
    ZoneOpenResource = crate::bindings::BLK_STS_ZONE_OPEN_RESOURCE,
    /// Too many zones are active.
    ZoneActiveResource = crate::bindings::BLK_STS_ZONE_ACTIVE_RESOURCE,
    /// The device is offline.
    Offline = crate::bindings::BLK_STS_OFFLINE,
    /// The request makes no sense.
    Invalid = crate::bindings::BLK_STS_INVAL,
}

impl Status {
    /// The kernel's constant.
    #[inline]
    pub(super) const fn as_raw(self) -> bindings::blk_status_t {
        // CAST: The discriminants are the kernel's constants.
        self as bindings::blk_status_t
    }
}

/// The error that a status of the block layer stands for.
///
/// # Errors
///
/// What `blk_status_to_errno` says of anything but success.
pub(super) fn result(status: bindings::blk_status_t) -> Result {
    // SAFETY: The function takes any value.
    to_result(unsafe { bindings::blk_status_to_errno(status) })
}

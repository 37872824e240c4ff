// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Sleep and hibernation, which are the same on any bus.

use kernel::{
    bindings,
    prelude::*, //
};

use super::bound;
use crate::virtio::device::life::Pause;

/// Called before the machine sleeps.
extern "C" fn sleep_callback(dev: *mut bindings::device) -> c_int {
    // SAFETY: The core calls this for devices that were probed, and have a driver of ours.
    unsafe { bound(dev) }.stop(Pause::Sleep);
    // A device that could not be stopped has failed, which is no reason to stay awake.
    0
}

/// Called before the machine is copied to disk, and before another copy takes over: devices have to
/// forget about this one's memory.
extern "C" fn hibernate_callback(dev: *mut bindings::device) -> c_int {
    // SAFETY: As in `sleep_callback`.
    unsafe { bound(dev) }.stop(Pause::Hibernation);
    // As above.
    0
}

/// Called when the machine woke up, or goes on after it was copied to disk.
extern "C" fn wake_callback(dev: *mut bindings::device) -> c_int {
    // SAFETY: As in `sleep_callback`.
    unsafe { bound(dev) }.restart();
    // A device that does not come back has failed; the machine goes on without it.
    0
}

/// What is called about sleep.
pub(super) static PM_OPS: bindings::dev_pm_ops = bindings::dev_pm_ops {
    suspend: Some(sleep_callback),
    resume: Some(wake_callback),
    freeze: Some(hibernate_callback),
    thaw: Some(wake_callback),
    poweroff: Some(hibernate_callback),
    restore: Some(wake_callback),
    ..pm_ops_of_nothing()
};

/// Operations of which there are none.
const fn pm_ops_of_nothing() -> bindings::dev_pm_ops {
    // SAFETY: A structure of function pointers, for which NULL means that there is none.
    unsafe { core::mem::zeroed() }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A device behind registers in memory (VIRTIO 1.4, 4.2), which can misbehave, and a driver's side.
//!
//! The device remembers what was done to it, and panics at what a driver must not do: at registers that
//! are not there, are accessed in the wrong way or at the wrong time, or get a value that they cannot
//! have.

pub mod access;
mod device;
mod driver;
mod kind;

pub use self::{
    access::Access,
    device::{
        Device,
        Queue, //
    },
    driver::{
        legacy_ring,
        ring,
        Driver,
        PAGE, //
    },
    kind::Kind, //
};

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The device types that there are.

pub(crate) mod blk;
pub mod net;
mod rng;

pub use self::{
    blk::Blk,
    net::Net,
    rng::Rng, //
};

use crate::model::Model;

/// A device of the type that is called so, as QEMU calls it.
pub fn by_name(name: &str) -> Option<Box<dyn Model>> {
    match name {
        "blk" => Some(Box::new(Blk::new(64 << 20))),
        "net" => Some(Box::new(Net::new(0, net::Far::Station))),
        "rng" => Some(Box::new(Rng::default())),
        _ => None,
    }
}

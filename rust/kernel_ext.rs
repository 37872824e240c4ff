// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What the `kernel` crate lacks for virtio drivers written in Rust, and the VIRTIO library itself.
//!
//! The modules are laid out as they would be in `kernel`: as part of the kernel tree, this crate
//! dissolves into that one. Drivers are crates of their own that link against this one; inserting
//! one of them inserts `virtio_rust.ko`.

#[path = "bindings/lib.rs"]
pub(crate) mod bindings;

pub mod block;
pub mod dma;
pub mod hw_random;
pub(crate) mod io;
pub mod irq;
pub mod module_param;
pub(crate) mod pci;
pub(crate) mod platform;
pub mod virtio;

use kernel::prelude::*;

module! {
    type: VirtioRust,
    name: "virtio_rust",
    authors: ["The virtio-rust authors"],
    description: "VIRTIO library for drivers written in Rust",
    license: "GPL",
}

/// The library as a module.
struct VirtioRust {
    named: Option<virtio::Named>,
}

impl kernel::Module for VirtioRust {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // SAFETY: Module initialisation runs once, before any driver can link against the module.
        unsafe {
            block::init();
            virtio::init();
        }
        let named = virtio::Named::new().inspect_err(|_| virtio::exit())?;
        Ok(Self { named: Some(named) })
    }
}

impl Drop for VirtioRust {
    fn drop(&mut self) {
        self.named = None;
        virtio::exit();
    }
}

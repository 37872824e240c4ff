// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The pure parts of virtio-rust, built for the host.
//!
//! The sources are those of the module `virtio_rust`, not a copy. They depend on `core` only.

#![no_std]

pub mod entries;

pub use self::virtio::*;

/// As much of `rust/virtio.rs` as does not need the kernel.
#[path = "../../../../rust/virtio"]
mod virtio {
    pub mod bringup;
    pub mod budget;
    pub mod byte_order;
    pub mod config;
    pub mod feature;
    pub mod id;
    pub mod legacy;
    pub mod patience;
    pub mod ring;
    pub mod status;

    /// Transports.
    pub mod transport {
        pub mod bytewise;
        pub mod doorbell;
        pub mod features;
        pub mod line;
        pub mod registers;

        /// Registers in memory.
        pub mod mmio {
            pub mod control;
            pub mod identity;
            pub mod interrupt;
            pub mod legacy;
            pub mod parameter;
            pub mod registers;
        }

        /// PCI.
        pub mod pci {
            pub mod capability;
            pub mod common;
            pub mod control;
            pub mod doorbell;
            pub mod features;
            pub mod vectors;

            /// The legacy interface.
            pub mod legacy {
                pub mod block;
                pub mod control;
            }
        }
    }
}

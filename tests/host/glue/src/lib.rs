// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Where the library meets the machine: the memory of rings, barriers, and registers, built for the
//! host.
//!
//! The sources are those of the module `virtio_rust`, not a copy. What they need of a kernel is here,
//! and remembers what it was asked for.

// The sources say `kernel::` and mean this crate.
extern crate self as kernel;

pub mod bindings;
pub mod dma;
#[allow(dead_code)]
#[path = "../../../../rust/io.rs"]
mod io;
pub mod pci;
pub mod prelude;
pub mod sync;

/// The library, as far as it is of use here.
#[path = "../../../../rust/virtio"]
pub mod virtio {
    pub use pure::{
        bringup,
        byte_order,
        ring,
        transport, //
    };

    /// The memory of rings.
    pub mod queue {
        #[allow(dead_code, unused_imports, missing_docs)]
        mod memory;

        use crate::{
            dma::Space,
            prelude::Result, //
        };
        use memory::Layout;
        use pure::{
            bringup::RingAddresses,
            byte_order::{
                ByteOrder,
                Guest,
                Machine, //
            },
            ring::{
                packed::PackedMemory,
                split::SplitMemory,
                stats::Stats,
                Either, //
            }, //
        };
        use std::sync::Arc;

        /// The memory of a ring, as the library allocates it; with `platform_order` as
        /// `VIRTIO_F_ORDER_PLATFORM` wants it.
        ///
        /// # Errors
        ///
        /// When the size is not valid.
        pub fn allocate(
            space: &Space,
            packed: bool,
            platform_order: bool,
            size: u16,
            table_len: u16,
        ) -> Result<Either<impl SplitMemory + Place, impl PackedMemory + Place>> {
            let layout = Layout {
                packed,
                platform_order,
                size,
                table_len,
                align: memory::CACHE_LINE,
                bytes: ByteOrder::<Guest>::LITTLE,
            };
            memory::allocate(space, &layout, Arc::new(Stats::default()))
        }

        /// The memory of a split ring of a machine, as the library allocates it for a device with bytes
        /// in this order, whose used ring lies at a multiple of `align`.
        ///
        /// # Errors
        ///
        /// When the size is not valid.
        pub fn allocate_split<M: Machine>(
            space: &Space,
            bytes: ByteOrder<M>,
            align: usize,
            size: u16,
            table_len: u16,
        ) -> Result<Either<impl SplitMemory + Place, impl PackedMemory + Place>> {
            let layout = Layout {
                packed: false,
                platform_order: false,
                size,
                table_len,
                align,
                bytes,
            };
            memory::allocate(space, &layout, Arc::new(Stats::default()))
        }

        /// Memory of which it is known where the device finds it.
        pub trait Place {
            /// Where that is.
            fn place(&self) -> RingAddresses;
        }

        impl<M: Machine> Place for memory::SplitRing<M> {
            fn place(&self) -> RingAddresses {
                self.addresses()
            }
        }

        impl<M: Machine> Place for memory::PackedRing<M> {
            fn place(&self) -> RingAddresses {
                self.addresses()
            }
        }
    }
}

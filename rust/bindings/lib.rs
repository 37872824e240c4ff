// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Bindings of what [`kernel::bindings`] lacks.
//!
//! Imports what `bindgen` generates from `bindings_helper.h` and from the C helpers. Types that the
//! kernel's bindings have are imported from there, so that both crates share one Rust type.
//!
//! Like the kernel's bindings, this may not be used by drivers.

#![allow(
    clippy::all,
    missing_docs,
    non_camel_case_types,
    non_upper_case_globals,
    non_snake_case,
    improper_ctypes,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    dead_code
)]

#[allow(clippy::as_underscore)]
#[allow(clippy::cast_lossless)]
#[allow(clippy::ptr_as_ptr)]
#[allow(clippy::ref_as_ptr)]
#[allow(clippy::undocumented_unsafe_blocks)]
#[allow(unused_imports)]
mod bindings_raw {
    use kernel::{
        bindings::*,
        ffi, //
    };
    use pin_init::MaybeZeroable;

    include!(concat!(
        env!("KERNEL_EXT_OBJTREE"),
        "/bindings/bindings_generated.rs"
    ));
}

#[allow(unused_imports)]
mod bindings_helper {
    use super::bindings_raw::*;
    use kernel::{
        bindings::*,
        ffi, //
    };

    include!(concat!(
        env!("KERNEL_EXT_OBJTREE"),
        "/bindings/bindings_helpers_generated.rs"
    ));
}

#[allow(unused_imports)]
pub use bindings_helper::*;
pub use bindings_raw::*;

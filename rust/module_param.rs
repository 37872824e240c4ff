// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Parameters of modules that can be seen, and if wanted changed, in `/sys/module`.
//!
//! Those of `kernel::module!` are set when the module is inserted and shown nowhere.
//!
//! C header: [`include/linux/moduleparam.h`](srctree/include/linux/moduleparam.h)

use core::cell::UnsafeCell;

use kernel::prelude::*;

/// The value of a parameter that is an unsigned number.
#[repr(transparent)]
pub struct UintParam(UnsafeCell<c_uint>);

// SAFETY: The kernel writes the value at once, and it is read at once.
unsafe impl Sync for UintParam {}

impl UintParam {
    /// A parameter with a value that it has if the user gives it none.
    pub const fn new(value: c_uint) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The value as it is now.
    pub fn get(&self) -> c_uint {
        // SAFETY: The value is there as long as the parameter is. The user may change it meanwhile.
        unsafe { self.0.get().read_volatile() }
    }

    /// Where the kernel is to write it.
    #[doc(hidden)]
    pub const fn as_arg(&self) -> *mut c_void {
        self.0.get().cast()
    }
}

/// Declares a parameter of a module: a `static` of type [`UintParam`], `/sys/module/*/parameters`
/// and what `modinfo` tells about it.
///
/// # Examples
///
/// ```ignore
/// uint_module_param! {
///     /// Requests that a queue takes at a time.
///     static QUEUE_DEPTH: "queue_depth" = 0, 0o444, "requests per queue (0: what fits)";
/// }
/// ```
// The module that has the parameter is that of the caller.
#[allow(clippy::crate_in_macro_def)]
#[macro_export]
macro_rules! uint_module_param {
    (
        $(#[$meta:meta])*
        static $ident:ident: $name:literal = $value:expr, $mode:literal, $description:literal;
    ) => {
        $(#[$meta])*
        static $ident: $crate::module_param::UintParam =
            $crate::module_param::UintParam::new($value);

        const _: () = {
            /// Makes a section's entry of a text.
            macro_rules! entry {
                ($text:expr) => {
                    #[link_section = ".modinfo"]
                    #[used(compiler)]
                    static ENTRY: [u8; $text.len()] =
                        *$text.as_bytes().first_chunk().unwrap();
                };
            }

            const _: () = {
                entry!(::core::concat!("parm=", $name, ":", $description, "\0"));
            };
            const _: () = {
                entry!(::core::concat!("parmtype=", $name, ":uint\0"));
            };

            #[link_section = "__param"]
            #[used(compiler)]
            static PARAM: ::kernel::module_param::KernelParam =
                ::kernel::module_param::KernelParam::new(::kernel::bindings::kernel_param {
                    name: ::kernel::str::as_char_ptr_in_const_context(
                        ::kernel::c_str!($name),
                    ),
                    mod_: ::kernel::module::this_module::<crate::LocalModule>().as_ptr(),
                    // SAFETY: Only the address is taken.
                    ops: unsafe { &raw const ::kernel::bindings::param_ops_uint },
                    perm: $mode,
                    level: -1,
                    flags: 0,
                    __bindgen_anon_1: ::kernel::bindings::kernel_param__bindgen_ty_1 {
                        arg: $ident.as_arg(),
                    },
                });
        };
    };
}

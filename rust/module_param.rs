// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Parameters of modules that can be seen, and if wanted changed, in `/sys/module`.
//!
//! Those of `kernel::module!` are set when the module is inserted and shown nowhere.
//!
//! C header: [`include/linux/moduleparam.h`](srctree/include/linux/moduleparam.h)

use core::cell::UnsafeCell;

use kernel::{
    bindings,
    error::from_result,
    fmt,
    page::PAGE_SIZE,
    prelude::*,
    str::Formatter, //
};

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

/// The value of a parameter that is yes or no.
#[repr(transparent)]
pub struct BoolParam(UnsafeCell<bool>);

// SAFETY: The kernel writes the value at once, and it is read at once.
unsafe impl Sync for BoolParam {}

impl BoolParam {
    /// A parameter with a value that it has if the user gives it none.
    pub const fn new(value: bool) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The value as it is now.
    pub fn get(&self) -> bool {
        // SAFETY: The value is there as long as the parameter is. The user may change it meanwhile.
        unsafe { self.0.get().read_volatile() }
    }

    /// Where the kernel is to write it.
    #[doc(hidden)]
    pub const fn as_arg(&self) -> *mut c_void {
        self.0.get().cast()
    }
}

/// What a parameter with a form of its own has become.
pub trait Value: Sync + 'static {
    /// Takes a text that the user gives; there may be several.
    ///
    /// # Errors
    ///
    /// `EINVAL` when it has not that form. The module is then not inserted.
    fn set(&mut self, text: &[u8]) -> Result;

    /// Writes what there is now, a page at most.
    ///
    /// # Errors
    ///
    /// That of `out`.
    fn show(&self, out: &mut dyn fmt::Write) -> fmt::Result;
}

/// A parameter with a form of its own, which is set only as its module is inserted.
#[repr(transparent)]
pub struct TextParam<T: Value>(UnsafeCell<T>);

// SAFETY: The kernel writes it before any code of its module runs, one text after the other. From
// then on it is only read.
unsafe impl<T: Value> Sync for TextParam<T> {}

impl<T: Value> TextParam<T> {
    /// What the kernel does with the parameter.
    #[doc(hidden)]
    pub const OPS: bindings::kernel_param_ops = bindings::kernel_param_ops {
        flags: 0,
        set: Some(Self::set_callback),
        get: Some(Self::get_callback),
        free: None,
    };

    /// A parameter that the user has not given yet.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// What the user gave.
    pub fn get(&self) -> &T {
        // SAFETY: Whoever can call this is code of the module, so that it is not written any more.
        unsafe { &*self.0.get() }
    }

    /// Where it is.
    #[doc(hidden)]
    pub const fn as_arg(&self) -> *mut c_void {
        self.0.get().cast()
    }

    /// Called by the kernel for each text, as the module is inserted.
    ///
    /// # Safety
    ///
    /// `text` must be a string, `param` one with these [`Self::OPS`] whose argument is
    /// [`Self::as_arg`], and nobody may use that meanwhile.
    unsafe extern "C" fn set_callback(
        text: *const c_char,
        param: *const bindings::kernel_param,
    ) -> c_int {
        // SAFETY: By the requirement of this function. That there is one the flags say.
        let text = unsafe { CStr::from_char_ptr(text) };
        // SAFETY: By the requirement of this function: the kernel holds the lock of the module's
        // parameters, and none of its code runs yet.
        let value = unsafe { &mut *(*param).__bindgen_anon_1.arg.cast::<T>() };
        from_result(|| value.set(text.to_bytes()).map(|()| 0))
    }

    /// Called by the kernel when somebody reads it.
    ///
    /// # Safety
    ///
    /// `buffer` must be a page, `param` one with these [`Self::OPS`] whose argument is
    /// [`Self::as_arg`], and nobody may write that meanwhile.
    unsafe extern "C" fn get_callback(
        buffer: *mut c_char,
        param: *const bindings::kernel_param,
    ) -> c_int {
        // SAFETY: By the requirement of this function: it is not written any more.
        let value = unsafe { &*(*param).__bindgen_anon_1.arg.cast::<T>() };
        // SAFETY: By the requirement of this function.
        let page = unsafe { core::slice::from_raw_parts_mut(buffer.cast::<u8>(), PAGE_SIZE) };
        let mut out = Formatter::new(page);
        from_result(|| {
            value.show(&mut out).map_err(|_| EOVERFLOW)?;
            Ok(out.bytes_written().try_into()?)
        })
    }
}

/// Lays down what the kernel and `modinfo` find a parameter by.
#[doc(hidden)]
// The module that has the parameter is that of the caller.
#[allow(clippy::crate_in_macro_def)]
#[macro_export]
macro_rules! module_param_entries {
    ($name:literal, $kind:literal, $description:literal, $mode:expr, $ops:expr, $arg:expr) => {
        const _: () = {
            /// Makes a section's entry of a text.
            macro_rules! entry {
                ($text:expr) => {
                    #[link_section = ".modinfo"]
                    #[used(compiler)]
                    static ENTRY: [u8; $text.len()] = *$text.as_bytes().first_chunk().unwrap();
                };
            }

            const _: () = {
                entry!(::core::concat!("parm=", $name, ":", $description, "\0"));
            };
            const _: () = {
                entry!(::core::concat!("parmtype=", $name, ":", $kind, "\0"));
            };

            #[link_section = "__param"]
            #[used(compiler)]
            static PARAM: ::kernel::module_param::KernelParam =
                ::kernel::module_param::KernelParam::new(::kernel::bindings::kernel_param {
                    name: ::kernel::str::as_char_ptr_in_const_context(::kernel::c_str!($name)),
                    mod_: ::kernel::module::this_module::<crate::LocalModule>().as_ptr(),
                    ops: $ops,
                    perm: $mode,
                    level: -1,
                    flags: 0,
                    __bindgen_anon_1: ::kernel::bindings::kernel_param__bindgen_ty_1 { arg: $arg },
                });
        };
    };
}

/// Declares a parameter of a module: a `static` of type [`TextParam`], `/sys/module/*/parameters`,
/// where root can read it, and what `modinfo` tells about it.
///
/// # Examples
///
/// ```ignore
/// text_module_param! {
///     /// Devices that nothing tells of.
///     static DEVICES: "device": Places = Places::new(), "a device";
/// }
/// ```
#[macro_export]
macro_rules! text_module_param {
    (
        $(#[$meta:meta])*
        static $ident:ident: $name:literal: $type:ty = $value:expr, $description:literal;
    ) => {
        $(#[$meta])*
        static $ident: $crate::module_param::TextParam<$type> =
            $crate::module_param::TextParam::new($value);

        const _: () = {
            static OPS: ::kernel::bindings::kernel_param_ops =
                $crate::module_param::TextParam::<$type>::OPS;
            $crate::module_param_entries!(
                $name, "string", $description, 0o400, &raw const OPS, $ident.as_arg()
            );
        };
    };
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
#[macro_export]
macro_rules! uint_module_param {
    (
        $(#[$meta:meta])*
        static $ident:ident: $name:literal = $value:expr, $mode:literal, $description:literal;
    ) => {
        $(#[$meta])*
        static $ident: $crate::module_param::UintParam =
            $crate::module_param::UintParam::new($value);

        $crate::module_param_entries!(
            $name,
            "uint",
            $description,
            $mode,
            // SAFETY: Only the address is taken.
            unsafe { &raw const ::kernel::bindings::param_ops_uint },
            $ident.as_arg()
        );
    };
}

/// Declares a parameter of a module as [`uint_module_param!`] does, of type [`BoolParam`].
///
/// [`uint_module_param!`]: crate::uint_module_param
#[macro_export]
macro_rules! bool_module_param {
    (
        $(#[$meta:meta])*
        static $ident:ident: $name:literal = $value:expr, $mode:literal, $description:literal;
    ) => {
        $(#[$meta])*
        static $ident: $crate::module_param::BoolParam =
            $crate::module_param::BoolParam::new($value);

        $crate::module_param_entries!(
            $name,
            "bool",
            $description,
            $mode,
            &raw const ::kernel::bindings::param_ops_bool,
            $ident.as_arg()
        );
    };
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Hardware random number generators.
//!
//! C headers: [`include/linux/hw_random.h`](srctree/include/linux/hw_random.h)

use core::marker::PhantomPinned;

use kernel::{
    error::to_result,
    prelude::*,
    str::CString,
    types::Opaque, //
};

use crate::bindings;

/// A source of random bytes.
pub trait Operations: Send + Sync + 'static {
    /// Bits of entropy per 1024 bits of output.
    const QUALITY: u16 = 1024;

    /// Fills the beginning of `buf` and returns how many bytes that was.
    ///
    /// Called in process context, by one thread at a time. With `wait` it is to come back with at
    /// least one byte or an error; without, 0 says that there is nothing now.
    ///
    /// # Errors
    ///
    /// Any; the reader of `/dev/hwrng` gets it.
    fn read(&self, buf: &mut [u8], wait: bool) -> Result<usize>;
}

/// A generator that is registered until this is dropped.
///
/// # Invariants
///
/// `rng` is registered if `registered` is set; its `priv` points to `operations`, and its `name` to
/// the buffer of `name`.
#[pin_data(PinnedDrop)]
pub struct Registration<T: Operations> {
    #[pin]
    rng: Opaque<bindings::hwrng>,
    registered: bool,
    operations: T,
    name: Option<CString>,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: Registering and unregistering may be done by any thread, and `T` is `Send`.
unsafe impl<T: Operations> Send for Registration<T> {}
// SAFETY: Shared access gives no more than shared access to `T`, which is `Sync`.
unsafe impl<T: Operations> Sync for Registration<T> {}

/// How many numbers are tried for a name.
const NUMBERS: u32 = 64;

impl<T: Operations> Registration<T> {
    /// Registers a generator as `prefix.N`, with the smallest number that is free.
    ///
    /// It is read from before this returns.
    ///
    /// # Errors
    ///
    /// `EEXIST` when all of many names are taken, `ENOMEM`.
    pub fn new(prefix: &str, operations: T) -> Result<Pin<KBox<Self>>> {
        let mut this = KBox::pin_init(
            pin_init!(Self {
                rng: Opaque::zeroed(),
                registered: false,
                operations,
                name: None,
                _pin: PhantomPinned,
            }),
            GFP_KERNEL,
        )?;

        for number in 0..NUMBERS {
            let name = CString::try_from_fmt(fmt!("{prefix}.{number}"))?;
            match this.as_mut().register(name) {
                Ok(()) => return Ok(this),
                Err(err) if err == EEXIST => {}
                Err(err) => return Err(err),
            }
        }
        Err(EEXIST)
    }

    /// Registers under `name`, which must not have been done yet.
    fn register(self: Pin<&mut Self>, name: CString) -> Result {
        let this = self.project();
        let rng = this.rng.get();
        let name = this.name.insert(name);

        // SAFETY: `rng` is pinned and nobody knows it. `operations` is pinned as well, and the
        // buffer of `name` does not move with it.
        unsafe {
            (*rng).name = name.as_char_ptr();
            (*rng).read = Some(Self::read_callback);
            (*rng).quality = T::QUALITY;
            (*rng).priv_ = core::ptr::from_ref(this.operations) as c_ulong;
        }

        // SAFETY: `rng` is complete and stays until it is unregistered.
        to_result(unsafe { bindings::hwrng_register(rng) })?;

        // INVARIANT: Registered just now.
        *this.registered = true;
        Ok(())
    }

    /// Called by the hwrng core.
    ///
    /// # Safety
    ///
    /// `rng` must be that of a registration, and `data` valid for writing `max` bytes.
    unsafe extern "C" fn read_callback(
        rng: *mut bindings::hwrng,
        data: *mut c_void,
        max: usize,
        wait: bool,
    ) -> c_int {
        // SAFETY: `priv` points to the operations, which live until the core is done with `rng`.
        let operations = unsafe { &*((*rng).priv_ as *const T) };
        // SAFETY: The core owns the buffer, initialised at least once, and lends it to this call.
        let buf = unsafe { core::slice::from_raw_parts_mut(data.cast::<u8>(), max) };

        match operations.read(buf, wait) {
            // The count must fit the type that also carries errors.
            Ok(count) => c_int::try_from(count.min(max)).unwrap_or(c_int::MAX),
            Err(err) => err.to_errno(),
        }
    }
}

#[pinned_drop]
impl<T: Operations> PinnedDrop for Registration<T> {
    fn drop(self: Pin<&mut Self>) {
        if self.registered {
            // SAFETY: By the type invariant. Returns when nobody reads any more.
            unsafe { bindings::hwrng_unregister(self.rng.get()) };
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Interrupt handlers with a name made at run time.
//!
//! `kernel::irq` wants a `'static` name and an `IrqRequest` that only bus code can make; a
//! multi-queue driver names each of its interrupts after device and queue, and gets the numbers
//! from vectors that it allocated with affinity.

use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    str::CString,
    sync::Arc, //
};

/// What a handler found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// Not our interrupt, or nothing to do. The kernel switches off a line on which this is nearly
    /// all it ever hears.
    None,
    /// Work was done.
    Handled,
    /// [`ThreadedHandler::handle_threaded`] is to run.
    WakeThread,
}

impl Return {
    /// The kernel's constant.
    fn as_raw(self) -> bindings::irqreturn_t {
        match self {
            Self::None => bindings::irqreturn::IRQ_NONE,
            Self::Handled => bindings::irqreturn::IRQ_HANDLED,
            Self::WakeThread => bindings::irqreturn::IRQ_WAKE_THREAD,
        }
    }
}

/// A handler of interrupts.
pub trait Handler: Send + Sync + 'static {
    /// Runs in hard interrupt context.
    fn handle(&self) -> Return;
}

/// A handler of interrupts that has work which may sleep.
pub trait ThreadedHandler: Handler {
    /// Runs in process context after [`Handler::handle`] asked for it.
    fn handle_threaded(&self);
}

/// How a line is requested.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// The line is ours alone (message-signalled).
    Exclusive,
    /// Other devices may be on the line.
    Shared,
}

/// A handler that is registered until this is dropped.
///
/// # Invariants
///
/// `irq` was requested with `cookie` as its device id; `cookie` came from `Arc::into_raw`, and
/// `release` turns it back into that `Arc` and drops it. It was enabled to wake the machine up exactly if
/// `wakes` is set.
pub struct Registration {
    irq: u32,
    cookie: *mut c_void,
    release: unsafe fn(*mut c_void),
    wakes: bool,
    /// The kernel keeps a pointer to it for `/proc/interrupts`.
    _name: CString,
}

// SAFETY: A registration may be ended from any thread, and all handlers are `Send + Sync`.
unsafe impl Send for Registration {}
// SAFETY: There is nothing that a shared reference could do.
unsafe impl Sync for Registration {}

impl Registration {
    /// Calls `handler` on each interrupt on line `irq`.
    ///
    /// It may run before this returns. `name` is what `/proc/interrupts` shows.
    ///
    /// # Errors
    ///
    /// What `request_threaded_irq` returns.
    pub fn new<H: Handler>(
        irq: u32,
        sharing: Sharing,
        name: CString,
        handler: Arc<H>,
    ) -> Result<Self> {
        Self::request::<H>(irq, sharing, name, handler, None)
    }

    /// As [`Self::new`], with a thread for the part that may sleep.
    ///
    /// # Errors
    ///
    /// What `request_threaded_irq` returns.
    pub fn new_threaded<H: ThreadedHandler>(
        irq: u32,
        sharing: Sharing,
        name: CString,
        handler: Arc<H>,
    ) -> Result<Self> {
        Self::request::<H>(irq, sharing, name, handler, Some(thread_callback::<H>))
    }

    /// Requests the line with the callbacks for `H`.
    fn request<H: Handler>(
        irq: u32,
        sharing: Sharing,
        name: CString,
        handler: Arc<H>,
        thread: bindings::irq_handler_t,
    ) -> Result<Self> {
        let flags = match sharing {
            Sharing::Exclusive => 0,
            Sharing::Shared => bindings::IRQF_SHARED,
        };
        let cookie = Arc::into_raw(handler).cast_mut().cast::<c_void>();

        // SAFETY: The callbacks take `cookie` for an `H`, which it is, and it lives until the
        // handler is freed; so does `name`, whose heap buffer does not move with the `CString`.
        let ret = unsafe {
            bindings::request_threaded_irq(
                irq,
                Some(handle_callback::<H>),
                thread,
                flags as c_ulong,
                name.as_char_ptr(),
                cookie,
            )
        };

        if let Err(err) = to_result(ret) {
            // SAFETY: `cookie` came from `Arc::into_raw` above and nobody else has it.
            unsafe { release::<H>(cookie) };
            return Err(err);
        }

        // INVARIANT: The request succeeded with `cookie`, and nothing was said of waking up.
        Ok(Self {
            irq,
            cookie,
            release: release::<H>,
            wakes: false,
            _name: name,
        })
    }
}

impl Registration {
    /// Has the interrupt wake the machine up when it sleeps, as long as it is registered.
    ///
    /// # Errors
    ///
    /// What the interrupt's controller returns; `ENXIO` when it can not.
    pub fn wake(&mut self) -> Result {
        if !self.wakes {
            // SAFETY: The line was requested, by the type invariant.
            to_result(unsafe { bindings::irq_set_irq_wake(self.irq, 1) })?;
            // INVARIANT: Enabled just now.
            self.wakes = true;
        }
        Ok(())
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if self.wakes {
            // What fails here has been counted all the same.
            // SAFETY: By the type invariant; what `wake` did is undone once.
            unsafe { bindings::irq_set_irq_wake(self.irq, 0) };
        }

        // SAFETY: By the type invariant. Returns when no handler runs any more.
        unsafe { bindings::free_irq(self.irq, self.cookie) };

        // SAFETY: By the type invariant; the handler that used `cookie` is gone.
        unsafe { (self.release)(self.cookie) };
    }
}

/// Drops the reference that a registration held.
///
/// # Safety
///
/// `cookie` must come from `Arc::<H>::into_raw` and not be used again.
unsafe fn release<H>(cookie: *mut c_void) {
    // SAFETY: By the requirement of this function.
    drop(unsafe { Arc::<H>::from_raw(cookie.cast()) });
}

/// The hard half.
///
/// # Safety
///
/// `cookie` must point to a live `H`.
unsafe extern "C" fn handle_callback<H: Handler>(
    _irq: c_int,
    cookie: *mut c_void,
) -> bindings::irqreturn_t {
    // SAFETY: By the requirement of this function.
    let handler = unsafe { &*cookie.cast::<H>() };
    handler.handle().as_raw()
}

/// The threaded half.
///
/// # Safety
///
/// `cookie` must point to a live `H`.
unsafe extern "C" fn thread_callback<H: ThreadedHandler>(
    _irq: c_int,
    cookie: *mut c_void,
) -> bindings::irqreturn_t {
    // SAFETY: By the requirement of this function.
    let handler = unsafe { &*cookie.cast::<H>() };
    handler.handle_threaded();
    Return::Handled.as_raw()
}

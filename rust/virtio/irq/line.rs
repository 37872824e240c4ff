// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The interrupt line of a device, for everything.

use kernel::{
    prelude::*,
    str::CString,
    sync::Arc,
    time::{
        Instant,
        Monotonic, //
    },
};

use super::{
    ConfigInterrupt,
    SharedInterrupt, //
};
use crate::{
    irq::{
        self,
        Return, //
    },
    virtio::transport::{
        line::{
            Line,
            Verdict, //
        },
        Interrupts, //
    }, //
};

/// The handler of an interrupt line, which others may be on. `F` asks the device why it interrupts,
/// and has it let go of the line.
pub(crate) struct LineInterrupt<F> {
    cause: F,
    line: Line,
    epoch: Instant<Monotonic>,
    queues: Arc<SharedInterrupt>,
    config: Arc<ConfigInterrupt>,
}

impl<F: Fn() -> u8 + Send + Sync + 'static> LineInterrupt<F> {
    /// Handles the interrupts of a device on line `irq`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, and what requesting returns.
    pub(crate) fn register(
        irq: u32,
        interrupts: &Interrupts<'_>,
        cause: F,
    ) -> Result<irq::Registration> {
        let line = Arc::new(
            Self {
                cause,
                line: Line::new(),
                epoch: Instant::now(),
                queues: SharedInterrupt::new(interrupts.queues)?,
                config: interrupts.config.clone(),
            },
            GFP_KERNEL,
        )?;
        irq::Registration::new_threaded(
            irq,
            irq::Sharing::Shared,
            CString::try_from_fmt(fmt!("{}", interrupts.name))?,
            line,
        )
    }
}

impl<F: Fn() -> u8 + Send + Sync + 'static> irq::Handler for LineInterrupt<F> {
    fn handle(&self) -> Return {
        let cause = (self.cause)();
        // CAST: The clock does not go backwards.
        let now = self.epoch.elapsed().as_millis() as u64;
        let queues = || self.queues.interrupt() == Return::Handled;

        match self.line.interrupt(cause, now, queues) {
            Verdict::NotOurs => Return::None,
            Verdict::Handled => Return::Handled,
            Verdict::Config => Return::WakeThread,
        }
    }
}

impl<F: Fn() -> u8 + Send + Sync + 'static> irq::ThreadedHandler for LineInterrupt<F> {
    fn handle_threaded(&self) {
        self.config.changed();
    }
}

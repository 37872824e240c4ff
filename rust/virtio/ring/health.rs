// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Whether a queue works.

use super::{
    stats::Stats,
    Used,
    Violation, //
};

/// Whether a queue works, or why not.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// What broke the queue.
    broken: Option<Violation>,
    /// Whether `broken` has still to be reported.
    unreported: bool,
}

impl Health {
    /// What broke the queue, if it is broken.
    #[inline]
    pub(super) fn broken(&self) -> Option<Violation> {
        self.broken
    }

    /// Whether the queue is broken.
    #[inline]
    pub(super) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Whether the caller has still to hear of what broke it.
    #[inline]
    pub(super) fn is_unreported(&self) -> bool {
        self.unreported
    }

    /// Breaks the queue for a reason of the caller's. The first reason stays.
    #[cold]
    pub(super) fn break_with(&mut self, violation: Violation) {
        if self.broken.is_none() {
            self.broken = Some(violation);
        }
    }

    /// Breaks the queue for what the device did, which the caller is told at once.
    #[cold]
    pub(super) fn reject(&mut self, violation: Violation, stats: &Stats) -> Violation {
        stats.reject(violation);
        self.break_with(violation);
        violation
    }

    /// Leaves it to [`Self::report`] to tell the caller.
    #[cold]
    pub(super) fn put_off(&mut self) {
        self.unreported = true;
    }

    /// What to say of a broken queue: the reason, once.
    #[cold]
    pub(super) fn report(&mut self) -> Result<Option<Used>, Violation> {
        match self.broken {
            Some(violation) if core::mem::take(&mut self.unreported) => Err(violation),
            _ => Ok(None),
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Counters of a queue.
//!
//! They are always on, and so they must cost next to nothing: each has one writer at a time, who
//! holds the queue, and is written by a plain load and store. Anybody may read them at any time.
//! They outlive the queue that they count for.

use super::Violation;
use core::sync::atomic::{
    AtomicU64,
    Ordering, //
};

/// A number that only grows, until it wraps.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The number.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts one. Only for the one writer: what two count at once is counted once.
    #[inline]
    pub fn count(&self) {
        self.0.store(self.get().wrapping_add(1), Ordering::Relaxed);
    }
}

/// The counters of a queue.
#[derive(Debug, Default)]
pub struct Stats {
    /// Publications of which the device wanted to be notified.
    pub kicks: Counter,
    /// Publications of which it did not.
    pub suppressed: Counter,
    /// Chains completed.
    pub completions: Counter,
    /// Lengths that the device reported beyond what it could have written.
    pub clamped: Counter,
    /// Interrupts of the queue's, whether or not there was anything in it. Written by whom the
    /// interrupt is for, not by the ring.
    pub interrupts: Counter,
    /// Violations of the device's, by kind.
    rejected: [Counter; Violation::OF_DEVICE.len()],
}

impl Stats {
    /// How often the queue broke for this, which is among [`Violation::OF_DEVICE`]. Others are not
    /// counted.
    pub fn rejected(&self, violation: Violation) -> u64 {
        self.rejection(violation).map_or(0, Counter::get)
    }

    /// Counts a violation.
    #[cold]
    pub(super) fn reject(&self, violation: Violation) {
        if let Some(counter) = self.rejection(violation) {
            counter.count();
        }
    }

    /// The counter of a violation.
    fn rejection(&self, violation: Violation) -> Option<&Counter> {
        let mut kinds = Violation::OF_DEVICE.iter();
        let at = kinds.position(|kind| *kind == violation)?;
        self.rejected.get(at)
    }
}

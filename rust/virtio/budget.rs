// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! How often a device may be restarted.

/// Restarts that a device gets in [`WINDOW`].
pub const RESTARTS: usize = 5;

/// The time in which they are counted, in milliseconds.
pub const WINDOW: u64 = 60_000;

/// When the last restarts were.
///
/// A device that fails now and then is restarted for ever; one that does nothing else is not.
#[derive(Debug, Default)]
pub struct Budget {
    /// When they were, in milliseconds; the oldest one at `next`.
    taken: [Option<u64>; RESTARTS],
    /// The place that is used next.
    next: usize,
}

impl Budget {
    /// A budget of which nothing is taken.
    pub const fn new() -> Self {
        Self {
            taken: [None; RESTARTS],
            next: 0,
        }
    }

    /// Takes a restart at the time `now`, in milliseconds. False when there is none left.
    #[must_use]
    pub fn take(&mut self, now: u64) -> bool {
        let Some(place) = self.taken.get_mut(self.next) else {
            return false;
        };
        if place.is_some_and(|taken| now.wrapping_sub(taken) < WINDOW) {
            return false;
        }
        *place = Some(now);
        self.next = self.next.wrapping_add(1);
        if self.next >= RESTARTS {
            self.next = 0;
        }
        true
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! When a device that does not answer is given up.

/// How often a device is restarted that answers nothing from one restart to the next.
///
/// Not less often than drivers give it the same request: one that leaves just that one unanswered is
/// to live on.
pub const SILENT_RESTARTS: u32 = 3;

/// What was seen of a device that left a request unanswered for all the time that it had.
///
/// One that answers others is restarted for ever: who sent the request counts its tries. One that
/// answers nothing is restarted [`SILENT_RESTARTS`] times.
#[derive(Debug, Default)]
pub struct Patience {
    /// How often a restart was asked for since it answered last.
    silent: u32,
    /// How many requests it had answered, and how often it had been restarted then.
    seen: Option<(u64, u32)>,
}

impl Patience {
    /// That of a device of which nothing was seen.
    pub const fn new() -> Self {
        Self {
            silent: 0,
            seen: None,
        }
    }

    /// A request has waited for too long, of a device that has answered so many and was restarted so
    /// often, numbers that wrap. True if it is to be restarted, false if it is to be given up.
    #[must_use]
    pub fn lasts(&mut self, answered: u64, restarts: u32) -> bool {
        if let Some((before, done)) = self.seen {
            if done == restarts {
                // Another request, and the restart for the first one is to come.
                return self.silent <= SILENT_RESTARTS;
            }
            if before != answered {
                self.silent = 0;
            }
        }
        self.silent = self.silent.saturating_add(1);
        self.seen = Some((answered, restarts));
        self.silent <= SILENT_RESTARTS
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Who interrupts on a line: the ISR status of a PCI device (VIRTIO 1.4, 4.1.4.5), `InterruptStatus`
//! of one on a platform (4.2.2). Both have the same bits.

use core::sync::atomic::{
    AtomicU32,
    AtomicU64,
    Ordering, //
};

/// A queue interrupts.
const QUEUE: u8 = 1 << 0;

/// The configuration changed.
const CONFIG: u8 = 1 << 1;

/// What a device that is gone reads as.
const GONE: u8 = !0;

/// How many interrupts in a second may be about nothing before they are not the device's any more.
const PATIENCE: u32 = 10_000;

/// A second, in milliseconds.
const SECOND: u64 = 1_000;

/// What an interrupt on the line was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not the device's.
    NotOurs,
    /// The device's, and dealt with.
    Handled,
    /// The device's; its configuration is to be looked at, in process context.
    Config,
}

/// What a device has said on its line.
#[derive(Debug, Default)]
pub struct Line {
    /// Interrupts that were about nothing, in a row and in the second that began at `since`, or
    /// since then if there are too many. Both are estimates if handlers run at the same time, which
    /// those of one line do not.
    idle: AtomicU32,
    /// In milliseconds.
    since: AtomicU64,
}

impl Line {
    /// A line on which nothing was said.
    pub const fn new() -> Self {
        Self {
            idle: AtomicU32::new(0),
            since: AtomicU64::new(0),
        }
    }

    /// Deals with an interrupt at the time `now`, in milliseconds, for which the ISR status was
    /// read as `isr`. Reading clears it, so that this one value is all there is. `queues` asks all
    /// queues, and returns whether one had something.
    ///
    /// That a device says it interrupted is believed for a while without anything to show for it,
    /// as its queues may have been looked at just before. One that goes on like that keeps others
    /// from the line: it is not said to be ours then, so that the kernel can switch the line off.
    pub fn interrupt(&self, isr: u8, now: u64, queues: impl FnOnce() -> bool) -> Verdict {
        if isr == GONE || isr & (QUEUE | CONFIG) == 0 {
            return Verdict::NotOurs;
        }

        let found = isr & QUEUE != 0 && queues();
        if found {
            self.idle.store(0, Ordering::Relaxed);
        } else if self.is_storm(now) {
            return Verdict::NotOurs;
        }

        if isr & CONFIG != 0 {
            Verdict::Config
        } else {
            Verdict::Handled
        }
    }

    /// Notes an interrupt about nothing, and returns whether there are too many.
    #[cold]
    fn is_storm(&self, now: u64) -> bool {
        let since = self.since.load(Ordering::Relaxed);
        if now.wrapping_sub(since) >= SECOND {
            self.since.store(now, Ordering::Relaxed);
            self.idle.store(0, Ordering::Relaxed);
        }
        let idle = self.idle.load(Ordering::Relaxed);
        self.idle.store(idle.saturating_add(1), Ordering::Relaxed);
        if idle < PATIENCE {
            return false;
        }
        // It goes on until there was nothing for a second: the kernel counts 100000 interrupts, for
        // which a slow machine needs longer.
        self.since.store(now, Ordering::Relaxed);
        true
    }
}

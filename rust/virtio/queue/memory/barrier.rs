// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Order of the accesses to a ring (VIRTIO 1.4, 2.7.13.3.1, 2.8.21.1.1 and 6, ORDER_PLATFORM).
//!
//! The kernel's barriers are calls into C helpers from Rust, and these stand on the path of every
//! request. Without ORDER_PLATFORM the other side is another processor, for which the fences of the
//! language are what `virt_wmb()`, `virt_rmb()` and `virt_mb()` are: no instruction at all for the
//! first two on x86 (TSO), and at least as strong elsewhere (arm64: `dmb ish`, `dmb ishld`,
//! `dmb ish`). All accesses that they order are volatile, so that the compiler keeps them, too.
//!
//! The full one is `mfence` on x86, where `virt_mb()` is a locked addition to the stack: one
//! instruction either way.

use core::sync::atomic::{
    fence,
    Ordering, //
};

use kernel::sync::barrier::{
    dma_mb,
    mb,
    Full,
    Read,
    Write, //
};

/// Which barriers order the accesses to a ring.
#[derive(Clone, Copy)]
pub(super) struct Order {
    /// Those that the platform has for hardware, with ORDER_PLATFORM.
    platform: bool,
}

impl Order {
    /// The barriers that were negotiated.
    pub(super) fn new(platform: bool) -> Self {
        Self { platform }
    }

    /// Writes before it become visible before those after it.
    #[inline]
    pub(super) fn wmb(self) {
        if self.platform {
            platform_wmb();
        } else {
            fence(Ordering::Release);
        }
    }

    /// Reads before it are made before those after it.
    #[inline]
    pub(super) fn rmb(self) {
        if self.platform {
            platform_rmb();
        } else {
            fence(Ordering::Acquire);
        }
    }

    /// All before it is made before all after it.
    #[inline]
    pub(super) fn mb(self) {
        if self.platform {
            platform_mb();
        } else {
            fence(Ordering::SeqCst);
        }
    }
}

/// Orders writes to coherent memory as hardware sees them.
#[cold]
fn platform_wmb() {
    dma_mb(Write);
}

/// Orders reads of coherent memory that hardware writes.
#[cold]
fn platform_rmb() {
    dma_mb(Read);
}

/// Orders everything as hardware sees it.
#[cold]
fn platform_mb() {
    mb(Full);
}

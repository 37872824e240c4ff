// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Physical addresses of pages.

use kernel::bindings;

use super::PhysAddr;

/// The physical address of the first byte of a page.
///
/// A port of `page_to_phys`, which subsystems that work on pages need for every segment; a C helper
/// would be a call each time.
///
/// # Safety
///
/// `page` must be the descriptor of a page of memory.
#[cfg(all(CONFIG_X86_64, CONFIG_SPARSEMEM_VMEMMAP))]
#[inline]
pub(crate) unsafe fn page_to_phys(page: *const bindings::page) -> PhysAddr {
    // SAFETY: The base is set up before modules are loaded, and does not change afterwards.
    let base = unsafe { bindings::vmemmap_base };
    let offset = page.addr().wrapping_sub(base);

    // CAST: Both are 64 bits wide on this architecture.
    ((offset / size_of::<bindings::page>()) as PhysAddr) << bindings::PAGE_SHIFT
}

/// The physical address of the first byte of a page.
///
/// # Safety
///
/// `page` must be the descriptor of a page of memory.
#[cfg(not(all(CONFIG_X86_64, CONFIG_SPARSEMEM_VMEMMAP)))]
#[inline]
pub(crate) unsafe fn page_to_phys(page: *const bindings::page) -> PhysAddr {
    // SAFETY: By the requirement of this function.
    unsafe { crate::bindings::page_to_phys(page.cast_mut()) }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Names of disks with letters: `vda` to `vdz`, then `vdaa` and so on.
//!
//! Another driver may use the same prefix, with numbers of its own that this one does not know: the
//! C and the Rust driver of one kind of device in one system. A name is therefore free if it is
//! neither reserved here nor known to the block class.

use core::ffi::CStr;

use kernel::{
    bindings,
    prelude::*, //
};

/// Bytes of a disk's name, terminator included.
pub(super) const LEN: usize = bindings::DISK_NAME_LEN as usize;

/// How many names are tried: all those with up to two letters.
const TRIES: usize = 26 + 26 * 26;

kernel::sync::global_lock! {
    // SAFETY: `init` is called when the module is loaded, before any driver can make a disk.
    unsafe(uninit) static RESERVED: Mutex<KVec<[u8; LEN]>> = KVec::new();
}

/// Makes the reservations ready to use.
///
/// # Safety
///
/// To be called once, before the first [`Name`] is made.
pub(super) unsafe fn init() {
    // SAFETY: By the requirement of this function.
    unsafe { RESERVED.init() };
}

/// The name of a disk, which no other disk gets until this is dropped.
pub(super) struct Name([u8; LEN]);

impl Name {
    /// Reserves the first free name that begins with `prefix`.
    ///
    /// # Errors
    ///
    /// `ENOSPC` when all names are taken, `EINVAL` when `prefix` is too long, `ENOMEM`.
    ///
    /// # Safety
    ///
    /// `class` must be the block class.
    pub(super) unsafe fn reserve(prefix: &str, class: *const bindings::class) -> Result<Self> {
        let mut reserved = RESERVED.lock();

        for index in 0..TRIES {
            let name = format(prefix, index).ok_or(EINVAL)?;
            // SAFETY: By the requirement of this function.
            if reserved.contains(&name) || unsafe { is_known(class, &name) } {
                continue;
            }
            reserved.push(name, GFP_KERNEL)?;
            return Ok(Self(name));
        }
        Err(ENOSPC)
    }

    /// The name with its terminator.
    pub(super) fn as_bytes(&self) -> &[u8; LEN] {
        &self.0
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let mut reserved = RESERVED.lock();
        let position = reserved.iter().position(|name| *name == self.0);
        if let Some(position) = position {
            // It is there: this has just been seen.
            let _ = reserved.remove(position);
        }
        // The last one takes the list's memory along: nothing drops a static when the module goes.
        if reserved.is_empty() {
            *reserved = KVec::new();
        }
    }
}

/// Whether there is a device of this name in the class.
///
/// # Safety
///
/// `class` must be a registered class.
unsafe fn is_known(class: *const bindings::class, name: &[u8; LEN]) -> bool {
    let Ok(name) = CStr::from_bytes_until_nul(name) else {
        return true;
    };
    // SAFETY: `class` is registered, and the match function takes the name of a device.
    let device = unsafe {
        bindings::class_find_device(
            class,
            core::ptr::null(),
            name.as_char_ptr().cast(),
            Some(bindings::device_match_name),
        )
    };
    if device.is_null() {
        return false;
    }
    // SAFETY: `class_find_device` took a reference.
    unsafe { bindings::put_device(device) };
    true
}

/// The name with number `index`: its letters are the digits of a number that has no zero.
fn format(prefix: &str, index: usize) -> Option<[u8; LEN]> {
    const LETTERS: usize = 26;

    let mut digits = 1;
    let mut first = 0usize;
    let mut count = LETTERS;
    while index.checked_sub(first)? >= count {
        first = first.checked_add(count)?;
        count = count.checked_mul(LETTERS)?;
        digits += 1;
    }

    let mut name = [0; LEN];
    let (head, rest) = name.split_at_mut_checked(prefix.len())?;
    head.copy_from_slice(prefix.as_bytes());
    // One byte is left for the terminator.
    let letters = rest
        .get_mut(..digits)
        .filter(|_| prefix.len() + digits < LEN)?;

    let mut number = index.checked_sub(first)?;
    for letter in letters.iter_mut().rev() {
        // CAST: Below 26.
        *letter = b'a' + (number % LETTERS) as u8;
        number /= LETTERS;
    }
    Some(name)
}

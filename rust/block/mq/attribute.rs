// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Attributes of disks in sysfs.

use core::marker::PhantomData;

use kernel::{
    bindings,
    fmt,
    page::PAGE_SIZE,
    prelude::*,
    str::as_char_ptr_in_const_context,
    types::ForeignOwnable, //
};

use super::{
    disk::Disk,
    operations::{
        Borrowed,
        Operations, //
    },
};

/// Where the value of an attribute goes: a page.
pub struct Output<'a> {
    buf: &'a mut [u8],
    len: usize,
}

impl Output<'_> {
    /// Appends bytes.
    ///
    /// # Errors
    ///
    /// `ENOSPC` when the page is full.
    pub fn write_bytes(&mut self, bytes: &[u8]) -> Result {
        let end = self.len.checked_add(bytes.len()).ok_or(ENOSPC)?;
        let room = self.buf.get_mut(self.len..end).ok_or(ENOSPC)?;
        room.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    /// Appends a line.
    ///
    /// # Errors
    ///
    /// `ENOSPC` when the page is full.
    pub fn write_line(&mut self, line: &str) -> Result {
        self.write_bytes(line.as_bytes())?;
        self.write_bytes(b"\n")
    }
}

impl fmt::Write for Output<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.write_bytes(s.as_bytes()).map_err(|_| fmt::Error)
    }
}

/// Whether something holds for a disk whose queue has this data.
type Check<O> = fn(&Borrowed<'_, <O as Operations>::QueueData>) -> bool;

/// Writes the value of an attribute.
type Show<O> = fn(&Disk<O>, Borrowed<'_, <O as Operations>::QueueData>, &mut Output<'_>) -> Result;

/// Takes a new value, as it was written but for a newline at its end.
type Store<O> = fn(&Disk<O>, Borrowed<'_, <O as Operations>::QueueData>, &[u8]) -> Result;

/// An attribute of a disk: a file in its directory in sysfs, for [`Operations::ATTRIBUTES`].
///
/// It exists as long as the disk is not removed, so that its functions may use the data of the
/// queue. They are called in process context and may sleep; who reads or writes the file gets the
/// error that they return.
///
/// # Invariants
///
/// The first field is the C structure, by which the block layer and this module find the rest.
#[repr(C)]
pub struct AttributeEntry<O: Operations> {
    attribute: bindings::device_attribute,
    show: Show<O>,
    is_visible: Check<O>,
    is_writable: Check<O>,
    store: Store<O>,
}

// SAFETY: Nothing of it is ever written, and the name is `'static`.
unsafe impl<O: Operations> Sync for AttributeEntry<O> {}

impl<O: Operations> AttributeEntry<O> {
    /// The attribute `name`, which all disks have and nobody writes to.
    pub const fn new(name: &'static CStr, show: Show<O>) -> Self {
        let mut attribute: bindings::device_attribute = pin_init::zeroed();
        attribute.attr.name = as_char_ptr_in_const_context(name);
        attribute.attr.mode = 0o644;
        attribute.__bindgen_anon_1.show = Some(show_callback::<O>);
        attribute.__bindgen_anon_2.store = Some(store_callback::<O>);

        Self {
            attribute,
            show,
            is_visible: |_| true,
            is_writable: |_| false,
            store: |_, _, _| Err(EPERM),
        }
    }

    /// The same for those disks only that `is_visible` says: it is asked once, when a disk is added.
    pub const fn visible(self, is_visible: Check<O>) -> Self {
        Self { is_visible, ..self }
    }

    /// The same, and `store` takes what is written to it, on those disks that `is_writable` says.
    pub const fn writable(self, is_writable: Check<O>, store: Store<O>) -> Self {
        Self {
            is_writable,
            store,
            ..self
        }
    }

    /// The attribute that C code knows by `attribute`.
    ///
    /// # Safety
    ///
    /// `attribute` must be that of an [`AttributeEntry`] with the operations of `O`.
    unsafe fn from_raw(attribute: *const bindings::attribute) -> &'static Self {
        // CAST: The attribute is the first field of the device attribute, and that of this.
        // SAFETY: By the requirement of this function; attributes are constants.
        unsafe { &*attribute.cast() }
    }

    /// The mode that the file has for a disk: none where there is no such file.
    fn mode(&self, data: &Borrowed<'_, O::QueueData>) -> bindings::umode_t {
        match ((self.is_visible)(data), (self.is_writable)(data)) {
            (false, _) => 0,
            (true, false) => 0o444,
            (true, true) => 0o644,
        }
    }
}

/// The attributes of a disk, as C code wants them.
pub(super) struct Groups<O: Operations> {
    /// Ends with NULL.
    attributes: KVec<*mut bindings::attribute>,
    group: bindings::attribute_group,
    /// Ends with NULL.
    groups: [*const bindings::attribute_group; 2],
    _operations: PhantomData<O>,
}

impl<O: Operations> Groups<O> {
    /// Collects the attributes.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new() -> Result<Self> {
        let mut attributes = KVec::with_capacity(O::ATTRIBUTES.len() + 1, GFP_KERNEL)?;
        for attribute in O::ATTRIBUTES {
            let attribute = &raw const attribute.attribute.attr;
            // C code does not write to it.
            attributes.push(attribute.cast_mut(), GFP_KERNEL)?;
        }
        attributes.push(core::ptr::null_mut(), GFP_KERNEL)?;

        Ok(Self {
            attributes,
            group: pin_init::zeroed(),
            groups: [core::ptr::null(); 2],
            _operations: PhantomData,
        })
    }

    /// What to register: valid as long as the groups are and do not move.
    pub(super) fn link(&mut self) -> *mut *const bindings::attribute_group {
        self.group.__bindgen_anon_1.is_visible = Some(is_visible_callback::<O>);
        self.group.__bindgen_anon_2.attrs = self.attributes.as_mut_ptr();
        self.groups[0] = &self.group;
        self.groups.as_mut_ptr()
    }
}

/// The disk of a device, and the data of its queue.
///
/// # Safety
///
/// `dev` must be that of a disk with the operations of `O`, whose attributes are registered.
unsafe fn disk_of<'a, O: Operations>(
    dev: *mut bindings::device,
) -> (&'a Disk<O>, Borrowed<'a, O::QueueData>) {
    // SAFETY: The device of a disk is embedded in its first block device.
    let bdev = unsafe { kernel::container_of!(dev, bindings::block_device, bd_device) };
    // SAFETY: By the requirement of this function; attributes are gone before the disk or the data
    // of its queue.
    unsafe {
        let disk = (*bdev).bd_disk;
        let data = O::QueueData::borrow((*(*disk).queue).queuedata);
        (Disk::from_raw(disk), data)
    }
}

/// Reads an attribute.
///
/// # Safety
///
/// To be called by sysfs only, with an [`AttributeEntry`] and a page to write to.
unsafe extern "C" fn show_callback<O: Operations>(
    dev: *mut bindings::device,
    attribute: *mut bindings::device_attribute,
    buf: *mut c_char,
) -> isize {
    // SAFETY: By the requirement of this function.
    let (disk, data) = unsafe { disk_of::<O>(dev) };
    // SAFETY: As above; sysfs clears the page before.
    let buf = unsafe { core::slice::from_raw_parts_mut(buf.cast::<u8>(), PAGE_SIZE) };

    // SAFETY: By the requirement of this function.
    let attribute = unsafe { AttributeEntry::<O>::from_raw(&raw const (*attribute).attr) };

    let mut out = Output { buf, len: 0 };
    match (attribute.show)(disk, data, &mut out) {
        // No more than a page.
        Ok(()) => isize::try_from(out.len).unwrap_or(0),
        Err(err) => err.to_errno() as isize,
    }
}

/// Writes an attribute.
///
/// # Safety
///
/// To be called by sysfs only, with an [`AttributeEntry`].
unsafe extern "C" fn store_callback<O: Operations>(
    dev: *mut bindings::device,
    attribute: *mut bindings::device_attribute,
    buf: *const c_char,
    count: usize,
) -> isize {
    // SAFETY: By the requirement of this function.
    let (disk, data) = unsafe { disk_of::<O>(dev) };
    // SAFETY: As above.
    let buf = unsafe { core::slice::from_raw_parts(buf.cast::<u8>(), count) };

    // SAFETY: By the requirement of this function.
    let attribute = unsafe { AttributeEntry::<O>::from_raw(&raw const (*attribute).attr) };

    if !(attribute.is_writable)(&data) {
        return EPERM.to_errno() as isize;
    }
    match (attribute.store)(disk, data, buf.strip_suffix(b"\n").unwrap_or(buf)) {
        // No more than a page.
        Ok(()) => isize::try_from(count).unwrap_or(0),
        Err(err) => err.to_errno() as isize,
    }
}

/// Says which mode an attribute has for a disk.
///
/// # Safety
///
/// To be called by sysfs only, with an [`AttributeEntry`].
unsafe extern "C" fn is_visible_callback<O: Operations>(
    kobj: *mut bindings::kobject,
    attribute: *mut bindings::attribute,
    _index: c_int,
) -> bindings::umode_t {
    // SAFETY: Attributes of disks are on the kobject of the disk's device.
    let dev = unsafe { kernel::container_of!(kobj, bindings::device, kobj) };
    // SAFETY: By the requirement of this function.
    let (_, data) = unsafe { disk_of::<O>(dev) };
    // SAFETY: By the requirement of this function.
    let attribute = unsafe { AttributeEntry::<O>::from_raw(attribute) };

    attribute.mode(&data)
}

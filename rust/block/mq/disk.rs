// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Disks.

use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    num::NonZero,
    ptr::NonNull, //
};

use kernel::{
    bindings,
    device,
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*,
    sync::{
        aref::AlwaysRefCounted,
        atomic::{
            AtomicFlag,
            Full,
            Relaxed, //
        },
        Arc,
        Completion, //
    },
    types::{
        ForeignOwnable,
        Opaque, //
    }, //
};

use super::{
    attribute::Groups,
    limits::{
        self,
        Limits, //
    },
    operations::Operations,
    resize::Resize,
    tag_set::TagSet,
    zoned::{
        self,
        ZoneLimits, //
    }, //
};
use crate::block::{
    name::Name,
    Cache,
    Size,
    SECTOR_SHIFT, //
};

/// The most sectors that a disk can have: what a file offset can reach.
const MAX_SECTORS: u64 = (i64::MAX as u64) >> SECTOR_SHIFT;

/// How often another name is tried when somebody else has taken the one that was free just before.
const NAME_TRIES: usize = 3;

/// What programs of old believe a disk to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Cylinders.
    pub cylinders: u16,
    /// Heads.
    pub heads: u8,
    /// Sectors of a track.
    pub sectors: u8,
}

impl Geometry {
    /// What is commonly made up for a disk of so many sectors: as with SCSI disks.
    pub fn of_sectors(sectors: u64) -> Self {
        const HEADS: u8 = 64;
        const SECTORS: u8 = 32;

        // What does not fit is not addressed that way.
        let cylinders = sectors / (u64::from(HEADS) * u64::from(SECTORS));
        Self {
            cylinders: u16::try_from(cylinders).unwrap_or(u16::MAX),
            heads: HEADS,
            sectors: SECTORS,
        }
    }
}

/// What a disk has of its own until its last user closes it.
#[repr(C)]
struct Private<O: Operations> {
    /// At the beginning, where [`free_disk_callback`] finds it.
    end: End,
    /// A table for each disk, as it has the module in it.
    operations: bindings::block_device_operations,
    data: O::DiskData,
    name: Option<Name>,
    groups: Groups<O>,
    /// Between [`Disk::quiesce`] and [`Disk::unquiesce`].
    quiesced: AtomicFlag,
    /// Ended when the disk is removed.
    resize: Arc<Resize>,
}

/// How a disk comes to its end.
struct End {
    /// Drops the [`Private`] that this is the beginning of.
    drop: unsafe fn(*mut c_void),
    /// The module of the driver.
    module: *mut bindings::module,
    /// Whether the disk holds a reference to it.
    holds_module: AtomicFlag,
    /// Completed when nothing of the driver's is left.
    freed: Arc<Completion>,
}

/// Drops a [`Private`].
///
/// # Safety
///
/// `private` must be one of `O`, from a `KBox` that nobody owns.
unsafe fn drop_private<O: Operations>(private: *mut c_void) {
    // SAFETY: By the requirement of this function.
    drop(unsafe { KBox::from_raw(private.cast::<Private<O>>()) });
}

/// The module of the driver.
fn owner<O: Operations>() -> *mut bindings::module {
    kernel::module::this_module::<O::OwnerModule>().as_ptr()
}

/// A disk that there is, registered or removed.
///
/// # Invariants
///
/// It is a disk with the operations of `O` that was added by [`NewDisk::add`], or is just being
/// added; its `private_data` is a [`Private`] of `O`.
#[repr(transparent)]
pub struct Disk<O: Operations>(Opaque<bindings::gendisk>, PhantomData<O>);

// SAFETY: Disks belong to no thread, and neither does their data.
unsafe impl<O: Operations> Send for Disk<O> {}
// SAFETY: All functions on a shared disk may be called by several threads at a time.
unsafe impl<O: Operations> Sync for Disk<O> {}

// SAFETY: The device of a disk keeps the count.
unsafe impl<O: Operations> AlwaysRefCounted for Disk<O> {
    fn inc_ref(&self) {
        // SAFETY: There is a reference already.
        unsafe { bindings::get_device(device_of(self.0.get())) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // CAST: The type is a transparent wrapper.
        // SAFETY: By the requirement of this function.
        unsafe { bindings::put_disk(obj.as_ptr().cast()) };
    }
}

/// The device of a disk: a port of `disk_to_dev`.
///
/// # Safety
///
/// `disk` must be a disk.
unsafe fn device_of(disk: *mut bindings::gendisk) -> *mut bindings::device {
    // SAFETY: By the requirement of this function; the first block device is there from the
    // beginning.
    unsafe { &raw mut (*(*disk).part0).bd_device }
}

impl<O: Operations> Disk<O> {
    /// A reference to a disk.
    ///
    /// # Safety
    ///
    /// The type invariant must hold for `disk` during `'a`.
    pub(super) unsafe fn from_raw<'a>(disk: *mut bindings::gendisk) -> &'a Self {
        // CAST: The type is a transparent wrapper.
        // SAFETY: By the requirement of this function.
        unsafe { &*disk.cast() }
    }

    /// The kernel's disk.
    #[cfg_attr(not(CONFIG_BLK_DEV_ZONED), expect(dead_code))]
    pub(super) fn as_raw(&self) -> *mut bindings::gendisk {
        self.0.get()
    }

    /// The request queue.
    pub(super) fn queue(&self) -> *mut bindings::request_queue {
        // SAFETY: By the type invariant; a disk keeps its queue.
        unsafe { (*self.0.get()).queue }
    }

    /// What the disk has of its own.
    fn private(&self) -> &Private<O> {
        // SAFETY: By the type invariant; it goes with the last reference to the disk.
        unsafe { &*(*self.0.get()).private_data.cast::<Private<O>>() }
    }

    /// The driver's data of the disk.
    pub fn data(&self) -> &O::DiskData {
        &self.private().data
    }

    /// The name of the disk: `vda`.
    pub fn name(&self) -> &CStr {
        let name = self.private().name.as_ref();
        name.and_then(|name| CStr::from_bytes_until_nul(name.as_bytes()).ok())
            .unwrap_or(c"")
    }

    /// Sectors of the disk.
    pub fn capacity(&self) -> u64 {
        // SAFETY: By the type invariant. It may change at any time.
        unsafe { (&raw const (*(*self.0.get()).part0).bd_nr_sectors).read_volatile() }
    }

    /// Bytes of a logical block.
    pub fn logical_block_size(&self) -> u32 {
        // SAFETY: By the type invariant.
        unsafe { (*self.queue()).limits.logical_block_size }
    }

    /// Sectors of a zone, of a disk that has such.
    pub fn zone_sectors(&self) -> Option<NonZero<u32>> {
        // SAFETY: By the type invariant. Disks do not begin or cease to have zones.
        let limits = unsafe { &raw const (*self.queue()).limits };
        // SAFETY: As above; other limits may change at any time.
        let (features, chunk) = unsafe {
            (
                (&raw const (*limits).features).read_volatile(),
                (*limits).chunk_sectors,
            )
        };
        match features & crate::bindings::BLK_FEAT_ZONED {
            0 => None,
            _ => NonZero::new(chunk),
        }
    }

    /// The capacity as people read it.
    pub fn size(&self) -> Size {
        Size::of_sectors(self.capacity(), self.logical_block_size())
    }

    /// Sets how many sectors the disk has, if it can have so many, and tells the user if that is
    /// news. Returns whether it is. For disks with zones: [`Self::resize_zoned`].
    pub fn set_capacity_and_notify(&self, sectors: u64) -> bool {
        if self.zone_sectors().is_some() {
            return false;
        }
        let before = self.capacity();
        // SAFETY: By the type invariant.
        unsafe { bindings::set_capacity_and_notify(self.0.get(), sectors.min(MAX_SECTORS)) };
        self.capacity() != before
    }

    /// Has a disk with zones that was added get another size, soon: those that it has then are asked for
    /// again, and requests of others wait meanwhile. It stays as it is when it is not to have the same
    /// `zones`, but for what they are limited to, and is empty when what it reports makes no sense.
    ///
    /// When it gets smaller, `nr_zones` in sysfs does not, and the block layer goes on to believe what it
    /// does of zones that are gone: those that come back are to be reset before they are written.
    pub fn resize_zoned(&self, sectors: u64, zones: ZoneLimits) {
        if self.zone_sectors().is_none() {
            return;
        }
        let sectors = sectors.min(MAX_SECTORS);
        // SAFETY: By the type invariant; `NewDisk` calls `added` once it was, from when on nothing else
        // changes the size of a disk with zones, and `GenDisk` calls `end` before it gives it back.
        unsafe { self.private().resize.begin(self.0.get(), sectors, zones) };
    }

    /// The cache that the block layer believes in: it flushes if that writes back.
    pub fn cache(&self) -> Cache {
        // SAFETY: By the type invariant. It may change at any time.
        let features = unsafe { (&raw const (*self.queue()).limits.features).read_volatile() };
        match features & crate::bindings::BLK_FEAT_WRITE_CACHE {
            0 => Cache::WriteThrough,
            _ => Cache::WriteBack,
        }
    }

    /// Changes limits or features. Waits until no request is under way.
    ///
    /// # Errors
    ///
    /// `EINVAL` when they contradict each other.
    pub fn update_limits(&self, change: impl FnOnce(&mut Limits)) -> Result {
        // SAFETY: By the type invariant.
        unsafe { limits::update(self.queue(), change) }
    }

    /// Has the device make persistent what was written to it, if it has a cache.
    ///
    /// # Errors
    ///
    /// What the flush ends with.
    pub fn flush(&self) -> Result {
        // SAFETY: By the type invariant.
        to_result(unsafe { bindings::blkdev_issue_flush((*self.0.get()).part0) })
    }

    /// Dispatches no more requests until [`Self::unquiesce`]. When this returns, no thread is in
    /// [`Operations::queue_rq`] or [`Operations::commit_rqs`]. Does not wait for requests that the
    /// hardware has. Process context; may sleep.
    ///
    /// Not to be called by two threads at a time; calling it again changes nothing.
    pub fn quiesce(&self) {
        if !self.private().quiesced.xchg(true, Full) {
            // SAFETY: By the type invariant.
            unsafe { bindings::blk_mq_quiesce_queue(self.queue()) };
        }
    }

    /// Goes on to dispatch requests: those of [`Request::put_back`](super::Request::put_back), and
    /// those for hardware queues that were stopped as well. Does nothing more unless
    /// [`Self::quiesce`] was called before.
    pub fn unquiesce(&self) {
        let queue = self.queue();
        // SAFETY: By the type invariant.
        unsafe { bindings::blk_mq_start_stopped_hw_queues(queue, true) };
        if self.private().quiesced.xchg(false, Full) {
            // SAFETY: By the type invariant; it was quiesced, and is once.
            unsafe { bindings::blk_mq_unquiesce_queue(queue) };
        }
    }

    /// Tells the block layer that the device is gone: new I/O fails from here on, and file systems
    /// are told. What is under way has still to be ended.
    pub fn mark_dead(&self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::blk_mark_disk_dead(self.0.get()) };
    }
}

/// A disk that is not registered yet.
///
/// # Invariants
///
/// `disk` is a disk with the operations of `O` that was not added. Its `private_data` is a
/// [`Private`] of `O`, and its queue's data of `O::QueueData`; both are owned.
pub struct NewDisk<O: Operations> {
    disk: NonNull<bindings::gendisk>,
    tag_set: Arc<TagSet<O>>,
}

// SAFETY: Disks belong to no thread, and neither does their data.
unsafe impl<O: Operations> Send for NewDisk<O> {}

impl<O: Operations> NewDisk<O> {
    /// Makes a disk, empty and with hardware queues.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, `EINVAL` when the limits contradict each other, what
    /// [`Operations::init_hctx`] returns.
    pub fn new(
        tag_set: Arc<TagSet<O>>,
        limits: &Limits,
        queue_data: O::QueueData,
        data: O::DiskData,
    ) -> Result<Self> {
        let mut private = KBox::new(
            Private::<O> {
                end: End {
                    drop: drop_private::<O>,
                    module: owner::<O>(),
                    holds_module: AtomicFlag::new(false),
                    freed: Arc::pin_init(Completion::new(), GFP_KERNEL)?,
                },
                operations: bindings::block_device_operations {
                    owner: owner::<O>(),
                    free_disk: Some(free_disk_callback),
                    getgeo: if O::HAS_GEOMETRY {
                        Some(getgeo_callback::<O>)
                    } else {
                        None
                    },
                    #[cfg(CONFIG_BLK_DEV_ZONED)]
                    report_zones: if O::HAS_REPORT_ZONES {
                        Some(zoned::report_zones_callback::<O>)
                    } else {
                        None
                    },
                    ..pin_init::zeroed()
                },
                data,
                name: None,
                groups: Groups::new()?,
                quiesced: AtomicFlag::new(false),
                resize: Resize::new()?,
            },
            GFP_KERNEL,
        )?;

        let mut limits = limits.clone();
        let queue_data = queue_data.into_foreign();
        // SAFETY: `tag_set` is complete and outlives the disk; the key is static.
        let disk = from_err_ptr(unsafe {
            bindings::__blk_mq_alloc_disk(
                tag_set.as_raw(),
                limits.as_raw(),
                queue_data,
                kernel::static_lock_class!().as_ptr(),
            )
        })
        .and_then(|disk| NonNull::new(disk).ok_or(ENOMEM))
        .inspect_err(|_| {
            // SAFETY: Made just now, and nobody uses it any more.
            drop(unsafe { O::QueueData::from_foreign(queue_data) });
        })?;

        // SAFETY: Nobody else knows the disk.
        unsafe {
            let disk = disk.as_ptr();
            (*disk).fops = &private.operations;
            (*disk).private_data = core::ptr::from_mut(&mut *private).cast();
        }
        // The disk has it now.
        let _ = KBox::into_raw(private);

        // INVARIANT: Made that way just now.
        Ok(Self { disk, tag_set })
    }

    /// What the disk has of its own.
    fn private(&mut self) -> &mut Private<O> {
        // SAFETY: By the type invariant; before it is added nobody else looks at it.
        unsafe { &mut *(*self.disk.as_ptr()).private_data.cast::<Private<O>>() }
    }

    /// Sets how many sectors the disk has, if it can have so many.
    pub fn set_capacity(&mut self, sectors: u64) {
        // SAFETY: By the type invariant.
        unsafe { bindings::set_capacity(self.disk.as_ptr(), sectors.min(MAX_SECTORS)) };
    }

    /// Makes the disk one that cannot be written to.
    pub fn set_read_only(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::set_disk_ro(self.disk.as_ptr(), true) };
    }

    /// Registers the disk below `parent` under a name that begins with `prefix`, and reads its
    /// partition table. Of a disk with zones these are asked for before.
    ///
    /// Device numbers are those of the block layer (`BLOCK_EXT_MAJOR`): a major number of one's own
    /// gives a disk nothing any more but a limit on its partitions.
    ///
    /// # Errors
    ///
    /// `ENOSPC` when there are too many disks, `EEXIST` when another driver is quicker each time,
    /// `ENOMEM`, and what else `device_add_disk` returns.
    pub fn add(mut self, parent: &device::Device, prefix: &str) -> Result<GenDisk<O>> {
        let mut result = Err(EEXIST);
        for _ in 0..NAME_TRIES {
            if result == Err(EEXIST) {
                result = self.register(parent, prefix);
            }
        }
        result?;

        self.private().resize.added();
        let this = ManuallyDrop::new(self);
        // INVARIANT: Added just now.
        Ok(GenDisk {
            disk: this.disk,
            // SAFETY: `this` is not used or dropped any more.
            _tag_set: unsafe { core::ptr::read(&this.tag_set) },
        })
    }

    /// Registers the disk under the first name that is free.
    fn register(&mut self, parent: &device::Device, prefix: &str) -> Result {
        let disk = self.disk.as_ptr();

        // SAFETY: The class of a disk is set when it is made, to that of all disks.
        let name = unsafe { Name::reserve(prefix, (*device_of(disk)).class) }?;
        // SAFETY: By the type invariant.
        let disk_name = unsafe { &mut (*disk).disk_name };
        for (to, from) in disk_name.iter_mut().zip(name.as_bytes()) {
            // CAST: `c_char` is a byte, with or without sign.
            *to = *from as c_char;
        }

        let private = self.private();
        private.name = Some(name);
        let groups = private.groups.link();

        // SAFETY: The disk is complete and has a name.
        unsafe { zoned::revalidate(disk) }?;

        // SAFETY: The disk is complete; groups and parent stay until it is removed.
        unsafe {
            // No number of its own; an attempt that failed has left one.
            (*disk).major = 0;
            (*disk).first_minor = 0;
            to_result(bindings::device_add_disk(
                crate::dma::raw_device(parent),
                disk,
                groups,
            ))
        }
    }
}

impl<O: Operations> Drop for NewDisk<O> {
    fn drop(&mut self) {
        let disk = self.disk.as_ptr();
        // SAFETY: By the type invariant.
        let (queue_data, private) = unsafe { ((*(*disk).queue).queuedata, (*disk).private_data) };

        // SAFETY: By the type invariant. As it was not added, nobody else has a reference, and
        // `free_disk` is not called.
        unsafe { bindings::put_disk(disk) };
        // SAFETY: By the type invariant; the disk that used it is gone.
        drop(unsafe { O::QueueData::from_foreign(queue_data) });
        // SAFETY: As above.
        unsafe { drop_private::<O>(private) };
    }
}

/// A registered disk. Dropping it removes the disk: see the [module](super).
///
/// # Invariants
///
/// `disk` was added, and not removed yet. Its queue's data is of `O::QueueData` and owned.
pub struct GenDisk<O: Operations> {
    disk: NonNull<bindings::gendisk>,
    _tag_set: Arc<TagSet<O>>,
}

// SAFETY: Disks belong to no thread, and neither does their data.
unsafe impl<O: Operations> Send for GenDisk<O> {}
// SAFETY: Shared access gives no more than that to a `Disk`.
unsafe impl<O: Operations> Sync for GenDisk<O> {}

impl<O: Operations> core::ops::Deref for GenDisk<O> {
    type Target = Disk<O>;

    fn deref(&self) -> &Disk<O> {
        // SAFETY: By the type invariant.
        unsafe { Disk::from_raw(self.disk.as_ptr()) }
    }
}

impl<O: Operations> Drop for GenDisk<O> {
    fn drop(&mut self) {
        let disk = self.disk.as_ptr();
        let freed = self.private().end.freed.clone();

        // Requests that nobody dispatches would be waited for without end.
        self.unquiesce();
        self.private().resize.end();
        // SAFETY: By the type invariant.
        unsafe { bindings::del_gendisk(disk) };

        // No callback but those of open file handles runs from here on.
        // SAFETY: By the type invariant.
        drop(unsafe { O::QueueData::from_foreign((*(*disk).queue).queuedata) });

        // Whoever has the disk open holds the driver's module as well, but lets go of it a moment
        // before the disk. So the disk holds it too from here on; while the module is being
        // unloaded it can not, but then nobody has the disk open, and it is a matter of moments.
        // SAFETY: The module is that of this code.
        let holds_module = unsafe { bindings::try_module_get(owner::<O>()) };
        if holds_module {
            self.private().end.holds_module.store(true, Relaxed);
        }
        // SAFETY: Gives back the reference from when the disk was made.
        unsafe { bindings::put_disk(disk) };
        if !holds_module {
            freed.wait_for_completion();
        }
    }
}

/// Called when the last reference to an added disk is gone.
///
/// Not generic, so that it is not part of the driver, whose module may be unloaded the moment that
/// this says so.
///
/// # Safety
///
/// To be called by the block layer only, with a disk whose `private_data` is a [`Private`].
unsafe extern "C" fn free_disk_callback(disk: *mut bindings::gendisk) {
    // SAFETY: By the requirement of this function.
    let private = unsafe { (*disk).private_data };
    // SAFETY: As above: it begins with the `End`.
    let end = unsafe { &*private.cast::<End>() };
    let (drop_private, module) = (end.drop, end.module);
    let holds_module = end.holds_module.load(Relaxed);
    let freed = end.freed.clone();

    // SAFETY: As above, and this is its end.
    unsafe { drop_private(private) };
    freed.complete_all();
    if holds_module {
        // SAFETY: The reference was taken when the disk was removed.
        unsafe { bindings::module_put(module) };
    }
}

/// Called when somebody asks for the geometry.
///
/// # Safety
///
/// To be called by the block layer only, with a disk that was added.
unsafe extern "C" fn getgeo_callback<O: Operations>(
    disk: *mut bindings::gendisk,
    geometry: *mut bindings::hd_geometry,
) -> c_int {
    // SAFETY: By the requirement of this function.
    let disk = unsafe { Disk::<O>::from_raw(disk) };
    let Geometry {
        cylinders,
        heads,
        sectors,
    } = O::geometry(disk.data(), disk.capacity());

    // CAST: `kernel::bindings` has the type as an opaque one.
    let geometry = geometry.cast::<crate::bindings::hd_geometry>();
    // SAFETY: The block layer lends it, and has set `start` already.
    unsafe {
        (*geometry).cylinders = cylinders;
        (*geometry).heads = heads;
        (*geometry).sectors = sectors;
    }
    0
}

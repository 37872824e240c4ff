// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Disks with zones that get another size.
//!
//! The block layer keeps a table of what zones are in, and does not look whether a zone is in it. So the
//! disk must not be larger than the table at any time, and the table not smaller than it ever was; and
//! nobody but the driver's own requests may be under way while the disk grows.

use kernel::{
    bindings,
    impl_has_work,
    new_mutex,
    new_work,
    prelude::*,
    sync::{
        atomic::{
            AtomicFlag,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
    workqueue::{
        self,
        HasWork,
        Work,
        WorkItem, //
    }, //
};

use super::zoned::ZoneLimits;
#[cfg(CONFIG_BLK_DEV_ZONED)]
use super::{
    limits,
    zoned, //
};

/// Gives a disk with zones another size, later.
#[pin_data]
pub(super) struct Resize {
    /// Whether the disk was added.
    is_added: AtomicFlag,
    #[pin]
    wanted: Mutex<Option<Wanted>>,
    #[pin]
    work: Work<Self>,
}

/// What is to become of a disk.
struct Wanted {
    /// There until [`Resize::end`].
    disk: *mut bindings::gendisk,
    sectors: u64,
    zones: ZoneLimits,
}

// SAFETY: Disks belong to no thread.
unsafe impl Send for Wanted {}

impl_has_work! {
    impl HasWork<Self> for Resize { self.work }
}

impl WorkItem for Resize {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let wanted = this.wanted.lock().take();
        if let Some(wanted) = wanted {
            // SAFETY: `end` waits for this, and this is the only work of the disk.
            unsafe { wanted.carry_out() };
        }
    }
}

impl Resize {
    /// What gives no disk another size yet.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                is_added: AtomicFlag::new(false),
                wanted <- new_mutex!(None),
                work <- new_work!("virtio_rust::resize"),
            }),
            GFP_KERNEL,
        )
    }

    /// The disk was added.
    pub(super) fn added(&self) {
        self.is_added.store(true, Relaxed);
    }

    /// Has a disk with zones get another size, soon. Does nothing before [`Self::added`], nor after
    /// [`Self::end`].
    ///
    /// # Safety
    ///
    /// `disk` must be one with zones, always the same; after [`Self::added`], it must be there until
    /// [`Self::end`], and only this may change its size.
    pub(super) unsafe fn begin(
        self: &Arc<Self>,
        disk: *mut bindings::gendisk,
        sectors: u64,
        zones: ZoneLimits,
    ) {
        if !self.is_added.load(Relaxed) {
            return;
        }
        *self.wanted.lock() = Some(Wanted {
            disk,
            sectors,
            zones,
        });
        // If it is waiting already, it takes what is wanted now.
        let _ = workqueue::system_long().enqueue(self.clone());
    }

    /// Waits for what is going on. The disk keeps the size that it has then.
    pub(super) fn end(self: &Arc<Self>) {
        // SAFETY: The work item belongs to `self`, which is there.
        let work = unsafe { Work::raw_get(Self::raw_get_work(Arc::as_ptr(self).cast_mut())) };
        // SAFETY: The work item was initialised. Returns when it does not run, nor will.
        if unsafe { bindings::disable_work_sync(work) } {
            // SAFETY: It was waiting to run, and will not: the reference that it had is ours.
            drop(unsafe { Arc::from_raw(Arc::as_ptr(self)) });
        }
    }
}

impl Wanted {
    /// Gives the disk its size. One whose zones make no sense then is empty, until it gets another one.
    ///
    /// # Safety
    ///
    /// Those of [`Resize::begin`], and one call at a time.
    #[cfg(CONFIG_BLK_DEV_ZONED)]
    unsafe fn carry_out(&self) {
        let (disk, sectors) = (self.disk, self.sectors);
        // SAFETY: By the requirements of this function: only this changes any of it.
        let (queue, before, known, zone_sectors, name) = unsafe {
            let queue = (*disk).queue;
            (
                queue,
                (*(*disk).part0).bd_nr_sectors,
                u64::from((*disk).nr_zones),
                (*queue).limits.chunk_sectors,
                CStr::from_char_ptr((&raw const (*disk).disk_name).cast()),
            )
        };
        if sectors == before {
            return;
        }
        let zones = sectors.div_ceil(zone_sectors.max(1).into());
        if zone_sectors != self.zones.zone_sectors || !zoned::is_count(zones) {
            pr_warn!("{name}: other zones, or too many: it keeps its size\n");
            return;
        }
        if zones < known {
            // SAFETY: By the requirements of this function.
            unsafe { bindings::set_capacity_and_notify(disk, sectors) };
            return;
        }

        // Requests of the driver's own pass: see `DriverRequest`. What others have sent is waited for
        // when the limits change.
        // SAFETY: As above, until `blk_clear_pm_only` below.
        unsafe { bindings::blk_set_pm_only(queue) };
        // SAFETY: By the requirements of this function.
        let result = unsafe {
            let mut usable = Ok(());
            limits::update(queue, |limits| usable = limits.set_zoned(self.zones))
                .and(usable)
                .and_then(|()| self.look_again(before))
        };
        // SAFETY: It was set above.
        unsafe { bindings::blk_clear_pm_only(queue) };
        if let Err(err) = result {
            pr_warn!("{name}: its zones can not be looked at: {err:?}\n");
        }
    }

    /// Gives the disk its size, and looks at all of its zones, while nobody uses it.
    ///
    /// # Errors
    ///
    /// `ENOMEM`: the disk is as `before`. Those of [`zoned::revalidate`]: it is empty.
    ///
    /// # Safety
    ///
    /// Those of [`Self::carry_out`].
    #[cfg(CONFIG_BLK_DEV_ZONED)]
    unsafe fn look_again(&self, before: u64) -> Result {
        let disk = self.disk;
        // SAFETY: By the requirements of this function.
        let table = unsafe { &raw mut (*disk).zones_cond };
        // Without a table, the block layer asks the disk. Those who look at it are done before there is
        // a sector that is not in it.
        // SAFETY: As above; nobody changes the table but this and what is called below.
        let old = unsafe {
            let old = table.replace(core::ptr::null_mut());
            bindings::synchronize_rcu();
            bindings::set_capacity_and_notify(disk, self.sectors);
            old
        };
        // SAFETY: By the requirements of this function.
        let result = unsafe { zoned::revalidate(disk) };
        // SAFETY: As above. A table that is not that of the disk any more is nobody's: it has come from
        // `kmalloc`, and all who knew it are done.
        unsafe {
            if result.is_err() && (*disk).nr_zones != 0 {
                // The block layer had not begun.
                bindings::set_capacity_and_notify(disk, before);
                table.write(old);
                return result;
            }
            if result.is_err() {
                bindings::set_capacity_and_notify(disk, 0);
            }
            bindings::kfree(old.cast());
        }
        result
    }

    /// There are no such disks.
    ///
    /// # Safety
    ///
    /// None is needed.
    #[cfg(not(CONFIG_BLK_DEV_ZONED))]
    unsafe fn carry_out(&self) {
        let _ = (self.disk, self.sectors, self.zones);
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What the device says of itself (VIRTIO 1.4, 5.2.4), what becomes of it (5.2.5), and what of
//! changes.
//!
//! Advice that makes no sense is left aside; a device that cannot be worked with is refused.

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        Arc,
        Mutex, //
    }, //
};
use kernel_ext::{
    block::mq::prelude::*,
    virtio::prelude::*, //
};

use crate::{
    ranges::RangeLimits,
    zoned::Characteristics,
    VirtioBlk, //
};

/// Pieces of memory that go to an indirect table: what 128 KiB of scattered pages take, which is as
/// much as the kernel reads ahead by default. Each descriptor of a ring has its table from the
/// beginning, so that longer ones would cost memory that is hardly ever used; longer requests are
/// put into the ring itself.
const TABLE_PIECES: u16 = 32;

/// Descriptors of a request beside its memory: header and status.
pub(crate) const EXTRA_DESCRIPTORS: u16 = 2;

/// Descriptors of an indirect table.
pub(crate) const TABLE_LEN: u16 = TABLE_PIECES + EXTRA_DESCRIPTORS;

/// The largest ring that is used: deeper queues make nothing faster, and each descriptor comes with
/// a table.
pub(crate) const MAX_RING: u16 = 1024;

/// Where the cache mode is written to: 1 byte.
const WRITEBACK: usize = 32;

/// The configuration as it was at one time. [`None`] is what comes with a feature that was not
/// negotiated.
#[derive(PartialEq)]
pub(crate) struct Configuration {
    /// Sectors of 512 bytes.
    pub(crate) capacity: u64,
    /// Bytes of a segment at most.
    size_max: Option<u32>,
    /// Segments of a request at most.
    seg_max: Option<u32>,
    /// What the device makes up for programs that ask for it.
    pub(crate) geometry: Option<Geometry>,
    /// Bytes of a block.
    blk_size: Option<u32>,
    /// Sizes and alignment that the device likes.
    topology: Option<Topology>,
    /// What cache there is (VIRTIO 1.4, 5.2.5.1).
    pub(crate) cache: Cache,
    /// Number of request queues.
    num_queues: u16,
    /// What can be done to ranges of sectors.
    pub(crate) ranges: RangeLimits,
    /// Of what zones there are.
    zones: Option<Characteristics>,
}

impl Configuration {
    /// Reads the configuration.
    ///
    /// # Errors
    ///
    /// `EINVAL` when it is too short, `EIO` when the device does not stop to change it.
    pub(crate) fn read(device: &Device) -> Result<Self> {
        let config = device.config().consistent(|config| {
            let geometry = || {
                Ok(Geometry {
                    cylinders: config.read(16)?,
                    heads: config.read(18)?,
                    sectors: config.read(19)?,
                })
            };
            let topology = || {
                Ok(Topology {
                    physical_block_exp: config.read(24)?,
                    alignment_offset: config.read::<u8>(25)?.into(),
                    io_min: config.read::<u16>(26)?.into(),
                    io_opt: config.read(28)?,
                })
            };
            Ok(Self {
                capacity: config.read(0)?,
                size_max: config.optional(device.has(feature::block::SIZE_MAX), 8)?,
                seg_max: config.optional(device.has(feature::block::SEG_MAX), 12)?,
                geometry: device
                    .has(feature::block::GEOMETRY)
                    .then(geometry)
                    .transpose()?,
                blk_size: config.optional(device.has(feature::block::BLK_SIZE), 20)?,
                topology: device
                    .has(feature::block::TOPOLOGY)
                    .then(topology)
                    .transpose()?,
                cache: match config.optional(device.has(feature::block::CONFIG_WCE), WRITEBACK)? {
                    Some(0u8) => Cache::WriteThrough,
                    None if !device.has(feature::block::FLUSH) => Cache::WriteThrough,
                    _ => Cache::WriteBack,
                },
                num_queues: config
                    .optional(device.has(feature::block::MQ), 34)?
                    .unwrap_or(1),
                ranges: RangeLimits::read(device, config)?,
                zones: Characteristics::read(device, config)?,
            })
        });
        Ok(config.inspect_err(|err| device.err(fmt!("{}", err.as_str())))?)
    }

    /// Tells the device what cache to have. It has the last word, which is returned.
    pub(crate) fn set_cache(device: &Device, cache: Cache) -> Result<Cache> {
        let writeback = u8::from(cache == Cache::WriteBack);
        device.config().write(WRITEBACK, writeback)?;
        Ok(Self::read(device)?.cache)
    }

    /// Number of request queues to use, at most `limit` unless that is 0.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the device claims to have none.
    pub(crate) fn num_queues(&self, device: &Device, limit: u32) -> Result<u16> {
        if self.num_queues == 0 {
            device.err(fmt!("device has no request queue"));
            return Err(EINVAL);
        }
        Ok(mq::num_hw_queues(self.num_queues, limit))
    }

    /// How the memory of requests is to be cut.
    ///
    /// # Errors
    ///
    /// `EINVAL` when it would have to be cut to nothing.
    pub(crate) fn cut(&self, device: &Device) -> Result<Cut> {
        let max = u32::try_from(device.max_segment_size()).unwrap_or(u32::MAX);
        Cut::new(self.size_max.unwrap_or(max).min(max)).ok_or_else(|| {
            device.err(fmt!("no segment may have a byte"));
            EINVAL
        })
    }

    /// Limits of the request queue, where no request may have more than `longest` descriptors.
    ///
    /// # Errors
    ///
    /// `EINVAL` when a block or a page does not fit into a request.
    pub(crate) fn limits(&self, device: &Device, longest: u16, cut: Cut) -> Result<Limits> {
        let mut limits = Limits::new();
        // What the C driver says of all its disks, and schedulers and file systems go by.
        limits.set_rotational(true);
        limits.set_cache(self.cache);

        if let Some(size) = self.blk_size {
            // The protocol counts in sectors whatever the block size is, so that it is advice too.
            if limits.set_logical_block_size(size).is_err() {
                device.warn(fmt!(
                    "block size {size} is not usable; taking {SECTOR_SIZE}"
                ));
            }
        }
        if let Some(topology) = self.topology {
            limits.set_topology(topology);
        }

        self.ranges.apply(device, &mut limits);
        // Where a zone was appended to is one more.
        let extra = match &self.zones {
            None => EXTRA_DESCRIPTORS,
            Some(zones) => {
                zones.apply(device, &mut limits)?;
                EXTRA_DESCRIPTORS + 1
            }
        };

        // A request that is too long for a table should leave room for others in the ring.
        let pieces = longest
            .saturating_sub(extra)
            .min(TABLE_PIECES.max(longest / 4))
            .min(u16::try_from(self.seg_max.unwrap_or(1).max(1)).unwrap_or(u16::MAX));
        limits.set_pieces(pieces, cut).inspect_err(|_| {
            device.err(fmt!("a block does not fit into {pieces} segments"));
        })?;
        Ok(limits)
    }
}

/// Hears of changes, while there is a disk that is not being removed.
#[pin_data]
pub(crate) struct Watcher {
    device: Arc<Device>,
    #[pin]
    disk: Mutex<Option<ARef<Disk<VirtioBlk>>>>,
}

impl Watcher {
    /// A watcher of no disk.
    pub(crate) fn new(device: &Arc<Device>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                device: device.clone(),
                disk <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )
    }

    /// Sets whether there is a disk.
    pub(crate) fn watch(&self, disk: Option<&Disk<VirtioBlk>>) {
        *self.disk.lock() = disk.map(ARef::from);
    }
}

impl ConfigHandler for Watcher {
    fn changed(&self) {
        let disk = self.disk.lock();
        // Said in the log if it can not be read.
        let (Some(disk), Ok(config)) = (&*disk, Configuration::read(&self.device)) else {
            return;
        };
        if let Some(zones) = &config.zones {
            // Zones are asked for, which no one is to wait for here.
            zones.resize(&self.device, disk, config.capacity);
        } else if disk.set_capacity_and_notify(config.capacity) {
            let (name, size) = (disk.name(), disk.size());
            self.device.info(fmt!("[{name}] new size: {size}"));
        }
    }

    fn failed(&self) {
        // Requests that wait for the device to come back are to fail.
        if let Some(disk) = &*self.disk.lock() {
            disk.unquiesce();
        }
    }
}

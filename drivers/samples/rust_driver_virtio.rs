// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Sample virtio driver: asks an entropy device for 16 bytes and logs them.
//!
//! Explained line by line in `Documentation/driver-guide.md`.

use kernel::{
    prelude::*,
    sync::Arc, //
};
use kernel_ext::{
    dma::DmaBox,
    module_virtio_driver,
    virtio::prelude::*, //
};

/// Memory that the device fills.
type Buffer = DmaBox<[u8; 16]>;

/// What there is of one device; dropped in this order.
struct Sample {
    _live: Live,
    _queue: Arc<WaitQueue<Buffer>>,
}

impl Driver for Sample {
    const ID: DeviceId = DeviceId::ENTROPY;
    const FEATURES: FeatureSet = FeatureSet::empty();

    fn probe(device: Negotiated) -> Result<Self> {
        let mut setup = device.queues(1, false)?;
        let queue = setup.queue(QueueOptions::new(fmt!("input")), WaitQueue::new)?;
        let live = setup.start()?;

        let buffer = Buffer::new([0; 16], GFP_KERNEL)?;
        queue.add(1, buffer, |b, chain| chain.write(b.segment_mut()).end())?;
        let done = queue.next(Some(1_000))?.ok_or(EIO)?;

        let (buffer, written) = done.into_parts();
        let bytes = buffer.read();
        let bytes = bytes.get(..written as usize).ok_or(EIO)?;
        dev_info!(live.parent(), "{} says {:02x?}\n", live.name(), bytes);

        Ok(Self {
            _live: live,
            _queue: queue,
        })
    }
}

module_virtio_driver! {
    type: Sample,
    name: "rust_driver_virtio",
    authors: ["The virtio-rust authors"],
    description: "Sample virtio driver",
    license: "GPL",
}

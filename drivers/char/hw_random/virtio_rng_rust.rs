// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Virtio entropy driver (VIRTIO 1.4, 5.4).
//!
//! The device has one queue, no features and no configuration: it fills buffers with random bytes.
//! While the bytes of one answer are handed out none is asked for; the last one asks for the next.

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    time::Msecs, //
};
use kernel_ext::{
    dma::DmaBox,
    hw_random,
    module_virtio_driver,
    virtio::prelude::*, //
};

/// What the hwrng core reads at a time, and so what is asked for. Copying words takes fewer reads.
type Words = [u64; 8];

/// How long a reader waits for the device. Hosts limit the rate by seconds, not by minutes.
const READ_TIMEOUT: Msecs = 10_000;

/// Memory that the device fills.
type Buffer = DmaBox<Words>;

/// Random bytes on this side of the queue.
struct Pool {
    /// The buffer, while the device does not have it.
    idle: Option<Buffer>,
    /// What the device wrote last, out of its reach.
    words: Words,
    /// The bytes of `words` that were not handed out yet.
    unused: core::ops::Range<usize>,
}

impl Pool {
    /// Hands out bytes, each of them once, and wipes them.
    fn take(&mut self, out: &mut [u8]) -> usize {
        let count = out.len().min(self.unused.len());
        let taken = self.unused.start..self.unused.start + count;
        self.unused.start = taken.end;
        let bytes = self.words.as_mut_bytes();
        if let (Some(to), Some(from)) = (out.get_mut(..count), bytes.get_mut(taken)) {
            to.copy_from_slice(from);
            from.fill(0);
        }
        count
    }
}

/// The generator of one device.
struct Generator {
    queue: Arc<WaitQueue<Buffer>>,
    pool: Pin<KBox<Mutex<Pool>>>,
}

impl hw_random::Operations for Generator {
    fn read(&self, out: &mut [u8], wait: bool) -> Result<usize> {
        let mut pool = self.pool.lock();

        loop {
            let count = pool.take(out);
            if pool.unused.is_empty() {
                if let Some(buffer) = pool.idle.take() {
                    let added = self
                        .queue
                        .add(1, buffer, |b, chain| chain.write(b.segment_mut()).end());
                    pool.idle = added.err().map(|err| err.token);
                }
            }
            if count > 0 {
                return Ok(count);
            }
            match self.queue.next(wait.then_some(READ_TIMEOUT)) {
                Ok(Some(completion)) => {
                    // Only what the device says it wrote is random: no more than the buffer.
                    let (buffer, written) = completion.into_parts();
                    pool.words = buffer.read();
                    pool.unused = 0..written as usize;
                    pool.idle = Some(buffer);
                    if written == 0 {
                        return Err(EIO);
                    }
                }
                Ok(None) => return Ok(0),
                // What the device had when it was restarted comes back.
                Err(EAGAIN) => pool.idle = pool.idle.take().or_else(|| self.queue.take_unused()),
                Err(err) => return Err(err),
            }
        }
    }
}

/// The driver of one device. Its fields are dropped in this order.
struct Rng {
    _registration: Pin<KBox<hw_random::Registration<Generator>>>,
    _live: Live,
    queue: Arc<WaitQueue<Buffer>>,
}

impl Driver for Rng {
    const ID: DeviceId = DeviceId::ENTROPY;
    const FEATURES: FeatureSet = FeatureSet::empty();

    fn probe(device: Negotiated) -> Result<Self> {
        let mut setup = device.queues(1, false)?;
        let queue = setup.queue(QueueOptions::new(fmt!("input")), WaitQueue::new)?;
        let live = setup.start()?;

        let pool = Pool {
            idle: Some(Buffer::new(Words::default(), GFP_KERNEL)?),
            words: Words::default(),
            unused: 0..0,
        };
        let generator = Generator {
            queue: queue.clone(),
            pool: KBox::pin_init(new_mutex!(pool), GFP_KERNEL)?,
        };
        Ok(Self {
            _registration: hw_random::Registration::new("virtio_rng", generator)?,
            _live: live,
            queue,
        })
    }
}

impl Drop for Rng {
    fn drop(&mut self) {
        // Unregistering waits for readers, so they must not wait for the device.
        self.queue.stop();
    }
}

module_virtio_driver! {
    type: Rng,
    name: "virtio_rng_rust",
    authors: ["The virtio-rust authors"],
    description: "Virtio entropy driver",
    license: "GPL",
}

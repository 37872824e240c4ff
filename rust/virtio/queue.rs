// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Virtqueues (VIRTIO 1.4, 2.6 and 2.7).
//!
//! A [`Queue`] owns what its device may touch. [`Queue::add`] moves a *token* in: a value that owns
//! the memory of one request. [`Queue::pop`] moves it out once the device is done with it, and
//! [`Queue::take_unused`] once a reset has made sure that the device will never be. In between
//! nothing else can reach, change or free that memory.
//!
//! The rules of the ring are in [`super::ring`]; here it meets memory, mappings and tokens.
//!
//! A queue is used by one thread at a time (`&mut self`): drivers keep it in a
//! [`SpinLockIrq`](kernel::sync::SpinLockIrq), which their interrupt handler takes, too.

mod any;
mod chain;
mod mapping;
mod memory;

use core::marker::PhantomData;

use kernel::{
    fmt,
    prelude::*,
    sync::Arc, //
};

pub use self::{
    any::AnyQueue,
    chain::{
        Chain,
        Complete,
        Readable,
        Writable, //
    }, //
};
use self::{
    chain::{
        BuildError,
        Builder, //
    },
    mapping::Mappings,
    memory::{
        Layout,
        PackedRing,
        RingMemory,
        SplitRing, //
    }, //
};
use super::{
    device::Device,
    feature,
    notify::{
        Kick,
        Notifier, //
    },
    ring::{
        layout,
        size,
        stats::Stats,
        ChainError,
        Options,
        Ring,
        Slot,
        Used,
        Violation, //
    },
    transport::RingAddresses, //
};

/// What a driver wants of a queue.
pub struct QueueOptions<'a> {
    /// Name of the queue in `/proc/interrupts`, after the device's: `req.0`.
    pub name: fmt::Arguments<'a>,
    /// The largest ring that is of use; the device may have less.
    pub max_size: u16,
    /// Descriptors in each indirect table, 0 for no tables.
    pub table_len: u16,
    /// Whether the driver looks at the queue by itself: it has no interrupts then. Such queues come
    /// after all others.
    pub polled: bool,
}

impl<'a> QueueOptions<'a> {
    /// A queue as large as the device offers, without indirect tables.
    pub fn new(name: fmt::Arguments<'a>) -> Self {
        Self {
            name,
            max_size: layout::MAX_SIZE,
            table_len: 0,
            polled: false,
        }
    }
}

/// Why [`Queue::add`] did not take a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddErrorReason {
    /// There are not enough free descriptors now.
    Full,
    /// The chain is longer than it may ever be, or empty, or not as announced.
    TooLong,
    /// A segment can not be mapped now.
    Unmappable,
    /// The queue is broken: it takes nothing until it is made anew.
    Broken,
}

/// A token that [`Queue::add`] did not take, handed back.
pub struct AddError<T> {
    /// Why.
    pub reason: AddErrorReason,
    /// The token.
    pub token: T,
}

impl<T> From<AddError<T>> for Error {
    fn from(err: AddError<T>) -> Self {
        match err.reason {
            AddErrorReason::Full => ENOSPC,
            AddErrorReason::TooLong => EINVAL,
            AddErrorReason::Unmappable => ENOMEM,
            AddErrorReason::Broken => EIO,
        }
    }
}

/// A request that the device is done with.
pub struct Completion<T> {
    token: T,
    written: u32,
}

impl<T> Completion<T> {
    /// The token, and how many bytes the device says it wrote: at most what it was given to write,
    /// counted from the start of the first segment that it may write.
    #[inline]
    pub fn into_parts(self) -> (T, u32) {
        (self.token, self.written)
    }
}

/// Allocates memory for a ring as large as the device offers, the driver wants and memory allows, of
/// the form that was negotiated; just as large as the device says, if that is all that it can have.
/// What happens to the ring is counted in `stats`.
///
/// # Errors
///
/// `ENOMEM`; `EINVAL` when no valid size is left.
fn allocate(
    device: &Device,
    offered: u16,
    wanted: &QueueOptions<'_>,
    stats: &Arc<Stats>,
) -> Result<RingMemory> {
    let packed = device.has(feature::transport::RING_PACKED);
    let platform_order = device.has(feature::transport::ORDER_PLATFORM);
    let wants_tables = device.has(feature::transport::INDIRECT_DESC);
    let legacy = device.legacy();
    let is_fixed = legacy.is_some_and(|legacy| legacy.fixed_size);
    let mut size = match is_fixed {
        // VIRTIO 1.4, 2.7.2.
        true => size::exactly(offered),
        false => size::largest(packed, offered, wanted.max_size),
    }
    .ok_or(EINVAL)?;
    let align = match legacy {
        Some(legacy) => usize::try_from(legacy.align)?,
        None => memory::CACHE_LINE,
    };

    loop {
        let layout = Layout {
            packed,
            platform_order,
            size,
            // A table must not be longer than the queue is large (VIRTIO 1.4, 2.7.5.3.1).
            table_len: if wants_tables {
                wanted.table_len.min(size)
            } else {
                0
            },
            align,
            bytes: device.byte_order(),
        };
        match memory::allocate(device.space(), &layout, stats.clone()) {
            Ok(memory) => return Ok(memory),
            Err(err) if is_fixed => return Err(err),
            Err(err) => size = size::smaller(size).ok_or(err)?,
        }
    }
}

/// The ring of a queue.
type QueueRing = Ring<SplitRing, PackedRing, KVVec<Slot>>;

/// A virtqueue whose requests are owned by tokens of type `T`.
pub struct Queue<T> {
    /// [`None`] once given up because the device would not let go of it.
    inner: Option<Inner<T>>,
    device: Arc<Device>,
    notifier: Notifier,
    stats: Arc<Stats>,
    index: u16,
    /// The device has confirmed that it uses this queue no more, whatever it does with others.
    quiet: bool,
    /// Nobody waits for interrupts.
    polled: bool,
}

/// What the device may be using.
struct Inner<T> {
    ring: QueueRing,
    /// The token of each outstanding chain, by head.
    tokens: KVVec<Option<T>>,
    /// Only where buffers have to be mapped.
    mappings: Option<Mappings>,
}

impl<T> Queue<T> {
    /// Makes a queue with a ring that is clear, and that the device has not been told of: see
    /// [`allocate`].
    ///
    /// # Errors
    ///
    /// Those of [`allocate`].
    pub(super) fn new(
        device: Arc<Device>,
        index: u16,
        offered: u16,
        wanted: &QueueOptions<'_>,
        notifier: Notifier,
    ) -> Result<Self> {
        let stats = Arc::new(Stats::default(), GFP_KERNEL)?;
        let memory = allocate(&device, offered, wanted, &stats)?;
        let (size, table_len) = (memory.size(), memory.table_len());
        let options = Options {
            event_idx: device.has(feature::transport::EVENT_IDX),
            indirect: device.has(feature::transport::INDIRECT_DESC),
            in_order: device.has(feature::transport::IN_ORDER),
        };

        let mut tokens = KVVec::with_capacity(size.into(), GFP_KERNEL)?;
        for _ in 0..size {
            tokens.push(None, GFP_KERNEL)?;
        }
        let mappings = device
            .needs_dma_api()
            .then(|| Mappings::new(device.space().clone(), size, table_len))
            .transpose()?;
        let slots = KVVec::from_elem(Slot::default(), size.into(), GFP_KERNEL)?;
        let mut ring = Ring::new(memory, slots, options).map_err(|_| EINVAL)?;
        if wanted.polled {
            ring.silence();
        }

        Ok(Self {
            inner: Some(Inner {
                ring,
                tokens,
                mappings,
            }),
            device,
            notifier,
            stats,
            index,
            quiet: false,
            polled: wanted.polled,
        })
    }

    /// Where the device finds the ring.
    ///
    /// # Errors
    ///
    /// `ENODEV` when it was given up.
    pub(super) fn addresses(&self) -> Result<RingAddresses> {
        let inner = self.inner.as_ref().ok_or(ENODEV)?;
        Ok(match &inner.ring {
            Ring::Split(ring) => ring.memory().addresses(),
            Ring::Packed(ring) => ring.memory().addresses(),
        })
    }

    /// Whether the device can not be using the queue.
    fn is_quiet(&self) -> bool {
        self.quiet || self.device.is_quiescent()
    }

    /// Index of the queue in its device.
    pub fn index(&self) -> u16 {
        self.index
    }

    /// The device.
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// Whether the driver looks at the queue by itself.
    pub fn is_polled(&self) -> bool {
        self.polled
    }

    /// What form of ring it is.
    pub(super) fn form(&self) -> &'static str {
        match self.inner.as_ref().map(|inner| &inner.ring) {
            Some(Ring::Split(_)) => "split",
            Some(Ring::Packed(_)) => "packed",
            None => "none",
        }
    }

    /// Descriptors in the ring.
    pub fn size(&self) -> u16 {
        self.inner.as_ref().map_or(0, |inner| inner.ring.size())
    }

    /// Descriptors that are free for requests.
    pub fn num_free(&self) -> u16 {
        self.inner.as_ref().map_or(0, |inner| inner.ring.num_free())
    }

    /// The longest chain that can ever be added: a table is no longer than all that the ring has room
    /// for, which may be one descriptor less than it has.
    pub fn max_chain(&self) -> u16 {
        self.inner.as_ref().map_or(0, |inner| inner.ring.capacity())
    }

    /// How many requests of `descriptors` descriptors, at least 1, it can have outstanding.
    pub fn max_requests(&self, descriptors: u16) -> u16 {
        let all = self.max_chain();
        // Those that go to tables take one descriptor each.
        let requests = match self.device.has(feature::transport::INDIRECT_DESC) {
            true => all,
            false => all.checked_div(descriptors).unwrap_or(0),
        };
        requests.max(1)
    }

    /// Counters. They outlive the queue, and go on over a restart of the device.
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// Whether the device broke the rules of the ring.
    pub fn is_broken(&self) -> bool {
        self.inner
            .as_ref()
            .is_none_or(|inner| inner.ring.broken().is_some())
    }

    /// Breaks the queue: it takes and gives nothing any more.
    pub fn fail(&mut self) {
        if let Some(inner) = &mut self.inner {
            inner.ring.break_with(Violation::Device);
        }
    }

    /// Adds a request of at most `segments` segments, owned by `token`.
    ///
    /// `build` describes the request. As it must do so for any lifetime of its borrow of the token,
    /// what it describes can only be the token's own memory, which moves in with the token.
    ///
    /// The device learns of it by the next [`Self::kick`] or [`Self::publish`].
    ///
    /// # Errors
    ///
    /// Hands the token back with the reason; the queue is as it was.
    #[inline(always)]
    pub fn add<F>(&mut self, segments: u16, mut token: T, build: F) -> Result<(), AddError<T>>
    where
        F: for<'q, 'a> FnOnce(&'a mut T, Chain<'q, 'a>) -> Chain<'q, 'a, Complete>,
    {
        let Some(inner) = &mut self.inner else {
            return Err(AddError {
                reason: AddErrorReason::Broken,
                token,
            });
        };

        let in_table = match inner.ring.begin(segments) {
            Ok(in_table) => in_table,
            Err(err) => {
                return Err(AddError {
                    reason: err.into(),
                    token,
                })
            }
        };

        let writer = inner.ring.chain_of(segments, in_table);
        let mut builder = Builder::new(writer, &mut inner.mappings);
        let chain = build(
            &mut token,
            Chain {
                builder: &mut builder,
                state: PhantomData,
            },
        );
        match chain.builder.commit() {
            Ok(head) => {
                if let Some(slot) = inner.tokens.get_mut(usize::from(head)) {
                    *slot = Some(token);
                }
                Ok(())
            }
            Err(err) => Err(AddError {
                reason: err.into(),
                token,
            }),
        }
    }

    /// Shows the device what was added, and returns a kick if the device wants to be notified.
    ///
    /// For drivers that let go of their lock before they call [`Notifier::notify`], which leaves
    /// the guest.
    #[inline(always)]
    pub fn publish(&mut self) -> Option<Kick> {
        let ring = &mut self.inner.as_mut()?.ring;
        let wanted = ring.publish();
        wanted.then(|| Kick::new(ring.notification_data()))
    }

    /// What notifies the device of this queue.
    pub fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    /// Shows the device what was added, and notifies it if it wants that.
    #[inline]
    pub fn kick(&mut self) {
        if let Some(kick) = self.publish() {
            self.notifier.notify(kick);
        }
    }

    /// The next request that the device is done with.
    ///
    /// [`None`] when there is none now, and always once the queue is broken.
    #[inline(always)]
    pub fn pop(&mut self) -> Option<Completion<T>> {
        let inner = self.inner.as_mut()?;
        let Used { head, written } = match inner.ring.pop() {
            Ok(used) => used?,
            Err(violation) => {
                Self::report(&self.device, self.index, violation);
                return None;
            }
        };
        if let Some(mappings) = &mut inner.mappings {
            mappings.unmap(head);
        }
        let token = inner.tokens.get_mut(usize::from(head))?.take()?;
        Some(Completion { token, written })
    }

    /// Takes out all requests that the device is done with, and asks it to interrupt for the next one,
    /// unless the driver looks at the queue by itself. `f` is called with what
    /// [`Completion::into_parts`] gives.
    ///
    /// In between the device is asked not to interrupt. It may still do so.
    #[inline(always)]
    pub fn pop_all(&mut self, mut f: impl FnMut(T, u32)) {
        let Some(Inner {
            ring,
            tokens,
            mappings,
        }) = &mut self.inner
        else {
            return;
        };
        let popped = ring.pop_all(!self.polled, |Used { head, written }| {
            if let Some(mappings) = mappings {
                mappings.unmap(head);
            }
            if let Some(token) = tokens.get_mut(usize::from(head)).and_then(Option::take) {
                f(token, written);
            }
        });
        if let Err(violation) = popped {
            Self::report(&self.device, self.index, violation);
        }
    }

    /// Logs what the device did, once: a broken queue reports nothing more.
    #[cold]
    fn report(device: &Device, index: u16, violation: Violation) {
        let why = violation.as_str();
        device.err(fmt!("queue {index} is broken: {why}"));
        device.request_restart();
    }

    /// Asks the device not to interrupt. It may still do so.
    #[inline]
    pub fn disable_interrupts(&mut self) {
        if let Some(inner) = &mut self.inner {
            inner.ring.disable_interrupts();
        }
    }

    /// Asks the device to interrupt. False when requests came back meanwhile, for which there may
    /// be no interrupt: the caller is to go on with [`Self::pop`]. A queue that is polled stays
    /// without interrupts.
    #[inline(always)]
    pub fn enable_interrupts(&mut self) -> bool {
        if self.polled {
            return true;
        }
        self.inner
            .as_mut()
            .is_none_or(|inner| inner.ring.enable_interrupts())
    }

    /// A request that the device will never answer, once its reset is confirmed; [`None`] before,
    /// and when there are no more.
    pub fn take_unused(&mut self) -> Option<T> {
        if !self.is_quiet() {
            return None;
        }
        let inner = self.inner.as_mut()?;

        while let Some(head) = inner.ring.drain() {
            if let Some(mappings) = &mut inner.mappings {
                mappings.unmap(head);
            }
            let token = inner
                .tokens
                .get_mut(usize::from(head))
                .and_then(Option::take);
            if token.is_some() {
                return token;
            }
        }
        None
    }
}

impl<T> Drop for Queue<T> {
    fn drop(&mut self) {
        // Tokens own memory that is mapped: unmap before they go.
        while self.take_unused().is_some() {}

        if !self.is_quiet() {
            self.device.warn(fmt!(
                "queue {} is dropped while the device may use it; its memory is lost",
                self.index
            ));
            // The device may write to the ring and to the buffers of its requests for as long as it
            // likes: losing the memory is better than handing it to somebody else.
            core::mem::forget(self.inner.take());
        }
    }
}

impl From<ChainError> for AddErrorReason {
    fn from(err: ChainError) -> Self {
        match err {
            ChainError::Full => Self::Full,
            ChainError::Broken => Self::Broken,
            _ => Self::TooLong,
        }
    }
}

impl From<BuildError> for AddErrorReason {
    fn from(err: BuildError) -> Self {
        match err {
            BuildError::Ring(err) => err.into(),
            BuildError::Unmappable => Self::Unmappable,
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Resetting a device and bringing it up (VIRTIO 1.4, 2.4 and 3.1), whatever it answers.
//!
//! The order is in the types: features are agreed on only with a device that is [`Quiet`], which
//! only [`reset`] makes; queues are enabled only with the [`Progress`] that this returns. What fails
//! on the way marks the device FAILED and resets it, and no step follows. Each wait has a bound, and
//! ends at once when the device is gone.
//!
//! Both the first start and every later one go through here: see [`restart`].

use super::{
    feature::{
        transport,
        FeatureSet, //
    },
    legacy::Legacy,
    status::Status,
};

/// How long a device may take to reset itself, in milliseconds. Devices that first wait for their
/// own back end have been seen to need seconds; removal has to be done in ten.
pub const RESET_TIMEOUT: u64 = 5_000;

/// How long a device may take to suspend itself or to resume, in milliseconds.
pub const SUSPEND_TIMEOUT: u64 = 5_000;

/// How long a device may take to reset one queue, in milliseconds.
pub const QUEUE_RESET_TIMEOUT: u64 = 2_000;

/// Where the parts of a ring are, as the device sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingAddresses {
    /// Descriptor area.
    pub descriptor: u64,
    /// Driver area: the available ring, or the driver's event suppression.
    pub driver: u64,
    /// Device area: the used ring, or the device's event suppression.
    pub device: u64,
}

/// What bringing up a device asks of its transport, and of the world.
pub trait Control {
    /// The device status; [`None`] when the device is gone: its registers read as all ones.
    fn status(&self) -> Option<Status>;

    /// Writes the device status. Writing [`Status::RESET`] starts a reset.
    fn set_status(&self, status: Status);

    /// Features that the device offers.
    fn device_features(&self) -> FeatureSet;

    /// Tells the device which features the driver accepts.
    fn set_driver_features(&self, features: FeatureSet);

    /// The largest size that queue `index` may have; 0 when it is not available.
    fn queue_max_size(&self, index: u16) -> u16;

    /// Number of queues that the device has, up to `wanted`, where no register says how many.
    fn count_queues(&self, wanted: u16) -> u16 {
        (0..wanted)
            .find(|index| self.queue_max_size(*index) == 0)
            .unwrap_or(wanted)
    }

    /// Whether queue `index` is enabled.
    fn queue_enabled(&self, index: u16) -> bool;

    /// Tells the device size and place of queue `index`; whether it took the size.
    fn place_queue(&self, index: u16, size: u16, ring: RingAddresses) -> bool;

    /// Lets the device use queue `index`.
    fn enable_queue(&self, index: u16);

    /// Asks for a reset of queue `index`, with VIRTIO_F_RING_RESET.
    fn reset_queue(&self, index: u16);

    /// Whether a reset of queue `index` goes on.
    fn queue_resetting(&self, index: u16) -> bool;

    /// Where the device looks for rings, if it is driven by its legacy interface (VIRTIO 1.4, 2.7.2
    /// and 3.1.2).
    fn legacy(&self) -> Option<Legacy> {
        None
    }

    /// Takes back what the device was told of the place of queues: it has confirmed its reset, and is
    /// told nothing else before. For legacy devices, which may not forget it by themselves.
    fn release_queues(&self) {}

    /// Milliseconds since some time.
    fn millis(&self) -> u64;

    /// Waits for about a millisecond.
    fn pause(&self);
}

/// Why a device is not at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It is gone.
    Gone,
    /// It did not finish its reset in time.
    ResetTimeout,
    /// It asks for a reset, or its status is not what it was told.
    Status,
    /// It lacks something that there is no doing without: why.
    Refused(&'static str),
    /// It does not offer VIRTIO_F_VERSION_1, and is not driven by a legacy interface.
    NotModern,
    /// It does not take the features that were chosen of those that it offers.
    Features,
    /// It does not offer any more what was agreed on before.
    FeaturesLost,
    /// It does not have this queue, or not as large as it was.
    NoQueue(u16),
    /// This queue is enabled, which it can not be.
    QueueEnabled(u16),
    /// It does not take the size of this queue.
    QueueSize(u16),
    /// It cannot be told where this queue is.
    QueuePlace(u16),
    /// It does not take a vector.
    Vector,
    /// It did not do in time what it was asked to.
    Timeout,
    /// There is no memory for its queues: not the device's fault.
    Memory,
}

impl Failure {
    /// A description for a log line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "device is gone",
            Self::ResetTimeout => "device does not reset",
            Self::Status => "device asks for a reset, or was reset",
            Self::Refused(why) => why,
            Self::NotModern => "no VIRTIO_F_VERSION_1, by an interface that is not the legacy one",
            Self::Features => "device refuses the features that it offered",
            Self::FeaturesLost => "device does not offer any more what it did",
            Self::NoQueue(_) => "a queue is not available",
            Self::QueueEnabled(_) => "a queue is enabled that was not set up",
            Self::QueueSize(_) => "a queue does not take its size",
            Self::QueuePlace(_) => "a queue lies where a legacy device cannot be told of it",
            Self::Vector => "device does not take its interrupt vectors",
            Self::Timeout => "device does not answer in time",
            Self::Memory => "queues are not ready",
        }
    }
}

/// What a wait looks for.
enum Look<T> {
    /// It is there.
    Done(T),
    /// Not yet.
    Wait,
}

/// Waits for `look` to find something, for `timeout` milliseconds at most: [`None`] then. Looks at
/// least twice.
fn wait<C: Control + ?Sized, T>(
    control: &C,
    timeout: u64,
    mut look: impl FnMut() -> Look<T>,
) -> Option<T> {
    let start = control.millis();
    loop {
        if let Look::Done(found) = look() {
            return Some(found);
        }
        let over = control.millis().wrapping_sub(start) >= timeout;
        control.pause();
        if over {
            return match look() {
                Look::Done(found) => Some(found),
                Look::Wait => None,
            };
        }
    }
}

/// That a device has confirmed its reset and was told nothing since.
#[must_use = "what comes next is bringing the device up"]
#[derive(Debug)]
pub struct Quiet(());

/// Resets a device (VIRTIO 1.4, 2.4) and waits for it to confirm that.
///
/// # Errors
///
/// [`Failure::Gone`], or [`Failure::ResetTimeout`] when the status does not become 0 in time.
pub fn reset<C: Control + ?Sized>(control: &C) -> Result<Quiet, Failure> {
    control.set_status(Status::RESET);

    let look = || match control.status() {
        None => Look::Done(Err(Failure::Gone)),
        Some(Status::RESET) => Look::Done(Ok(Quiet(()))),
        Some(_) => Look::Wait,
    };
    let quiet = wait(control, RESET_TIMEOUT, look).unwrap_or(Err(Failure::ResetTimeout))?;
    control.release_queues();
    Ok(quiet)
}

/// That a device was given up: it was marked FAILED and reset.
#[derive(Debug)]
pub struct Abandoned {
    /// Why.
    pub why: Failure,
    /// What became of the reset.
    pub quiet: Result<Quiet, Failure>,
}

/// How far a device has been brought: what it was told last. Never made of what it says.
#[must_use = "a device that is not brought up is to be reset"]
#[derive(Debug, PartialEq, Eq)]
pub struct Progress(Status);

impl Progress {
    /// That of a device with VIRTIO_F_VERSION_1 that was told to go.
    pub fn live() -> Self {
        Self(
            Status::ACKNOWLEDGE
                .with(Status::DRIVER)
                .with(Status::FEATURES_OK)
                .with(Status::DRIVER_OK),
        )
    }

    /// Whether the device was told to go.
    pub fn is_live(&self) -> bool {
        self.0.contains(Status::DRIVER_OK)
    }

    /// Whether the device agrees about its status.
    ///
    /// # Errors
    ///
    /// [`Failure::Gone`]; [`Failure::Status`] when it does not, which is so when it was reset or
    /// wants to be.
    pub fn check<C: Control + ?Sized>(&self, control: &C) -> Result<(), Failure> {
        let status = control.status().ok_or(Failure::Gone)?;
        if !status.contains(self.0) || status.contains(Status::DEVICE_NEEDS_RESET) {
            return Err(Failure::Status);
        }
        Ok(())
    }

    /// Sets one more bit of the status.
    fn advance<C: Control + ?Sized>(&mut self, control: &C, bit: Status) -> Result<(), Failure> {
        self.check(control)?;
        self.0 = self.0.with(bit);
        control.set_status(self.0);
        Ok(())
    }

    /// Enables the queues, which are placed and have their vectors, and lets the device go (VIRTIO
    /// 1.4, 3.1.1, step 8).
    ///
    /// # Errors
    ///
    /// Those of [`Self::check`]. The device may have used its queues then.
    pub fn start<C: Control + ?Sized>(&mut self, control: &C, queues: u16) -> Result<(), Failure> {
        for index in 0..queues {
            control.enable_queue(index);
        }
        self.advance(control, Status::DRIVER_OK)?;
        self.check(control)
    }

    /// Says that the driver gives up on the device, unless it is at work (VIRTIO 1.4, 3.1.1). A
    /// reset has to follow.
    pub fn give_up<C: Control + ?Sized>(&self, control: &C) {
        if !self.is_live() {
            control.set_status(self.0.with(Status::FAILED));
        }
    }

    /// Gives up, and resets the device.
    fn abandon<C: Control + ?Sized>(&self, control: &C, why: Failure) -> Abandoned {
        control.set_status(self.0.with(Status::FAILED));
        Abandoned {
            why,
            quiet: reset(control),
        }
    }

    /// Suspends the device, with VIRTIO_F_SUSPEND (VIRTIO 1.4, 3.4). Nobody may add requests or
    /// notify it any more.
    ///
    /// # Errors
    ///
    /// [`Failure::Gone`], [`Failure::Status`] when it asks for a reset instead or is not at work,
    /// [`Failure::Timeout`]. It has to be reset then.
    pub fn suspend<C: Control + ?Sized>(&self, control: &C) -> Result<(), Failure> {
        if !self.is_live() {
            return Err(Failure::Status);
        }
        control.set_status(self.0.with(Status::SUSPEND));
        settle(control, Status::SUSPEND, Status::DRIVER_OK)
    }

    /// Resumes a suspended device, with VIRTIO_F_SUSPEND (VIRTIO 1.4, 3.4).
    ///
    /// # Errors
    ///
    /// Those of [`Self::suspend`]; [`Failure::Status`] also when the device is not suspended any
    /// more, as one is that lost its power.
    pub fn unsuspend<C: Control + ?Sized>(&self, control: &C) -> Result<(), Failure> {
        let status = control.status().ok_or(Failure::Gone)?;
        if !is_settled(status, Status::SUSPEND, Status::DRIVER_OK) {
            return Err(Failure::Status);
        }
        // The bit that is to go is the device's to clear.
        control.set_status(self.0.with(Status::SUSPEND));
        settle(control, Status::DRIVER_OK, Status::SUSPEND)
    }
}

/// Whether bit `on` is set in `status` and bit `off` is not.
fn is_settled(status: Status, on: Status, off: Status) -> bool {
    status.contains(on) && !status.contains(off)
}

/// Waits for the device to set bit `on` and to clear bit `off`.
fn settle<C: Control + ?Sized>(control: &C, on: Status, off: Status) -> Result<(), Failure> {
    let look = || match control.status() {
        None => Look::Done(Err(Failure::Gone)),
        Some(status) if status.contains(Status::DEVICE_NEEDS_RESET) => {
            Look::Done(Err(Failure::Status))
        }
        Some(status) if is_settled(status, on, off) => Look::Done(Ok(())),
        Some(_) => Look::Wait,
    };
    wait(control, SUSPEND_TIMEOUT, look).unwrap_or(Err(Failure::Timeout))
}

/// Agrees on features with a device (VIRTIO 1.4, 3.1.1, steps 2 to 6): on those of the offered ones
/// that `choose` returns, to which the device may say no. A legacy device has no way to say that, and
/// no more than 32 features (3.1.2 and 4.1.4.10).
///
/// # Errors
///
/// Any [`Failure`]; those of `choose` are passed on.
pub fn negotiate<C: Control + ?Sized>(
    _quiet: Quiet,
    control: &C,
    choose: impl FnOnce(FeatureSet) -> Result<FeatureSet, Failure>,
) -> Result<(Progress, FeatureSet), Abandoned> {
    control.set_status(Status::ACKNOWLEDGE);
    let mut progress = Progress(Status::ACKNOWLEDGE.with(Status::DRIVER));
    control.set_status(progress.0);

    match agree(control, &mut progress, choose) {
        Ok(features) => Ok((progress, features)),
        Err(failure) => Err(progress.abandon(control, failure)),
    }
}

/// The part of [`negotiate`] that may fail.
fn agree<C: Control + ?Sized>(
    control: &C,
    progress: &mut Progress,
    choose: impl FnOnce(FeatureSet) -> Result<FeatureSet, Failure>,
) -> Result<FeatureSet, Failure> {
    let offered = control.device_features();
    progress.check(control)?;
    let features = choose(offered)?;
    if control.legacy().is_some() {
        let features = features.intersection(FeatureSet::LEGACY);
        control.set_driver_features(features);
        return progress.check(control).map(|()| features);
    }
    if !features.contains(transport::VERSION_1) {
        return Err(Failure::NotModern);
    }

    control.set_driver_features(features);
    progress.advance(control, Status::FEATURES_OK)?;
    match progress.check(control) {
        Err(Failure::Status) => Err(Failure::Features),
        result => result.map(|()| features),
    }
}

/// The largest size that a queue may have that is about to be set up.
///
/// # Errors
///
/// [`Failure::NoQueue`] when it does not exist, [`Failure::QueueEnabled`] when the reset left it
/// enabled.
pub fn look_at_queue<C: Control + ?Sized>(control: &C, index: u16) -> Result<u16, Failure> {
    let size = control.queue_max_size(index);
    if size == 0 {
        return Err(Failure::NoQueue(index));
    }
    if control.queue_enabled(index) {
        return Err(Failure::QueueEnabled(index));
    }
    Ok(size)
}

/// Tells the device of a queue (VIRTIO 1.4, 4.1.5.1.3).
///
/// # Errors
///
/// [`Failure::QueueSize`] when it does not take the size, [`Failure::QueuePlace`] when it is a legacy
/// device that could not find the ring.
pub fn place_queue<C: Control + ?Sized>(
    control: &C,
    index: u16,
    size: u16,
    ring: RingAddresses,
) -> Result<(), Failure> {
    let can_be_told = |legacy: Legacy| legacy.page_number(size, ring).is_some();
    if !control.legacy().is_none_or(can_be_told) {
        return Err(Failure::QueuePlace(index));
    }
    if control.place_queue(index, size, ring) {
        Ok(())
    } else {
        Err(Failure::QueueSize(index))
    }
}

/// Brings up a device again as it was: with the same features, and queues of the same sizes. `queue`
/// tells size and place of each of the first `queues` queues; `vectors` tells the device its vectors
/// and returns whether it took them; `begin` is called before it may use a queue.
///
/// # Errors
///
/// Any [`Failure`].
pub fn restart<C: Control + ?Sized>(
    quiet: Quiet,
    control: &C,
    features: FeatureSet,
    queues: u16,
    mut queue: impl FnMut(u16) -> Result<(u16, RingAddresses), Failure>,
    vectors: impl FnOnce() -> bool,
    begin: impl FnOnce(),
) -> Result<Progress, Abandoned> {
    let (mut progress, _) = negotiate(quiet, control, |offered| {
        if offered.contains_all(features) {
            Ok(features)
        } else {
            Err(Failure::FeaturesLost)
        }
    })?;

    let rest = || {
        for index in 0..queues {
            let (size, ring) = queue(index)?;
            if look_at_queue(control, index)? < size {
                return Err(Failure::NoQueue(index));
            }
            place_queue(control, index, size, ring)?;
        }
        if !vectors() {
            return Err(Failure::Vector);
        }
        begin();
        progress.start(control, queues)
    };
    match rest() {
        Ok(()) => Ok(progress),
        Err(failure) => Err(progress.abandon(control, failure)),
    }
}

/// That a device has confirmed the reset of one queue, which it uses no more, and was told nothing of
/// it since.
#[must_use = "what comes next is letting the device use the queue again"]
#[derive(Debug, PartialEq, Eq)]
pub struct QuietQueue(u16);

/// Resets one queue of a device at work, with VIRTIO_F_RING_RESET (VIRTIO 1.4, 2.6.1 and 4.1.4.3).
/// The device uses it no more once this returns.
///
/// # Errors
///
/// [`Failure::Gone`], [`Failure::Status`] when the device asks for a reset as a whole,
/// [`Failure::Timeout`]. The device may use the queue then, until it is reset.
pub fn reset_queue<C: Control + ?Sized>(control: &C, index: u16) -> Result<QuietQueue, Failure> {
    control.reset_queue(index);

    let look = || match control.status() {
        None => Look::Done(Err(Failure::Gone)),
        Some(status) if status.contains(Status::DEVICE_NEEDS_RESET) => {
            Look::Done(Err(Failure::Status))
        }
        Some(_) if control.queue_resetting(index) || control.queue_enabled(index) => Look::Wait,
        Some(_) => Look::Done(Ok(QuietQueue(index))),
    };
    wait(control, QUEUE_RESET_TIMEOUT, look).unwrap_or(Err(Failure::Timeout))
}

/// Lets a device use a queue again that was reset, at any size up to the largest that it may have.
///
/// # Errors
///
/// Any [`Failure`] of a queue or of its vector. The queue is not enabled then.
pub fn enable_queue<C: Control + ?Sized>(
    control: &C,
    QuietQueue(index): QuietQueue,
    size: u16,
    ring: RingAddresses,
    vector: impl FnOnce() -> bool,
) -> Result<(), Failure> {
    if look_at_queue(control, index)? < size {
        return Err(Failure::NoQueue(index));
    }
    place_queue(control, index, size, ring)?;
    if !vector() {
        return Err(Failure::Vector);
    }
    control.enable_queue(index);
    Ok(())
}

/// Resets one queue of a device at work and lets the device use it again. In between, and not before
/// the device has let go of it, `renew` takes back what the device had, and says of which size the
/// queue is to be and where.
///
/// # Errors
///
/// Those of [`reset_queue`], in which case `renew` is not called, those of `renew`, and those of
/// [`enable_queue`].
pub fn renew_queue<C: Control + ?Sized>(
    control: &C,
    index: u16,
    renew: impl FnOnce(&QuietQueue) -> Result<(u16, RingAddresses), Failure>,
    vector: impl FnOnce() -> bool,
) -> Result<(), Failure> {
    let quiet = reset_queue(control, index)?;
    let (size, ring) = renew(&quiet)?;
    enable_queue(control, quiet, size, ring, vector)
}

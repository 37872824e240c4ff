// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The control registers (VIRTIO 1.4, 4.2.2).

use crate::virtio::{
    bringup::RingAddresses,
    feature::FeatureSet,
    status::Status,
    transport::registers::Registers, //
};

/// Bytes of control registers. The configuration space comes after them.
pub const LEN: usize = 0x100;

/// The largest size of a queue that there is (VIRTIO 1.4, 2.7 and 2.8).
const MAX_QUEUE_SIZE: u32 = 32_768;

/// Offsets of the registers.
pub(super) mod reg {
    /// Says that this is a virtio device.
    pub(in super::super) const MAGIC_VALUE: usize = 0x000;
    /// Version of the register layout.
    pub(in super::super) const VERSION: usize = 0x004;
    /// Type of the device.
    pub(in super::super) const DEVICE_ID: usize = 0x008;
    /// Features that the device offers.
    pub(super) const DEVICE_FEATURES: usize = 0x010;
    /// Which word of them is shown.
    pub(super) const DEVICE_FEATURES_SEL: usize = 0x014;
    /// Features that the driver accepts.
    pub(super) const DRIVER_FEATURES: usize = 0x020;
    /// Which word of them is written.
    pub(super) const DRIVER_FEATURES_SEL: usize = 0x024;
    /// Bytes of the driver's pages; of version 1 alone.
    pub(super) const GUEST_PAGE_SIZE: usize = 0x028;
    /// Which queue the registers of queues are of.
    pub(super) const QUEUE_SEL: usize = 0x030;
    /// Its largest size.
    pub(super) const QUEUE_SIZE_MAX: usize = 0x034;
    /// Its size.
    pub(super) const QUEUE_SIZE: usize = 0x038;
    /// Of what the place of its used ring is a multiple; of version 1 alone.
    pub(super) const QUEUE_ALIGN: usize = 0x03c;
    /// Number of the page at which it begins; of version 1 alone.
    pub(super) const QUEUE_PFN: usize = 0x040;
    /// Whether the device may use it.
    pub(super) const QUEUE_READY: usize = 0x044;
    /// The doorbell of all queues.
    pub(in super::super) const QUEUE_NOTIFY: usize = 0x050;
    /// Why the device interrupts.
    pub(in super::super) const INTERRUPT_STATUS: usize = 0x060;
    /// What has been noticed of that.
    pub(in super::super) const INTERRUPT_ACK: usize = 0x064;
    /// Device status.
    pub(super) const STATUS: usize = 0x070;
    /// Descriptor area of the queue.
    pub(super) const QUEUE_DESC: usize = 0x080;
    /// Its driver area.
    pub(super) const QUEUE_DRIVER: usize = 0x090;
    /// Its device area.
    pub(super) const QUEUE_DEVICE: usize = 0x0a0;
    /// Which region of shared memory the registers below are of.
    pub(super) const SHM_SEL: usize = 0x0ac;
    /// Its length.
    pub(super) const SHM_LEN: usize = 0x0b0;
    /// Its address.
    pub(super) const SHM_BASE: usize = 0x0b8;
    /// Whether the queue is being reset.
    pub(super) const QUEUE_RESET: usize = 0x0c0;
    /// Generation of the configuration space.
    pub(super) const CONFIG_GENERATION: usize = 0x0fc;
}

/// Where the doorbell of all queues is.
pub const DOORBELL: usize = reg::QUEUE_NOTIFY;

/// Bytes of it.
pub const DOORBELL_LEN: usize = 4;

/// A region of memory that the device shares (VIRTIO 1.4, 2.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedMemory {
    /// Its physical address.
    pub base: u64,
    /// Bytes of it.
    pub length: u64,
}

/// The control registers of a device, and its configuration space after them.
///
/// Control registers are accessed by 32 bits (VIRTIO 1.4, 4.2.2.2). Those of a queue are those of the
/// queue selected last: whoever uses them holds the lock of the device's life cycle, or is the only
/// one yet to know the device.
#[derive(Debug)]
pub struct Block<R>(R);

impl<R: Registers> Block<R> {
    /// Wraps registers that are at least [`LEN`] bytes.
    pub fn new(registers: R) -> Self {
        Self(registers)
    }

    /// All registers.
    pub(super) fn registers(&self) -> &R {
        &self.0
    }

    /// Features that the device offers, of the first 64. There are devices (QEMU 11) that take any
    /// word but the first for the second one, in both directions.
    pub fn device_features(&self) -> FeatureSet {
        let [low, high] = [0, 1].map(|select| {
            self.0.write32(reg::DEVICE_FEATURES_SEL, select);
            self.0.read32(reg::DEVICE_FEATURES)
        });
        FeatureSet::from_words([low, high, 0, 0])
    }

    /// Accepts features, which are among the first 64.
    pub fn set_driver_features(&self, features: FeatureSet) {
        for (select, bits) in (0..2).zip(features.words()) {
            self.0.write32(reg::DRIVER_FEATURES_SEL, select);
            self.0.write32(reg::DRIVER_FEATURES, bits);
        }
    }

    /// The first 32 features that the device offers, which are all that version 1 has.
    pub fn first_device_features(&self) -> FeatureSet {
        self.0.write32(reg::DEVICE_FEATURES_SEL, 0);
        FeatureSet::from_words([self.0.read32(reg::DEVICE_FEATURES), 0, 0, 0])
    }

    /// Accepts features, which are among the first 32.
    pub fn set_first_driver_features(&self, features: FeatureSet) {
        let [bits, ..] = features.words();
        self.0.write32(reg::DRIVER_FEATURES_SEL, 0);
        self.0.write32(reg::DRIVER_FEATURES, bits);
    }

    /// Tells a device of version 1 in pages of how many bytes it is told of places.
    pub fn set_page_size(&self, bytes: u32) {
        self.0.write32(reg::GUEST_PAGE_SIZE, bytes);
    }

    /// The device status; [`None`] when the device is gone.
    ///
    /// A device that shows bits which no status has is taken to ask for a reset: it is not to pass
    /// for one that has been reset because the other bits are clear.
    pub fn status(&self) -> Option<Status> {
        let bits = self.0.read32(reg::STATUS);
        let status = match u8::try_from(bits) {
            Ok(bits) => Status::from_bits(bits),
            Err(_) if bits == u32::MAX => return None,
            Err(_) => Status::DEVICE_NEEDS_RESET,
        };
        (!status.is_gone()).then_some(status)
    }

    /// Writes the device status.
    pub fn set_status(&self, status: Status) {
        self.0.write32(reg::STATUS, status.bits().into());
    }

    /// The generation of the configuration space.
    pub fn generation(&self) -> u32 {
        self.0.read32(reg::CONFIG_GENERATION)
    }

    /// The registers of queue `index`.
    pub fn queue(&self, index: u16) -> QueueBlock<'_, R> {
        self.0.write32(reg::QUEUE_SEL, index.into());
        QueueBlock(&self.0)
    }

    /// The region of shared memory that the device type gives the number `id`, if the device has it:
    /// where it says so, which nobody has checked.
    pub fn shared_memory(&self, id: u8) -> Option<SharedMemory> {
        self.0.write32(reg::SHM_SEL, id.into());
        let length = self.read64(reg::SHM_LEN);
        let base = self.read64(reg::SHM_BASE);

        // All ones say that there is none (VIRTIO 1.4, 4.2.2).
        let there = length != u64::MAX && base != u64::MAX && length != 0;
        // What would not end is none either.
        (there && base.checked_add(length).is_some()).then_some(SharedMemory { base, length })
    }

    /// Reads a 64-bit register as two halves.
    fn read64(&self, offset: usize) -> u64 {
        let low = self.0.read32(offset);
        let high = self.0.read32(offset.wrapping_add(4));
        u64::from(low) | u64::from(high) << 32
    }
}

/// The registers of the selected queue.
#[derive(Debug)]
pub struct QueueBlock<'a, R>(&'a R);

impl<R: Registers> QueueBlock<'_, R> {
    /// The largest size that the device supports, as far as there are such sizes; 0 when there is no
    /// such queue.
    pub fn max_size(&self) -> u16 {
        let size = self.0.read32(reg::QUEUE_SIZE_MAX).min(MAX_QUEUE_SIZE);
        // CAST: It fits, it was cut down.
        size as u16
    }

    /// Chooses a size.
    pub fn set_size(&self, size: u16) {
        self.0.write32(reg::QUEUE_SIZE, size.into());
    }

    /// Whether the device may use the queue.
    pub fn is_ready(&self) -> bool {
        self.0.read32(reg::QUEUE_READY) != 0
    }

    /// Lets the device use the queue.
    pub fn make_ready(&self) {
        self.0.write32(reg::QUEUE_READY, 1);
    }

    /// Places the ring.
    pub fn place(&self, ring: RingAddresses) {
        self.write64(reg::QUEUE_DESC, ring.descriptor);
        self.write64(reg::QUEUE_DRIVER, ring.driver);
        self.write64(reg::QUEUE_DEVICE, ring.device);
    }

    /// The page at which the queue of a device of version 1 begins; 0 when it is not in use.
    pub fn page(&self) -> u32 {
        self.0.read32(reg::QUEUE_PFN)
    }

    /// Tells a device of version 1 at which page the queue begins, and lets it use the queue; 0 takes
    /// the queue back.
    pub fn set_page(&self, number: u32) {
        self.0.write32(reg::QUEUE_PFN, number);
    }

    /// Tells a device of version 1 of what the place of the used ring is a multiple.
    pub fn set_alignment(&self, bytes: u32) {
        self.0.write32(reg::QUEUE_ALIGN, bytes);
    }

    /// Asks for a reset of the queue, with VIRTIO_F_RING_RESET.
    pub fn reset(&self) {
        self.0.write32(reg::QUEUE_RESET, 1);
    }

    /// Whether a reset of the queue goes on.
    pub fn is_resetting(&self) -> bool {
        self.0.read32(reg::QUEUE_RESET) != 0
    }

    /// Writes a 64-bit register as two halves, low one first.
    fn write64(&self, offset: usize, value: u64) {
        // CAST: The two halves of the value; what does not fit has been masked or shifted out.
        self.0.write32(offset, (value & 0xffff_ffff) as u32);
        self.0.write32(offset.wrapping_add(4), (value >> 32) as u32);
    }
}

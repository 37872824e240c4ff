// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Finding the structures of a device by its PCI capabilities.
//!
//! The device decides what the capability list says. The walk ends whatever that is, reads each
//! field once, and accepts no region that does not lie in a BAR. As the specification wants, it
//! skips what it does not know, and takes the first usable capability of each type.

use core::fmt;

/// Read access to the configuration space of a PCI function: its first 256 bytes. Reads are
/// aligned.
///
/// Values are in the CPU's byte order, and all ones when the function is gone.
pub trait ConfigSpace {
    /// Reads a byte.
    fn read8(&self, offset: u16) -> u8;
    /// Reads 16 bits.
    fn read16(&self, offset: u16) -> u16;
    /// Reads 32 bits.
    fn read32(&self, offset: u16) -> u32;
}

/// The lengths of the six BARs; `None` for one that the function does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bars(pub [Option<u64>; 6]);

/// A part of a BAR. It lies within it and is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Number of the BAR.
    pub bar: u8,
    /// Where the part begins.
    pub offset: u64,
    /// Bytes in it.
    pub length: u64,
}

impl Region {
    /// The part that is of use: no more than the first `length` bytes. How long a structure claims
    /// to be is the device's word.
    #[must_use]
    pub fn first(self, length: u64) -> Self {
        Self {
            length: self.length.min(length),
            ..self
        }
    }
}

/// Where queues are notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notify {
    /// Where the notification structure is.
    pub region: Region,
    /// What a queue's offset is multiplied by: zero, or a power of two greater than one.
    pub multiplier: u32,
}

impl Notify {
    /// Whether doorbells can be 32 bits wide, as far as can be told for all queues.
    pub fn has_room_for_data(&self) -> bool {
        self.region.length >= 4 && self.region.offset % 4 == 0 && self.multiplier % 4 == 0
    }

    /// Where in the region the queue is notified whose `queue_notify_off` this is, by a write of
    /// `width` bytes: 2, or 4 with `VIRTIO_F_NOTIFICATION_DATA`. `None` if that is not inside the
    /// region or not aligned.
    pub fn doorbell(&self, queue_notify_off: u16, width: u8) -> Option<u64> {
        let width = u64::from(width);
        let offset = u64::from(queue_notify_off).checked_mul(u64::from(self.multiplier))?;
        let end = offset.checked_add(width)?;
        let address = self.region.offset.checked_add(offset)?;
        if end > self.region.length || address.checked_rem(width)? != 0 {
            return None;
        }
        Some(offset)
    }
}

/// A region of shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedMemory {
    /// The number that the device type gives it.
    pub id: u8,
    /// Where it is.
    pub region: Region,
}

/// Where the structures of a device are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Common configuration, at least as much of it as each version has.
    pub common: Region,
    /// Notification.
    pub notify: Notify,
    /// Interrupt status.
    pub isr: Region,
    /// Configuration that is specific to the type of the device.
    pub device: Option<Region>,
    /// Shared memory, at the beginning of the array.
    shared: [Option<SharedMemory>; Self::MAX_SHARED],
}

impl Capabilities {
    /// Regions of shared memory that are noted; more are ignored.
    pub const MAX_SHARED: usize = 8;

    /// Regions of shared memory, each with an id of its own.
    pub fn shared_memory(&self) -> impl Iterator<Item = SharedMemory> + '_ {
        self.shared.iter().copied().flatten()
    }
}

/// What is wrong with a capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// The capability is too short for its type, or leads out of the configuration space.
    Capability,
    /// The function does not have the BAR.
    Bar,
    /// The structure begins at an offset that its type does not allow.
    Alignment,
    /// The structure begins beyond the end of the BAR.
    Range,
    /// The structure is too short, as far as it lies in the BAR.
    Short,
    /// The multiplier for notifications is not a power of two, or is one.
    Multiplier,
}

impl Defect {
    /// A description for a log line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capability => "capability too short",
            Self::Bar => "no such BAR",
            Self::Alignment => "offset not aligned",
            Self::Range => "outside its BAR",
            Self::Short => "too short",
            Self::Multiplier => "invalid multiplier",
        }
    }
}

/// A structure that each device needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structure {
    /// Common configuration.
    Common,
    /// Notification.
    Notify,
    /// Interrupt status.
    Isr,
}

impl Structure {
    /// A name for a log line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Common => "common configuration",
            Self::Notify => "notification structure",
            Self::Isr => "ISR status",
        }
    }
}

/// Why the capabilities cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapabilityError {
    /// The function does not answer.
    Gone,
    /// There is no common configuration, usable or not: the function has no more than the legacy
    /// interface.
    NoCommon,
    /// There is no notification structure.
    NoNotify,
    /// There is no ISR status.
    NoIsr,
    /// The capability list leads back into itself.
    Loop,
    /// The capability list leads into the header.
    Pointer,
    /// There is a structure, but it is not usable. What is wrong with the first one.
    Unusable(Structure, Defect),
}

impl CapabilityError {
    /// A description for a log line. [`fmt::Display`] has more to say of [`Self::Unusable`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "device does not answer",
            Self::NoCommon => "no common configuration (legacy device?)",
            Self::NoNotify => "no notification structure",
            Self::NoIsr => "no ISR status",
            Self::Loop => "capability list is a loop",
            Self::Pointer => "capability list leads into the header",
            Self::Unusable(structure, _) => structure.as_str(),
        }
    }
}

impl fmt::Display for CapabilityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        if let Self::Unusable(_, defect) = self {
            f.write_str(": ")?;
            f.write_str(defect.as_str())?;
        }
        Ok(())
    }
}

/// Offset of the status register.
const STATUS: u16 = 0x06;
/// Bit of the status register: there is a capability list.
const STATUS_CAP_LIST: u16 = 0x10;
/// Offset of the pointer to the first capability.
const CAPABILITY_LIST: u16 = 0x34;
/// Where capabilities can begin.
const HEADER_END: u16 = 0x40;
/// Bytes of the configuration space that capabilities can be in.
const SPACE_END: u16 = 0x100;
/// Capability id of vendor-specific capabilities.
const VENDOR_SPECIFIC: u8 = 0x09;

/// `cfg_type` of the common configuration.
const COMMON_CFG: u8 = 1;
/// `cfg_type` of the notification structure.
const NOTIFY_CFG: u8 = 2;
/// `cfg_type` of the ISR status.
const ISR_CFG: u8 = 3;
/// `cfg_type` of the configuration that is specific to the type of the device.
const DEVICE_CFG: u8 = 4;
/// `cfg_type` of shared memory.
const SHARED_MEMORY_CFG: u8 = 8;

/// Bytes of a capability.
const BASE_LENGTH: u8 = 16;
/// Bytes of a capability with the multiplier for notifications.
const NOTIFY_LENGTH: u8 = 20;
/// Bytes of a capability with offset and length of 64 bits.
const BASE64_LENGTH: u8 = 24;

/// Bytes of the common configuration that each version has.
const COMMON_LENGTH: u64 = 56;

/// The place in which the first usable structure of a type is put.
struct First<T> {
    /// The structure, or what is wrong with the first one that is not usable.
    found: Option<Result<T, Defect>>,
}

impl<T> First<T> {
    /// Nothing yet.
    const NONE: Self = Self { found: None };

    /// Looks at one more, unless there is a usable one.
    fn note(&mut self, candidate: impl FnOnce() -> Result<T, Defect>) {
        match self.found {
            Some(Ok(_)) => {}
            Some(Err(_)) => {
                if let Ok(usable) = candidate() {
                    self.found = Some(Ok(usable));
                }
            }
            None => self.found = Some(candidate()),
        }
    }

    /// What was found.
    fn finish(self, structure: Structure, none: CapabilityError) -> Result<T, CapabilityError> {
        match self.found {
            Some(found) => found.map_err(|defect| CapabilityError::Unusable(structure, defect)),
            None => Err(none),
        }
    }
}

/// A vendor-specific capability of a known type, on a BAR that is not reserved.
struct Candidate<'a, C: ?Sized> {
    /// The configuration space.
    space: &'a C,
    /// The BARs.
    bars: &'a Bars,
    /// Where the capability is.
    at: u16,
    /// How long it says it is.
    cap_len: u8,
    /// Its BAR.
    bar: u8,
}

impl<C: ConfigSpace + ?Sized> Candidate<'_, C> {
    /// Reads 32 bits of the capability.
    fn read32(&self, offset: u16) -> u32 {
        self.space.read32(self.at.wrapping_add(offset))
    }

    /// Reads 64 bits of the capability, in two halves.
    fn read64(&self, low: u16, high: u16) -> u64 {
        let low = u64::from(self.read32(low));
        low | (u64::from(self.read32(high)) << 32)
    }

    /// Whether the capability is as long as `needed`, and is inside the configuration space that
    /// far.
    fn check(&self, needed: u8) -> Result<(), Defect> {
        if self.cap_len < needed || self.at > SPACE_END.wrapping_sub(u16::from(needed)) {
            return Err(Defect::Capability);
        }
        Ok(())
    }

    /// The length of the BAR.
    fn bar_length(&self) -> Result<u64, Defect> {
        let length = self.bars.0.get(usize::from(self.bar));
        length.copied().flatten().ok_or(Defect::Bar)
    }

    /// The structure, as far as it is in its BAR: one that goes on beyond is cut off there. It has
    /// to begin at a multiple of `align` and to have `needed` bytes.
    fn region(&self, align: u64, needed: u64) -> Result<Region, Defect> {
        self.check(BASE_LENGTH)?;
        let offset = u64::from(self.read32(8));
        let length = u64::from(self.read32(12));
        if offset.checked_rem(align) != Some(0) {
            return Err(Defect::Alignment);
        }
        let room = self.bar_length()?.checked_sub(offset);
        let room = room.filter(|room| *room != 0).ok_or(Defect::Range)?;
        let length = length.min(room);
        if length < needed {
            return Err(Defect::Short);
        }
        Ok(Region {
            bar: self.bar,
            offset,
            length,
        })
    }

    /// The notification structure.
    fn notify(&self) -> Result<Notify, Defect> {
        self.check(NOTIFY_LENGTH)?;
        let region = self.region(2, 2)?;
        let multiplier = self.read32(16);
        if multiplier != 0 && (multiplier == 1 || !multiplier.is_power_of_two()) {
            return Err(Defect::Multiplier);
        }
        Ok(Notify { region, multiplier })
    }

    /// A region of shared memory. It has to be in its BAR as a whole.
    fn shared_memory(&self, id: u8) -> Result<SharedMemory, Defect> {
        self.check(BASE64_LENGTH)?;
        let offset = self.read64(8, 16);
        let length = self.read64(12, 20);
        if length == 0 {
            return Err(Defect::Short);
        }
        let end = offset.checked_add(length).ok_or(Defect::Range)?;
        if end > self.bar_length()? {
            return Err(Defect::Range);
        }
        let bar = self.bar;
        Ok(SharedMemory {
            id,
            region: Region {
                bar,
                offset,
                length,
            },
        })
    }
}

/// What a walk of the capability list has found so far.
struct Found {
    /// Common configuration.
    common: First<Region>,
    /// Notification.
    notify: First<Notify>,
    /// Interrupt status.
    isr: First<Region>,
    /// Device-specific configuration.
    device: First<Region>,
    /// Shared memory.
    shared: [Option<SharedMemory>; Capabilities::MAX_SHARED],
}

impl Found {
    /// Notes a vendor-specific capability, if it is of a known type and not on a reserved BAR.
    fn note<C: ConfigSpace + ?Sized>(&mut self, space: &C, bars: &Bars, at: u16) {
        let (cap_len, cfg_type) = halves(space.read16(at.wrapping_add(2)));
        // Even the shortest one does not fit behind that. Its BAR is not looked at, so let it be a
        // valid one.
        let fits = at <= SPACE_END.wrapping_sub(u16::from(BASE_LENGTH));
        let (bar, id) = if fits {
            halves(space.read16(at.wrapping_add(4)))
        } else {
            (0, 0)
        };
        if usize::from(bar) >= bars.0.len() {
            return;
        }
        let candidate = Candidate {
            space,
            bars,
            at,
            cap_len,
            bar,
        };
        match cfg_type {
            COMMON_CFG => self.common.note(|| candidate.region(4, COMMON_LENGTH)),
            NOTIFY_CFG => self.notify.note(|| candidate.notify()),
            ISR_CFG => self.isr.note(|| candidate.region(1, 1)),
            DEVICE_CFG => self.device.note(|| candidate.region(4, 1)),
            SHARED_MEMORY_CFG => self.note_shared(id, || candidate.shared_memory(id)),
            _ => {}
        }
    }

    /// Notes a region of shared memory, unless there is one with this id, or it cannot be used.
    fn note_shared(&mut self, id: u8, region: impl FnOnce() -> Result<SharedMemory, Defect>) {
        if self.shared.iter().flatten().any(|known| known.id == id) {
            return;
        }
        if let Some(place) = self.shared.iter_mut().find(|place| place.is_none()) {
            *place = region().ok();
        }
    }

    /// What was found, if nothing is missing.
    fn finish(self) -> Result<Capabilities, CapabilityError> {
        use CapabilityError::{
            NoCommon,
            NoIsr,
            NoNotify, //
        };
        Ok(Capabilities {
            common: self.common.finish(Structure::Common, NoCommon)?,
            notify: self.notify.finish(Structure::Notify, NoNotify)?,
            isr: self.isr.finish(Structure::Isr, NoIsr)?,
            device: self.device.found.and_then(Result::ok),
            shared: self.shared,
        })
    }
}

/// The low and the high byte.
const fn halves(word: u16) -> (u8, u8) {
    let [low, high] = word.to_le_bytes();
    (low, high)
}

/// Finds the structures of a device.
///
/// # Errors
///
/// Without usable common configuration, notification structure or ISR status, or when the
/// capability list is malformed.
pub fn parse<C: ConfigSpace + ?Sized>(
    space: &C,
    bars: &Bars,
) -> Result<Capabilities, CapabilityError> {
    let mut found = Found {
        common: First::NONE,
        notify: First::NONE,
        isr: First::NONE,
        device: First::NONE,
        shared: [None; Capabilities::MAX_SHARED],
    };
    let status = space.read16(STATUS);
    if status == 0xffff {
        return Err(CapabilityError::Gone);
    }
    if status & STATUS_CAP_LIST == 0 {
        return found.finish();
    }
    let mut next = space.read8(CAPABILITY_LIST);
    // One bit for each place where a capability can begin. No place is visited twice, so this ends.
    let mut seen = 0u64;
    loop {
        // The low bits of a pointer are reserved.
        let at = u16::from(next & 0xfc);
        if at == 0 {
            return found.finish();
        }
        if at < HEADER_END {
            return Err(CapabilityError::Pointer);
        }
        let bit = 1u64 << (at / 4);
        if seen & bit != 0 {
            return Err(CapabilityError::Loop);
        }
        seen |= bit;
        let header = space.read16(at);
        if header == 0xffff {
            return Err(CapabilityError::Gone);
        }
        let (id, after) = halves(header);
        if id == VENDOR_SPECIFIC {
            found.note(space, bars, at);
        }
        next = after;
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The common configuration of a PCI device, as registers (4.1.4.3, 4.1.5).
//!
//! This knows nothing of what is behind: a write returns what it asks of the device. It tells what a
//! driver must not do: fields accessed by another width than theirs, queues changed while they are
//! enabled, status bits dropped.

use device::Addresses;

/// "No vector" (4.1.5.1.2).
pub const NO_VECTOR: u16 = 0xffff;

/// Device status (2.1).
pub mod status {
    /// The driver can drive the device.
    pub const DRIVER_OK: u8 = 4;
    /// Features are agreed on.
    pub const FEATURES_OK: u8 = 8;
    /// The device is suspended (3.4).
    pub const SUSPEND: u8 = 16;
    /// The device wants to be reset.
    pub const NEEDS_RESET: u8 = 64;
}

/// Features that the registers have to do with.
pub mod feature {
    /// `VIRTIO_F_INDIRECT_DESC`.
    pub const INDIRECT: u128 = 1 << 28;
    /// `VIRTIO_F_EVENT_IDX`.
    pub const EVENT_IDX: u128 = 1 << 29;
    /// `VIRTIO_F_VERSION_1`.
    pub const VERSION_1: u128 = 1 << 32;
    /// `VIRTIO_F_ACCESS_PLATFORM`.
    pub const ACCESS_PLATFORM: u128 = 1 << 33;
    /// `VIRTIO_F_RING_PACKED`.
    pub const PACKED: u128 = 1 << 34;
    /// `VIRTIO_F_IN_ORDER`.
    pub const IN_ORDER: u128 = 1 << 35;
    /// `VIRTIO_F_RING_RESET`.
    pub const RING_RESET: u128 = 1 << 40;
    /// `VIRTIO_F_SUSPEND`.
    pub const SUSPEND: u128 = 1 << 43;
}

/// Offsets of the fields.
pub mod reg {
    /// Which word of the device's features is shown.
    pub const DEVICE_FEATURE_SELECT: u64 = 0x00;
    /// Features that the device offers.
    pub const DEVICE_FEATURE: u64 = 0x04;
    /// Which word of the driver's features is written.
    pub const DRIVER_FEATURE_SELECT: u64 = 0x08;
    /// Features that the driver accepts.
    pub const DRIVER_FEATURE: u64 = 0x0c;
    /// Vector of configuration changes.
    pub const CONFIG_VECTOR: u64 = 0x10;
    /// Number of queues.
    pub const NUM_QUEUES: u64 = 0x12;
    /// Device status.
    pub const STATUS: u64 = 0x14;
    /// Generation of the device configuration.
    pub const GENERATION: u64 = 0x15;
    /// Which queue the fields below are of.
    pub const QUEUE_SELECT: u64 = 0x16;
    /// Its size.
    pub const QUEUE_SIZE: u64 = 0x18;
    /// Its vector.
    pub const QUEUE_VECTOR: u64 = 0x1a;
    /// Whether it is enabled.
    pub const QUEUE_ENABLE: u64 = 0x1c;
    /// Where it is notified.
    pub const QUEUE_NOTIFY_OFF: u64 = 0x1e;
    /// Its descriptor area; the low half.
    pub const QUEUE_DESC: u64 = 0x20;
    /// Its driver area.
    pub const QUEUE_DRIVER: u64 = 0x28;
    /// Its device area.
    pub const QUEUE_DEVICE: u64 = 0x30;
    /// What it is notified with.
    pub const QUEUE_NOTIF_DATA: u64 = 0x38;
    /// Whether it is being reset.
    pub const QUEUE_RESET: u64 = 0x3a;
    /// The first administration queue: none here.
    pub const ADMIN_QUEUE_INDEX: u64 = 0x3c;
    /// How many there are.
    pub const ADMIN_QUEUE_NUM: u64 = 0x3e;
    /// Bytes of the structure.
    pub const END: u64 = 0x40;
}

/// The fields, each with its width.
const FIELDS: &[(u64, usize)] = &[
    (reg::DEVICE_FEATURE_SELECT, 4),
    (reg::DEVICE_FEATURE, 4),
    (reg::DRIVER_FEATURE_SELECT, 4),
    (reg::DRIVER_FEATURE, 4),
    (reg::CONFIG_VECTOR, 2),
    (reg::NUM_QUEUES, 2),
    (reg::STATUS, 1),
    (reg::GENERATION, 1),
    (reg::QUEUE_SELECT, 2),
    (reg::QUEUE_SIZE, 2),
    (reg::QUEUE_VECTOR, 2),
    (reg::QUEUE_ENABLE, 2),
    (reg::QUEUE_NOTIFY_OFF, 2),
    (reg::QUEUE_DESC, 4),
    (reg::QUEUE_DESC + 4, 4),
    (reg::QUEUE_DRIVER, 4),
    (reg::QUEUE_DRIVER + 4, 4),
    (reg::QUEUE_DEVICE, 4),
    (reg::QUEUE_DEVICE + 4, 4),
    (reg::QUEUE_NOTIF_DATA, 2),
    (reg::QUEUE_RESET, 2),
    (reg::ADMIN_QUEUE_INDEX, 2),
    (reg::ADMIN_QUEUE_NUM, 2),
];

/// What a write asks of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// To reset itself.
    Reset,
    /// To go: DRIVER_OK was set.
    Start,
    /// To suspend itself.
    Suspend,
    /// To resume.
    Resume,
    /// To use a queue.
    Enable(u16),
    /// To reset a queue.
    ResetQueue(u16),
}

/// The fields of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueFields {
    /// The largest size that it may have.
    pub max: u16,
    /// Its size.
    pub size: u16,
    /// Its vector.
    pub vector: u16,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Whether a reset of it goes on.
    pub resetting: bool,
    /// Where it is.
    pub at: Addresses,
}

impl QueueFields {
    /// Those of a queue that may have so many entries, after a reset.
    pub fn new(max: u16) -> Self {
        Self {
            max,
            size: max,
            vector: NO_VECTOR,
            enabled: false,
            resetting: false,
            at: Addresses {
                desc: 0,
                driver: 0,
                device: 0,
            },
        }
    }
}

/// The registers.
#[derive(Clone, Debug)]
pub struct Common {
    /// Features that are offered.
    pub offered: u128,
    /// Features that the driver accepted.
    pub accepted: u128,
    /// Device status.
    pub status: u8,
    /// Generation of the device configuration.
    pub generation: u8,
    /// Vector of configuration changes.
    pub config_vector: u16,
    /// Vectors that the device has.
    pub vectors: u16,
    /// The queues.
    pub queues: Vec<QueueFields>,
    /// Which words and which queue are selected.
    device_select: u32,
    driver_select: u32,
    queue_select: u16,
}

/// Replaces the low or the high half of an address.
fn half(old: u64, high: bool, value: u64) -> u64 {
    if high {
        old & 0xffff_ffff | value << 32
    } else {
        old & !0xffff_ffff | value & 0xffff_ffff
    }
}

impl Common {
    /// Those of a device with queues that may have so many entries, after a reset.
    pub fn new(offered: u128, sizes: &[u16], vectors: u16) -> Self {
        Self {
            offered,
            accepted: 0,
            status: 0,
            generation: 0,
            config_vector: NO_VECTOR,
            vectors,
            queues: sizes.iter().map(|&size| QueueFields::new(size)).collect(),
            device_select: 0,
            driver_select: 0,
            queue_select: 0,
        }
    }

    /// Puts the registers where they are after a reset (2.4.1). The generation stays.
    pub fn reset(&mut self) {
        let sizes: Vec<u16> = self.queues.iter().map(|queue| queue.max).collect();
        let generation = self.generation;
        *self = Self::new(self.offered, &sizes, self.vectors);
        self.generation = generation;
    }

    /// Whether a feature was agreed on.
    pub fn has(&self, feature: u128) -> bool {
        self.accepted & feature != 0
    }

    /// The selected queue.
    fn queue(&mut self) -> Option<&mut QueueFields> {
        self.queues.get_mut(usize::from(self.queue_select))
    }

    /// What is wrong with an access of this kind, whatever its value.
    pub fn check(&self, offset: u64, width: usize, is_write: bool) -> Result<(), String> {
        let what = if is_write { "write" } else { "read" };
        if !FIELDS.contains(&(offset, width)) {
            return Err(format!("{what} of {width} bytes at {offset:#x}"));
        }
        let optional = match offset {
            reg::QUEUE_RESET => !self.has(feature::RING_RESET),
            _ => false,
        };
        if optional {
            return Err(format!("{what} of {offset:#x} without its feature"));
        }
        Ok(())
    }

    /// Reads a field.
    pub fn read(&mut self, offset: u64, width: usize) -> u64 {
        let vectors = self.queues.len() as u64;
        let select = u64::from(self.queue_select);
        let is_queue = |queue: Option<&mut QueueFields>, f: fn(&QueueFields) -> u64| {
            queue.map_or(0, |queue| f(queue))
        };
        let value = match offset {
            reg::DEVICE_FEATURE_SELECT => self.device_select.into(),
            reg::DEVICE_FEATURE => word(self.offered, self.device_select),
            reg::DRIVER_FEATURE_SELECT => self.driver_select.into(),
            reg::DRIVER_FEATURE => word(self.accepted, self.driver_select),
            reg::CONFIG_VECTOR => self.config_vector.into(),
            reg::NUM_QUEUES => vectors,
            reg::STATUS => self.status.into(),
            reg::GENERATION => self.generation.into(),
            reg::QUEUE_SELECT => select,
            reg::QUEUE_SIZE => is_queue(self.queue(), |queue| queue.size.into()),
            reg::QUEUE_VECTOR => self.queue().map_or(NO_VECTOR, |queue| queue.vector).into(),
            reg::QUEUE_ENABLE => is_queue(self.queue(), |queue| queue.enabled.into()),
            reg::QUEUE_NOTIFY_OFF | reg::QUEUE_NOTIF_DATA => select,
            reg::QUEUE_DESC => is_queue(self.queue(), |queue| queue.at.desc),
            0x24 => is_queue(self.queue(), |queue| queue.at.desc >> 32),
            reg::QUEUE_DRIVER => is_queue(self.queue(), |queue| queue.at.driver),
            0x2c => is_queue(self.queue(), |queue| queue.at.driver >> 32),
            reg::QUEUE_DEVICE => is_queue(self.queue(), |queue| queue.at.device),
            0x34 => is_queue(self.queue(), |queue| queue.at.device >> 32),
            reg::QUEUE_RESET => is_queue(self.queue(), |queue| queue.resetting.into()),
            _ => 0,
        };
        match width {
            1 => value & 0xff,
            2 => value & 0xffff,
            _ => value & 0xffff_ffff,
        }
    }

    /// Writes a field: what that asks of the device, or which rule the driver broke.
    pub fn write(&mut self, offset: u64, value: u64) -> Result<Effect, String> {
        // CAST: All but the status are masked to their width by who calls.
        let short = (value & 0xffff) as u16;
        let long = (value & 0xffff_ffff) as u32;
        let vector = if short < self.vectors {
            short
        } else {
            NO_VECTOR
        };
        match offset {
            reg::DEVICE_FEATURE_SELECT => self.device_select = long,
            reg::DRIVER_FEATURE_SELECT => self.driver_select = long,
            reg::DRIVER_FEATURE => {
                if self.status & status::FEATURES_OK != 0 {
                    return Err("features written after FEATURES_OK".into());
                }
                if self.driver_select < 4 {
                    let shift = 32 * self.driver_select;
                    self.accepted &= !(0xffff_ffff << shift);
                    self.accepted |= u128::from(long) << shift;
                }
            }
            reg::CONFIG_VECTOR => self.config_vector = vector,
            reg::STATUS => return self.write_status((value & 0xff) as u8),
            reg::QUEUE_SELECT => self.queue_select = short,
            reg::QUEUE_RESET => return self.write_queue_reset(short),
            reg::QUEUE_SIZE..reg::QUEUE_NOTIF_DATA => {
                return self.write_queue(offset, value, vector)
            }
            _ => return Err(format!("write of {offset:#x}, which is read-only")),
        }
        Ok(Effect::None)
    }

    /// Writes the device status (2.1, 3.4).
    fn write_status(&mut self, value: u8) -> Result<Effect, String> {
        if value == 0 {
            return Ok(Effect::Reset);
        }
        let old = self.status;
        // Bits that the device sets and clears itself are none of the driver's.
        let own = status::SUSPEND | status::NEEDS_RESET | status::DRIVER_OK;
        if old & !value & !own != 0 {
            return Err(format!("status {old} became {value}"));
        }
        if value & status::SUSPEND != 0 {
            if !self.has(feature::SUSPEND) {
                return Err("SUSPEND without its feature".into());
            }
            return Ok(if old & status::SUSPEND != 0 {
                Effect::Resume
            } else {
                Effect::Suspend
            });
        }
        self.status = value | old & status::NEEDS_RESET;
        if old & status::FEATURES_OK == 0 && value & status::FEATURES_OK != 0 {
            let legal = self.accepted & !self.offered == 0 && self.has(feature::VERSION_1);
            if !legal {
                self.status &= !status::FEATURES_OK;
                return Err(format!("accepted features {:#x}", self.accepted));
            }
        }
        let started = old & status::DRIVER_OK == 0 && value & status::DRIVER_OK != 0;
        if started && self.status & status::FEATURES_OK == 0 {
            return Err("DRIVER_OK without FEATURES_OK".into());
        }
        Ok(if started { Effect::Start } else { Effect::None })
    }

    /// Writes the reset of the selected queue (2.6.1, 4.1.4.3.2).
    fn write_queue_reset(&mut self, value: u16) -> Result<Effect, String> {
        let index = self.queue_select;
        if value != 1 {
            return Err(format!("{value} written to queue_reset"));
        }
        match self.queue() {
            Some(queue) if queue.enabled => {
                queue.resetting = true;
                Ok(Effect::ResetQueue(index))
            }
            Some(_) => Err(format!("reset of queue {index}, which is not enabled")),
            None => Err(format!("reset of queue {index}, which there is not")),
        }
    }

    /// Writes a field of the selected queue (4.1.4.3.2).
    fn write_queue(&mut self, offset: u64, value: u64, vector: u16) -> Result<Effect, String> {
        let index = self.queue_select;
        let agreed = self.status & status::FEATURES_OK != 0;
        let packed = self.has(feature::PACKED);
        let Some(queue) = self.queue() else {
            return Err(format!("write of queue {index}, which there is not"));
        };
        if queue.enabled && offset != reg::QUEUE_VECTOR {
            return Err(format!(
                "write of {offset:#x} of queue {index}, which is enabled"
            ));
        }
        match offset {
            reg::QUEUE_SIZE => {
                queue.size = (value & 0xffff) as u16;
                if queue.size > queue.max || (!packed && !queue.size.is_power_of_two()) {
                    return Err(format!("queue {index} of size {value}"));
                }
            }
            reg::QUEUE_VECTOR => queue.vector = vector,
            reg::QUEUE_ENABLE if value != 1 => {
                return Err(format!("{value} written to queue_enable"))
            }
            reg::QUEUE_ENABLE => {
                queue.enabled = true;
                queue.resetting = false;
                if !agreed {
                    return Err(format!("queue {index} enabled before FEATURES_OK"));
                }
                return Ok(Effect::Enable(index));
            }
            reg::QUEUE_DESC => queue.at.desc = half(queue.at.desc, false, value),
            0x24 => queue.at.desc = half(queue.at.desc, true, value),
            reg::QUEUE_DRIVER => queue.at.driver = half(queue.at.driver, false, value),
            0x2c => queue.at.driver = half(queue.at.driver, true, value),
            reg::QUEUE_DEVICE => queue.at.device = half(queue.at.device, false, value),
            0x34 => queue.at.device = half(queue.at.device, true, value),
            _ => return Err(format!("write of {offset:#x}, which is read-only")),
        }
        Ok(Effect::None)
    }

    /// The device has reset a queue (2.6.1.1).
    pub fn queue_is_reset(&mut self, index: u16) {
        if let Some(queue) = self.queues.get_mut(usize::from(index)) {
            *queue = QueueFields::new(queue.max);
        }
    }

    /// The device is suspended, or has resumed (3.4.2).
    pub fn settle(&mut self, suspended: bool) {
        let (on, off) = if suspended {
            (status::SUSPEND, status::DRIVER_OK)
        } else {
            (status::DRIVER_OK, status::SUSPEND)
        };
        self.status = self.status & !off | on;
    }
}

/// 32 bits of a set of features.
fn word(features: u128, index: u32) -> u64 {
    match index {
        0..=3 => (features >> (32 * index)) as u64 & 0xffff_ffff,
        _ => 0,
    }
}

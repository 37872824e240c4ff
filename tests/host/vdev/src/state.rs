// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a driver has told a device, whatever its transport: status (2.1), features (2.2) and queues
//! (2.6).
//!
//! The registers of each transport are decoded elsewhere, and end here: [`crate::common`],
//! [`crate::pci_legacy`], [`crate::mmio`], [`crate::mmio_legacy`]. This knows nothing of what is
//! behind: a write returns what it asks of the device, or which rule the driver broke: queues
//! changed while they are enabled, status bits dropped.

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

/// Features that are none of a device type's.
pub mod feature {
    /// `VIRTIO_F_ANY_LAYOUT`, of the legacy interface (6.3).
    pub const ANY_LAYOUT: u128 = 1 << 27;
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
    /// Those that the legacy interface can show: of more it has no registers (4.1.4.10).
    pub const LEGACY: u128 = 0xffff_ffff;
}

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
    /// To use a queue no longer.
    Disable(u16),
    /// To reset a queue.
    ResetQueue(u16),
    /// To look at a queue.
    Notify(u16),
    /// To go on with its interrupt, of which the driver has handled some causes.
    Acknowledged,
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
    /// The same, with the legacy interface: the number of its first page.
    pub page: u32,
    /// How its used ring is aligned, where the driver says so (4.2.4).
    pub align: u64,
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
            page: 0,
            align: 0,
        }
    }

    /// Where the parts of a queue are that begins at `base`, with the legacy interface: all in one
    /// block, in which the used ring is aligned (2.7.2).
    pub fn in_one_block(&self, base: u64, align: u64) -> Addresses {
        let size = u64::from(self.size);
        let driver = base.wrapping_add(16 * size);
        // Flags, index, as many entries, and `used_event`, whether it is used or not.
        let end = driver.wrapping_add(2 * (3 + size));
        Addresses {
            desc: base,
            driver,
            device: end.checked_next_multiple_of(align).unwrap_or(0),
        }
    }
}

/// What the driver has told.
#[derive(Clone, Debug)]
pub struct State {
    /// Number of the device's type (5).
    pub device_type: u8,
    /// Whether this is the legacy interface.
    pub is_legacy: bool,
    /// Features that are offered.
    pub offered: u128,
    /// Features that the driver accepted.
    pub accepted: u128,
    /// Device status.
    pub status: u8,
    /// Why it interrupts: 1 for used buffers, 2 for the configuration (4.1.4.5, 4.2.2).
    pub isr: u8,
    /// Generation of the device configuration.
    pub generation: u8,
    /// Vector of configuration changes.
    pub config_vector: u16,
    /// Vectors that the device has.
    pub vectors: u16,
    /// The queues.
    pub queues: Vec<QueueFields>,
    /// Bytes of the driver's pages, where it says so (4.2.4).
    pub page_size: u64,
    /// Which word of the offered features is selected, if one is.
    pub device_select: Option<u32>,
    /// Which word of the accepted features is selected, if one is.
    pub driver_select: Option<u32>,
    /// Which queue is selected.
    pub queue_select: u16,
}

/// Replaces the low or the high half of an address.
fn half(old: u64, high: bool, value: u64) -> u64 {
    if high {
        old & 0xffff_ffff | value << 32
    } else {
        old & !0xffff_ffff | value & 0xffff_ffff
    }
}

impl State {
    /// That of a device with queues that may have so many entries, after a reset.
    pub fn new(device_type: u8, offered: u128, sizes: &[u16], vectors: u16) -> Self {
        Self {
            device_type,
            is_legacy: offered & feature::VERSION_1 == 0,
            offered,
            accepted: 0,
            status: 0,
            isr: 0,
            generation: 0,
            config_vector: NO_VECTOR,
            vectors,
            queues: sizes.iter().map(|&size| QueueFields::new(size)).collect(),
            page_size: 0,
            device_select: None,
            driver_select: None,
            queue_select: 0,
        }
    }

    /// Forgets what the driver has told (2.4.1). The generation stays, and the size of pages: drivers
    /// tell it before their reset, and once only.
    pub fn reset(&mut self) {
        let sizes: Vec<u16> = self.queues.iter().map(|queue| queue.max).collect();
        *self = Self {
            is_legacy: self.is_legacy,
            generation: self.generation,
            page_size: self.page_size,
            ..Self::new(self.device_type, self.offered, &sizes, self.vectors)
        };
    }

    /// Whether a feature was agreed on.
    pub fn has(&self, feature: u128) -> bool {
        self.accepted & feature != 0
    }

    /// The selected queue.
    pub fn queue(&self) -> Option<&QueueFields> {
        self.queues.get(usize::from(self.queue_select))
    }

    /// Something of the selected queue; 0 if there is no such queue.
    pub fn of_queue(&self, what: fn(&QueueFields) -> u64) -> u64 {
        self.queue().map_or(0, what)
    }

    /// The vector that is set when the driver writes this one (4.1.5.1.2).
    pub fn vector(&self, value: u16) -> u16 {
        if value < self.vectors {
            value
        } else {
            NO_VECTOR
        }
    }

    /// The selected word of the features that are offered.
    pub fn offered_word(&self) -> u64 {
        word(self.offered, self.device_select)
    }

    /// The selected word of the features that the driver accepted.
    pub fn accepted_word(&self) -> u64 {
        word(self.accepted, self.driver_select)
    }

    /// Writes the selected word of the features that the driver accepts (2.2).
    pub fn accept(&mut self, value: u32) -> Result<Effect, String> {
        let last = match self.is_legacy {
            true => status::DRIVER_OK,
            false => status::FEATURES_OK,
        };
        if self.status & last != 0 {
            return Err("features written after FEATURES_OK".into());
        }
        let select = self.driver_select.unwrap_or(0);
        if select < 4 {
            let shift = 32 * select;
            self.accepted &= !(0xffff_ffff << shift);
            self.accepted |= u128::from(value) << shift;
        }
        if self.is_legacy && self.accepted & !self.offered != 0 {
            // 3.1.2: there is no FEATURES_OK by which to refuse them.
            let accepted = self.accepted;
            self.accepted &= self.offered;
            return Err(format!("accepted features {accepted:#x}"));
        }
        Ok(Effect::None)
    }

    /// Writes the device status (2.1, 3.4).
    pub fn write_status(&mut self, value: u8) -> Result<Effect, String> {
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
            if self.is_legacy {
                // 3.1.2: legacy drivers do without it.
                self.status &= !status::FEATURES_OK;
                return Err("FEATURES_OK by the legacy interface".into());
            }
            let legal = self.accepted & !self.offered == 0 && self.has(feature::VERSION_1);
            if !legal {
                self.status &= !status::FEATURES_OK;
                return Err(format!("accepted features {:#x}", self.accepted));
            }
        }
        let started = old & status::DRIVER_OK == 0 && value & status::DRIVER_OK != 0;
        if started && !self.agreed() {
            return Err("DRIVER_OK without FEATURES_OK".into());
        }
        Ok(if started { Effect::Start } else { Effect::None })
    }

    /// Whether features are agreed on.
    fn agreed(&self) -> bool {
        self.is_legacy || self.status & status::FEATURES_OK != 0
    }

    /// Changes the selected queue, which is not enabled.
    pub fn change(
        &mut self,
        what: &str,
        change: impl FnOnce(&mut QueueFields),
    ) -> Result<Effect, String> {
        let index = self.queue_select;
        match self.queues.get_mut(usize::from(index)) {
            None => Err(format!("{what} of queue {index}, which there is not")),
            Some(queue) if queue.enabled => {
                Err(format!("{what} of queue {index}, which is enabled"))
            }
            Some(queue) => {
                change(queue);
                Ok(Effect::None)
            }
        }
    }

    /// Writes the vector of the selected queue, which may be enabled (4.1.5.1.2).
    pub fn write_queue_vector(&mut self, value: u16) -> Result<Effect, String> {
        let vector = self.vector(value);
        let index = self.queue_select;
        let queue = self.queues.get_mut(usize::from(index));
        let queue = queue.ok_or_else(|| format!("vector of queue {index}, which there is not"))?;
        queue.vector = vector;
        Ok(Effect::None)
    }

    /// Writes the size of the selected queue (2.6).
    pub fn write_queue_size(&mut self, value: u64) -> Result<Effect, String> {
        let packed = self.has(feature::PACKED);
        let mut legal = true;
        self.change("size", |queue| {
            queue.size = (value & 0xffff) as u16;
            legal = value <= queue.max.into() && (packed || queue.size.is_power_of_two());
        })?;
        if !legal {
            return Err(format!("queue {} of size {value}", self.queue_select));
        }
        Ok(Effect::None)
    }

    /// Writes the low or the high half of where an area of the selected queue is.
    pub fn write_address(
        &mut self,
        area: fn(&mut Addresses) -> &mut u64,
        high: bool,
        value: u64,
    ) -> Result<Effect, String> {
        self.change("address", |queue| {
            let at = area(&mut queue.at);
            *at = half(*at, high, value);
        })
    }

    /// Enables the selected queue.
    pub fn enable(&mut self) -> Result<Effect, String> {
        let index = self.queue_select;
        self.change("enabling", |queue| {
            queue.enabled = true;
            queue.resetting = false;
        })?;
        if !self.agreed() {
            return Err(format!("queue {index} enabled before FEATURES_OK"));
        }
        Ok(Effect::Enable(index))
    }

    /// Disables the selected queue, as only some transports can. One that is not enabled is so already.
    pub fn disable(&mut self) -> Result<Effect, String> {
        let index = self.queue_select;
        let queue = self.queues.get_mut(usize::from(index));
        let queue = queue.ok_or_else(|| format!("end of queue {index}, which there is not"))?;
        queue.page = 0;
        if !std::mem::take(&mut queue.enabled) {
            return Ok(Effect::None);
        }
        Ok(Effect::Disable(index))
    }

    /// Puts the selected queue to a page of so many bytes and enables it, or ends it with page 0: by the
    /// legacy interface that is one (4.1.5.1.3.1, 4.2.4).
    pub fn write_queue_page(
        &mut self,
        page: u32,
        page_size: u64,
        align: u64,
    ) -> Result<Effect, String> {
        if page == 0 {
            return self.disable();
        }
        let index = self.queue_select;
        if !page_size.is_power_of_two() || !align.is_power_of_two() {
            return Err(format!(
                "queue {index} on pages of {page_size} bytes, aligned to {align}"
            ));
        }
        self.change("page", |queue| {
            queue.page = page;
            queue.at = queue.in_one_block(u64::from(page).wrapping_mul(page_size), align);
        })?;
        self.enable()
    }

    /// Writes the reset of the selected queue (2.6.1).
    pub fn write_queue_reset(&mut self, value: u64) -> Result<Effect, String> {
        let index = self.queue_select;
        if value != 1 {
            return Err(format!("{value} written to queue_reset"));
        }
        match self.queues.get_mut(usize::from(index)) {
            Some(queue) if queue.enabled => {
                queue.resetting = true;
                Ok(Effect::ResetQueue(index))
            }
            Some(_) => Err(format!("reset of queue {index}, which is not enabled")),
            None => Err(format!("reset of queue {index}, which there is not")),
        }
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
fn word(features: u128, index: Option<u32>) -> u64 {
    match index.unwrap_or(0) {
        index @ 0..=3 => (features >> (32 * index)) as u64 & 0xffff_ffff,
        _ => 0,
    }
}

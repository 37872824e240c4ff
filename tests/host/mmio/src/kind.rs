// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What kinds of devices there are.

use pure::feature::{
    transport,
    FeatureSet, //
};

/// What kind of device it is.
#[derive(Clone, Debug)]
pub struct Kind {
    /// `MagicValue`.
    pub magic: u32,
    /// `Version`.
    pub version: u32,
    /// `DeviceID`.
    pub id: u32,
    /// Bytes of registers that are mapped.
    pub len: usize,
    /// What it offers.
    pub offered: FeatureSet,
    /// The largest size of each queue.
    pub sizes: Vec<u32>,
    /// A queue that is ready after each reset, or in use, of version 1.
    pub stuck: Option<u32>,
    /// Whether queues of version 1 stay in use over a reset, until they are taken back.
    pub keeps: bool,
    /// For how many looks a reset goes on.
    pub reset: u32,
    /// For how many looks the reset of a queue goes on, and after that for how many looks the queue
    /// stays ready.
    pub queue_reset: (u32, u32),
    /// Bits that are always set in the status.
    pub more_status: u32,
    /// Bits that are always set in `InterruptStatus`.
    pub more_interrupts: u32,
    /// The access at which it goes, counted from the first one.
    pub gone_at: Option<usize>,
    /// Whether drivers may look for shared memory.
    pub may_share: bool,
    /// Fields of the configuration space: offset and width of each.
    pub fields: Vec<(usize, usize)>,
    /// How often the generation changes: at each of so many reads of it.
    pub restless: u32,
}

impl Kind {
    /// A device of version 1 that behaves.
    pub fn legacy() -> Self {
        Self {
            version: 1,
            offered: FeatureSet::of(&[transport::EVENT_IDX, transport::ANY_LAYOUT]),
            ..Self::default()
        }
    }
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            magic: u32::from_le_bytes(*b"virt"),
            version: 2,
            id: 4,
            len: 0x200,
            offered: FeatureSet::of(&[
                transport::VERSION_1,
                transport::EVENT_IDX,
                transport::RING_RESET,
                transport::NOTIFICATION_DATA,
            ]),
            sizes: vec![256, 128],
            stuck: None,
            keeps: false,
            reset: 0,
            queue_reset: (0, 0),
            more_status: 0,
            more_interrupts: 0,
            gone_at: None,
            may_share: false,
            fields: Vec::new(),
            restless: 0,
        }
    }
}

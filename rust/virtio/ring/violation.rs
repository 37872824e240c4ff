// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What breaks a queue.

/// What broke a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// The used index moved back, or beyond what was made available.
    UsedIndex,
    /// The device says that it used a chain that it does not have.
    UsedId,
    /// A used entry stands for more chains than the used index was moved by.
    UsedBatch,
    /// The device is gone, or was declared broken, for a reason outside the ring.
    Device,
    /// The queue was drained, and so taken out of service.
    Drained,
    /// The ring's own state is inconsistent, which is a bug.
    Internal,
}

impl Violation {
    /// Those that a device commits in the ring, each of which is counted:
    /// [`Stats::rejected`](super::stats::Stats::rejected).
    pub const OF_DEVICE: [Self; 3] = [Self::UsedIndex, Self::UsedId, Self::UsedBatch];

    /// A description for a log line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UsedIndex => "used index beyond what was made available",
            Self::UsedId => "used entry for a chain that the device does not have",
            Self::UsedBatch => "used entry for more chains than the used index says",
            Self::Device => "device broken or gone",
            Self::Drained => "queue drained",
            Self::Internal => "inconsistent ring state",
        }
    }

    /// A name for a file or a table: one word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UsedIndex => "used_index",
            Self::UsedId => "used_id",
            Self::UsedBatch => "used_batch",
            Self::Device => "device",
            Self::Drained => "drained",
            Self::Internal => "internal",
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! A device that keeps to the rules.

use super::{
    Chain,
    Recorder, //
};

/// The device's side of a ring.
#[derive(Debug)]
pub struct Device {
    /// What it shares with the driver.
    memory: Recorder,
    /// Available entries taken.
    last_avail: u16,
    /// Used entries written.
    used: u16,
}

/// Whether the entry at `event` is one of those from `old` to before `new`.
fn passed(event: u16, old: u16, new: u16) -> bool {
    event.wrapping_sub(old) < new.wrapping_sub(old)
}

impl Device {
    /// The device at the other end of this memory.
    pub fn new(memory: &Recorder) -> Self {
        Self {
            memory: memory.clone(),
            last_avail: 0,
            used: 0,
        }
    }

    /// What it shares with the driver.
    pub fn memory(&self) -> &Recorder {
        &self.memory
    }

    /// Takes the next available chain.
    pub fn take(&mut self) -> Option<Chain> {
        let shared = self.memory.shared();
        if shared.avail_idx == self.last_avail {
            return None;
        }
        let head = shared.avail[shared.reduce(self.last_avail)];
        self.last_avail = self.last_avail.wrapping_add(1);
        let chain = shared.walk(head);
        assert_eq!(shared.exposed.get(&head), Some(&chain), "changed since");
        Some(chain)
    }

    /// Uses a chain. Whether the driver wants an interrupt for it.
    pub fn complete(&mut self, chain: &Chain, len: u32) -> bool {
        let mut shared = self.memory.shared_mut();
        shared.conceal(chain);
        let at = shared.reduce(self.used);
        shared.used[at] = (u32::from(chain.head), len);
        let old = self.used;
        self.used = self.used.wrapping_add(1);
        shared.used_idx = self.used;
        if shared.options.event_idx {
            passed(shared.used_event, old, self.used)
        } else {
            shared.avail_flags & 1 == 0
        }
    }

    /// Asks for a notification of the next chain.
    pub fn enable_notifications(&mut self) {
        let mut shared = self.memory.shared_mut();
        if shared.options.event_idx {
            shared.avail_event = self.last_avail;
        } else {
            shared.used_flags = 0;
        }
    }

    /// Asks for no notifications.
    pub fn disable_notifications(&mut self) {
        let mut shared = self.memory.shared_mut();
        if shared.options.event_idx {
            shared.avail_event = self.last_avail.wrapping_sub(1);
        } else {
            shared.used_flags = 1;
        }
    }

    /// Whether a device that asked for a notification as this one did wants one of a publication
    /// from `old` on.
    pub fn wants_notification(&self, old: u16) -> bool {
        let shared = self.memory.shared();
        if shared.options.event_idx {
            passed(shared.avail_event, old, shared.avail_idx)
        } else {
            shared.used_flags & 1 == 0
        }
    }
}

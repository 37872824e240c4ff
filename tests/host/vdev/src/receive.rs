// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What comes from outside and is put into buffers that wait for it, as those of a network device.
//!
//! A script's answer to such a buffer holds for when there is something in it.

use crate::{
    machine::Machine,
    script::Answer, //
};
use device::Chain;

impl Machine {
    /// Something comes from outside.
    pub fn arrive(&mut self, bytes: Vec<u8>) {
        self.look_at_config();
        self.model.arrive(bytes);
        self.pending = true;
    }

    /// Has the device look at its configuration, and change there what it was asked to.
    pub(crate) fn look_at_config(&mut self) {
        if self.model.settle(&mut self.config) {
            self.state.generation = self.state.generation.wrapping_add(1);
        }
    }

    /// Puts a buffer to those that wait.
    pub(crate) fn wait(&mut self, index: u16, chain: Chain, answer: Answer) {
        if let Some(waiting) = self.waiting.get_mut(usize::from(index)) {
            waiting.push_back((chain, answer));
        }
    }

    /// Puts all that there is into buffers that wait.
    pub(crate) fn deliver(&mut self) {
        for index in 0..self.waiting.len() {
            // CAST: There are few queues.
            while self.deliver_to(index as u16) {
                self.react();
            }
        }
    }

    /// Puts one thing into buffers of a queue. Whether there was one.
    fn deliver_to(&mut self, index: u16) -> bool {
        let at = usize::from(index);
        let Some(waiting) = self.waiting.get_mut(at) else {
            return false;
        };
        let written = {
            let chains: Vec<&Chain> = waiting.iter().map(|(chain, _)| chain).collect();
            if chains.is_empty() {
                return false;
            }
            self.model.deliver(index, &chains, &self.map, &mut self.log)
        };
        let written = match written {
            Ok(written) => written,
            Err(what) => {
                waiting.clear();
                self.give_up(index, what);
                return false;
            }
        };
        let count = written.len().min(waiting.len());
        let filled: Vec<_> = waiting.drain(..count).zip(written).collect();
        let plain = Answer::default();
        if filled.iter().all(|((_, answer), _)| *answer == plain) {
            let filled = filled.into_iter().map(|((chain, _), len)| (chain, len));
            self.complete_together(index, filled.collect());
        } else {
            for ((chain, answer), len) in filled {
                self.complete_in_time(index, chain, len, answer);
            }
        }
        count != 0
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! An entropy device (5.4). Its bytes are not random but say where they are from: each answer is
//! filled with one letter, `a` to `p` in turn, and the bytes behind what it says it wrote, if a
//! script has it say less, are `!`.

use crate::{
    dma::Map,
    event::Log,
    model::{
        scatter,
        Model, //
    }, //
};
use device::{
    Chain,
    Violation, //
};

/// The device.
#[derive(Default)]
pub struct Rng {
    /// Answers so far.
    answers: u8,
}

impl Rng {
    /// The letter of an answer.
    pub fn letter(answer: u8) -> u8 {
        b'a' + answer % 16
    }
}

impl Model for Rng {
    fn device_type(&self) -> u8 {
        4
    }

    fn class(&self) -> [u8; 3] {
        [0xff, 0, 0]
    }

    fn features(&self) -> u128 {
        0
    }

    fn queues(&self) -> Vec<u16> {
        vec![8]
    }

    fn config(&self) -> Vec<u8> {
        Vec::new()
    }

    fn request(
        &mut self,
        _queue: u16,
        chain: &Chain,
        map: &Map,
        log: &mut Log,
    ) -> Result<Option<u32>, Violation> {
        // 5.4.6.1: no part of the buffer is for the device to read.
        if chain.readable != 0 {
            log.add(crate::event::Event::Violation(format!(
                "{} bytes to read for a generator",
                chain.readable
            )));
        }
        let len = usize::try_from(chain.writable).unwrap_or(0).min(1 << 16);
        let bytes = vec![Self::letter(self.answers); len];
        self.answers = self.answers.wrapping_add(1);
        let written = scatter(chain, map, 0, &bytes)?;
        Ok(Some(u32::try_from(written).unwrap_or(u32::MAX)))
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Ways to interrupt: eventfds, one a vector and one of the line.

use std::fs::File;
use std::io::Write;

/// What QEMU gave to interrupt by.
#[derive(Default)]
pub struct Interrupts {
    /// The line, INTA.
    pub line: Option<File>,
    /// Vectors of MSI-X.
    pub vectors: Vec<Option<File>>,
    /// Whether MSI-X is in use.
    pub by_vector: bool,
}

impl Interrupts {
    /// Writes to an eventfd. Whether there was one.
    fn signal(file: Option<&File>) -> bool {
        // One that is full has not been read yet: an interrupt is pending.
        file.is_some_and(|mut file| {
            let _ = file.write(&1u64.to_ne_bytes());
            true
        })
    }

    /// Interrupts by a vector. Whether there is a way.
    pub fn vector(&self, vector: u16) -> bool {
        Self::signal(
            self.vectors
                .get(usize::from(vector))
                .and_then(Option::as_ref),
        )
    }

    /// Interrupts by the line. Whether there is a way.
    pub fn line(&self) -> bool {
        Self::signal(self.line.as_ref())
    }
}

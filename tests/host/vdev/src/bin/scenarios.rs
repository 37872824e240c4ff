// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Prints the names of all scenarios, one a line.

fn main() {
    for scenario in vdev::scenario::all() {
        println!("{}", scenario.name);
    }
}

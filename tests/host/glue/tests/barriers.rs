// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Which barriers order the accesses to a ring.

use glue::{
    dma::Space,
    sync::barrier::{
        take_made,
        Flavour,
        Order, //
    },
    virtio::queue::allocate, //
};
use pure::ring::{
    Either,
    Memory, //
};

/// The barriers of the kernel's that a ring's barriers are: its write barrier, its read barrier and
/// its full one.
fn barriers(memory: &impl Memory) -> [Vec<(Flavour, Order)>; 3] {
    take_made();
    memory.wmb();
    let write = take_made();
    memory.rmb();
    let read = take_made();
    memory.mb();
    [write, read, take_made()]
}

/// RSV-08: with `VIRTIO_F_ORDER_PLATFORM` the barriers are those that the platform has for devices;
/// without, they are the language's, which order what processors see.
#[test]
fn platform_order_takes_the_barriers_for_devices() {
    for packed in [false, true] {
        for platform_order in [false, true] {
            let memory = allocate(&Space::default(), packed, platform_order, 8, 0).unwrap();
            let found = match &memory {
                Either::Split(memory) => barriers(memory),
                Either::Packed(memory) => barriers(memory),
            };
            if platform_order {
                let expected = [
                    (Flavour::Dma, Order::Write),
                    (Flavour::Dma, Order::Read),
                    (Flavour::All, Order::Full),
                ];
                assert_eq!(found, expected.map(|barrier| vec![barrier]));
            } else {
                assert!(found.iter().all(Vec::is_empty));
            }
        }
    }
}

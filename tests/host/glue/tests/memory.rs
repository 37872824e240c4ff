// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The memory of rings as the module has it, with a device at its other end that reaches it by bytes
//! and by bus addresses only.

use device::{
    Addresses,
    Element,
    Features,
    Queue, //
};
use glue::{
    dma::Space,
    virtio::queue::{
        allocate,
        Place, //
    }, //
};
use pure::ring::{
    packed::PackedMemory,
    split::SplitMemory,
    Options,
    Ring,
    Slot, //
};

/// Goes through a ring a few times, by chains in it and in tables.
fn go_round<A: SplitMemory + Place, B: PackedMemory + Place>(
    ring: &mut Ring<A, B, Vec<Slot>>,
    space: &Space,
    options: Options,
) {
    let (packed, at) = match ring {
        Ring::Split(ring) => (false, ring.memory().place()),
        Ring::Packed(ring) => (true, ring.memory().place()),
    };
    let at = Addresses {
        desc: at.descriptor,
        driver: at.driver,
        device: at.device,
    };
    let features = Features {
        indirect: options.indirect,
        event_idx: options.event_idx,
        in_order: options.in_order,
    };
    let size = ring.size();
    let mut device = Queue::new(space.clone(), packed, size, at, features).expect("aligned");
    let mut number = 0;
    while number < 3 * u64::from(size) + 3 {
        let mut given = Vec::new();
        for count in [2, 1, 3] {
            let Ok(mut chain) = ring.chain(count) else {
                continue;
            };
            let elements: Vec<_> = (0..count)
                .map(|at| Element {
                    addr: 0x0102_0304_0506_0000 + number * 16 + u64::from(at),
                    len: 0x0a0b_0c00 + u32::from(at),
                    writable: at != 0 || count == 1,
                })
                .collect();
            for element in &elements {
                let pushed = chain.push(element.addr, element.len, element.writable);
                pushed.unwrap();
            }
            given.push((chain.commit().unwrap(), elements));
            number += 1;
        }
        ring.publish();
        let mut taken = Vec::new();
        while let Some(chain) = device.take().expect("the driver keeps to the rules") {
            taken.push(chain);
        }
        let found = taken.iter().map(|chain| (chain.id, &chain.elements));
        assert!(found.eq(given.iter().map(|(id, elements)| (*id, elements))));
        let written: Vec<_> = (0x0102_0304..).zip(taken).map(|(n, c)| (c, n)).collect();
        device.complete(written).unwrap();
        for ((id, _), written) in given.iter().zip(0x0102_0304..) {
            let used = ring.peek().unwrap().expect("all are used");
            assert_eq!((used.head, used.written), (*id, written));
            ring.release(used);
        }
        assert!(ring.enable_interrupts());
    }
}

/// VQ-SPLIT-01, VQ-PACKED-01: both forms at all kinds of sizes, each part where it may begin, from memory that is not clear, and with the size changed. What
/// both sides find is what the other one wrote, and nobody writes beyond the end.
#[test]
fn rings_are_laid_out_as_devices_find_them() {
    for packed in [false, true] {
        let sizes = if packed {
            [4, 7, 255, 1000]
        } else {
            [4, 8, 256, 1024]
        };
        for size in sizes {
            for features in 0..8 {
                let options = Options {
                    event_idx: features & 1 != 0,
                    indirect: features & 2 != 0,
                    in_order: features & 4 != 0,
                };
                let space = Space::default();
                let memory = allocate(&space, packed, false, size, 3).unwrap();
                space.fill(0xff);
                let slots = vec![Slot::default(); size.into()];
                let mut ring = Ring::new(memory, slots, options).unwrap();
                go_round(&mut ring, &space, options);
                let smaller = if packed { size - 1 } else { size / 2 };
                for size in [smaller, 4, size] {
                    ring.resize(size).unwrap();
                    go_round(&mut ring, &space, options);
                }
            }
        }
    }
}

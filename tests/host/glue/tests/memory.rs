// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The memory of rings as the module has it, with a device at its other end that reaches it by bytes
//! and by bus addresses only.

use device::{
    Addresses,
    Element,
    Features,
    Memory,
    Queue,
    Violation, //
};
use glue::{
    dma::Space,
    virtio::queue::{
        allocate,
        allocate_split,
        Place, //
    }, //
};
use pure::{
    byte_order::{
        ByteOrder,
        Guest,
        Machine, //
    },
    legacy::Legacy,
    ring::{
        packed::PackedMemory,
        split::SplitMemory,
        Options,
        Ring,
        Slot, //
    },
};

/// Goes through a ring a few times, by chains in it and in tables.
fn go_round<A: SplitMemory + Place, B: PackedMemory + Place>(
    ring: &mut Ring<A, B, Vec<Slot>>,
    space: &Space,
    options: Options,
) {
    let at = addresses(ring);
    let packed = matches!(ring, Ring::Packed(_));
    go_round_at(ring, packed, at, space, options);
}

/// Where the parts of a ring are.
fn addresses<A: SplitMemory + Place, B: PackedMemory + Place>(
    ring: &Ring<A, B, Vec<Slot>>,
) -> Addresses {
    let at = match ring {
        Ring::Split(ring) => ring.memory().place(),
        Ring::Packed(ring) => ring.memory().place(),
    };
    Addresses {
        desc: at.descriptor,
        driver: at.driver,
        device: at.device,
    }
}

/// Adds a chain of so many elements to a ring of one form, if there is room: what it is called.
macro_rules! add {
    ($ring:expr, $count:expr, $elements:expr) => {
        $ring.chain($count).ok().map(|mut chain| {
            for element in $elements {
                let pushed = chain.push(element.addr, element.len, element.writable);
                pushed.unwrap();
            }
            chain.commit().unwrap()
        })
    };
}

/// Does the same, with a device that looks in these places, by its own way of reading numbers.
fn go_round_at<A: SplitMemory, B: PackedMemory>(
    ring: &mut Ring<A, B, Vec<Slot>>,
    packed: bool,
    at: Addresses,
    space: &(impl Memory + Clone),
    options: Options,
) {
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
            let elements: Vec<_> = (0..count)
                .map(|at| Element {
                    addr: 0x0102_0304_0506_0000 + number * 16 + u64::from(at),
                    len: 0x0a0b_0c00 + u32::from(at),
                    writable: at != 0 || count == 1,
                })
                .collect();
            let added = match ring {
                Ring::Split(ring) => add!(ring, count, &elements),
                Ring::Packed(ring) => add!(ring, count, &elements),
            };
            if let Some(id) = added {
                given.push((id, elements));
                number += 1;
            }
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
            let used = ring.pop().unwrap().expect("all are used");
            assert_eq!((used.head, used.written), (*id, written));
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

/// A machine whose highest byte comes first.
#[derive(Clone, Copy)]
enum Big {}

impl Machine for Big {
    const IS_BIG: bool = true;
}

/// Memory for a device that takes the first byte of a number for its highest one.
#[derive(Clone)]
struct BigDevice(Space);

impl Memory for BigDevice {
    fn read16(&self, addr: u64) -> Result<u16, Violation> {
        self.0.read16(addr).map(u16::swap_bytes)
    }

    fn write16(&self, addr: u64, value: u16) -> Result<(), Violation> {
        self.0.write16(addr, value.swap_bytes())
    }

    fn read32(&self, addr: u64) -> Result<u32, Violation> {
        self.0.read32(addr).map(u32::swap_bytes)
    }

    fn read64(&self, addr: u64) -> Result<u64, Violation> {
        self.0.read64(addr).map(u64::swap_bytes)
    }

    fn write32(&self, addr: u64, value: u32) -> Result<(), Violation> {
        self.0.write32(addr, value.swap_bytes())
    }

    fn write64(&self, addr: u64, value: u64) -> Result<(), Violation> {
        self.0.write64(addr, value.swap_bytes())
    }
}

/// Goes through rings of a machine, with a device that sees numbers as `device` has them, and that is
/// told no more of a ring than the number of its page.
fn go_round_by_page<M: Machine, D: Memory + Clone>(
    bytes: ByteOrder<M>,
    device: impl Fn(&Space) -> D,
) {
    for align in [4096, 256] {
        for size in [4_u16, 256, 1024] {
            for features in 0..4 {
                let options = Options {
                    event_idx: features & 1 != 0,
                    indirect: features & 2 != 0,
                    in_order: false,
                };
                let space = Space::default();
                let memory = allocate_split(&space, bytes, align, size, 3).unwrap();
                space.fill(0xff);
                let slots = vec![Slot::default(); size.into()];
                let mut ring = Ring::new(memory, slots, options).unwrap();
                let legacy = Legacy {
                    align: align.try_into().unwrap(),
                    page: 1 << 16,
                    fixed_size: true,
                };
                let Ring::Split(split) = &ring else {
                    panic!("a legacy device has no packed rings");
                };
                let number = legacy.page_number(size, split.memory().place());
                let desc = u64::from(number.expect("it can be told")) << 16;
                let driver = desc + 16 * u64::from(size);
                // Flags, index, entries and `used_event`.
                let end = driver + 2 * (3 + u64::from(size));
                let device_part = end.next_multiple_of(align.try_into().unwrap());
                let at = Addresses {
                    desc,
                    driver,
                    device: device_part,
                };
                go_round_at(&mut ring, false, at, &device(&space), options);
                // As when the device is restarted.
                ring.resize(size).unwrap();
                go_round_at(&mut ring, false, at, &device(&space), options);
            }
        }
    }
}

/// VQ-SPLIT-05, VQ-SPLIT-06: a legacy device finds all of a ring by the number of a page, and numbers in
/// the order of the guest, whichever that is.
#[test]
fn legacy_devices_find_their_rings() {
    go_round_by_page(ByteOrder::<Guest>::NATIVE, Space::clone);
    go_round_by_page(ByteOrder::<Big>::NATIVE, |space| BigDevice(space.clone()));
}

/// VQ-SPLIT-06: others find the lowest byte first, whatever the guest is.
#[test]
fn other_devices_find_the_lowest_byte_first() {
    go_round_by_page(ByteOrder::<Guest>::LITTLE, Space::clone);
    go_round_by_page(ByteOrder::<Big>::LITTLE, Space::clone);
}

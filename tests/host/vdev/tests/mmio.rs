// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a device of memory-mapped I/O makes of accesses to its registers, in either version.

use vdev::{
    devices,
    event::{
        Event,
        Log,
        Structure, //
    },
    machine::Machine,
    mmio::{
        self,
        reg, //
    },
    mmio_legacy::reg as old,
    pci,
    state::feature,
    transport::Transport, //
};
use vmm_sys_util::tempfile::TempFile;

/// A device without a guest.
fn machine(transport: Transport, kind: &str, features: u128) -> Machine {
    let model = devices::by_name(kind).unwrap();
    Machine::on(transport, model, features, Log::new(None))
}

/// What is wrong with the driver.
fn violations(machine: &Machine) -> Vec<String> {
    let events = machine.log.events().iter();
    events
        .filter(|event| matches!(event, Event::Violation(_)))
        .map(Event::to_string)
        .collect()
}

/// Writes registers, one after the other.
fn write(machine: &mut Machine, writes: &[(u64, u64)]) {
    for (at, value) in writes {
        machine.write(*at, 4, *value);
    }
}

/// Agrees on features as a driver does.
fn agree(machine: &mut Machine, features: u128) {
    write(
        machine,
        &[(reg::STATUS, 0), (reg::STATUS, 1), (reg::STATUS, 3)],
    );
    for word in [1, 0] {
        let value = (features >> (32 * word)) as u64 & 0xffff_ffff;
        write(
            machine,
            &[
                (reg::DRIVER_FEATURES_SEL, word),
                (reg::DRIVER_FEATURES, value),
            ],
        );
    }
}

/// Brings up a device of version 2, with queue 0 at this address.
fn bring_up(machine: &mut Machine, features: u128, at: u64) {
    agree(machine, features);
    write(
        machine,
        &[
            (reg::STATUS, 11),
            (reg::QUEUE_SEL, 0),
            (reg::QUEUE_SIZE, 8),
            (reg::QUEUE_DESC, at & 0xffff_ffff),
            (reg::QUEUE_DESC + 4, at >> 32),
            (reg::QUEUE_DRIVER, (at + 0x400) & 0xffff_ffff),
            (reg::QUEUE_DRIVER + 4, at >> 32),
            (reg::QUEUE_DEVICE, (at + 0x800) & 0xffff_ffff),
            (reg::QUEUE_DEVICE + 4, at >> 32),
            (reg::QUEUE_READY, 1),
            (reg::STATUS, 15),
        ],
    );
}

/// Memory for a device, from this address on.
fn memory(machine: &Machine, at: u64, len: u64) {
    let file = TempFile::new().unwrap().into_file();
    file.set_len(len).unwrap();
    machine.map.map(at, len, Some((file, 0)), true).unwrap();
}

/// Makes a buffer of a generator available in a split queue.
fn offer(machine: &Machine, desc: u64, driver: u64, buffer: u64) {
    machine.map.write(desc, &buffer.to_le_bytes()).unwrap();
    machine
        .map
        .write(desc + 8, &[16, 0, 0, 0, 2, 0, 0, 0])
        .unwrap();
    machine.map.write(driver, &[0, 0, 1, 0, 0, 0]).unwrap();
}

/// Bytes of the device's memory.
fn bytes<const N: usize>(machine: &Machine, at: u64) -> [u8; N] {
    let mut bytes = [0; N];
    machine.map.read(at, &mut bytes).unwrap();
    bytes
}

/// 4.2.2.1: what is there before a driver has done anything.
#[test]
fn a_device_says_what_it_is() {
    for (transport, version) in [(Transport::Mmio, 2), (Transport::MmioLegacy, 1)] {
        let mut machine = machine(transport, "rng", 0);
        let read = [reg::MAGIC, reg::VERSION, reg::DEVICE_ID, reg::VENDOR_ID];
        let read = read.map(|at| machine.read(at, 4));
        assert_eq!(read, [0x7472_6976, version, 4, mmio::VENDOR.into()]);
        assert_eq!(violations(&machine), [""; 0]);
        assert_eq!(
            machine.log.events().last(),
            Some(&Event::Read(
                (Structure::Mmio, reg::VENDOR_ID),
                4,
                mmio::VENDOR.into()
            )),
            "width and offset are in the log"
        );
    }
}

/// 4.2.3.2, 4.2.2.1: from a reset to the first used buffer, and back.
#[test]
fn a_driver_that_does_as_it_should_breaks_no_rule() {
    let at = 0x1_0000_0000;
    let mut machine = machine(Transport::Mmio, "rng", 0);
    memory(&machine, at, 0x2000);
    machine.write(reg::DEVICE_FEATURES_SEL, 4, 1);
    assert_eq!(machine.read(reg::DEVICE_FEATURES, 4), 1, "VERSION_1");
    machine.write(reg::QUEUE_SEL, 4, 0);
    assert_eq!(machine.read(reg::QUEUE_READY, 4), 0);
    assert_eq!(machine.read(reg::QUEUE_SIZE_MAX, 4), 8);
    bring_up(&mut machine, feature::VERSION_1, at);
    assert_eq!(machine.read(reg::STATUS, 4), 15);
    assert_eq!(machine.read(reg::QUEUE_READY, 4), 1);
    offer(&machine, at, at + 0x400, at + 0x1000);
    machine.write(reg::QUEUE_NOTIFY, 4, 0);
    machine.work();
    assert_eq!(bytes(&machine, at + 0x1000), [b'a'; 16]);
    assert_eq!(bytes(&machine, at + 0x802), [1, 0], "the used index");
    assert_eq!(machine.read(reg::INTERRUPT_STATUS, 4), 1);
    assert_eq!(
        machine.read(reg::INTERRUPT_STATUS, 4),
        1,
        "until it is acknowledged"
    );
    machine.write(reg::INTERRUPT_ACK, 4, 1);
    assert_eq!(machine.read(reg::INTERRUPT_STATUS, 4), 0);
    machine.write(reg::QUEUE_READY, 4, 0);
    assert_eq!(machine.read(reg::QUEUE_READY, 4), 0);
    write(&mut machine, &[(reg::QUEUE_NOTIFY, 0), (reg::STATUS, 0)]);
    assert_eq!(machine.read(reg::STATUS, 4), 0);
    machine.write(reg::QUEUE_SEL, 4, 1);
    assert_eq!(machine.read(reg::QUEUE_SIZE_MAX, 4), 0, "no such queue");
    assert_eq!(violations(&machine), [""; 0]);
}

/// 4.2.2.1: a reset clears causes of interrupts and readiness; a queue that is not ready is left alone.
#[test]
fn a_reset_and_the_end_of_a_queue_are_what_they_should_be() {
    let at = 0x10000;
    let mut machine = machine(Transport::Mmio, "rng", 0);
    memory(&machine, at, 0x2000);
    bring_up(&mut machine, feature::VERSION_1, at);
    machine.write(reg::QUEUE_READY, 4, 0);
    offer(&machine, at, at + 0x400, at + 0x1000);
    machine.write(reg::QUEUE_NOTIFY, 4, 0);
    machine.work();
    assert_eq!(bytes(&machine, at + 0x802), [0, 0], "not ready: not used");
    bring_up(&mut machine, feature::VERSION_1, at);
    machine.work();
    assert_eq!(machine.read(reg::INTERRUPT_STATUS, 4), 1);
    machine.write(reg::STATUS, 4, 0);
    assert_eq!(machine.read(reg::INTERRUPT_STATUS, 4), 0);
    assert_eq!(machine.read(reg::QUEUE_READY, 4), 0);
}

/// 2.6.1, 4.2.2.1: both registers read 0 at the end, and the queue may come back with another size.
#[test]
fn a_queue_is_reset_alone() {
    let features = feature::VERSION_1 | feature::RING_RESET;
    let mut machine = machine(Transport::Mmio, "rng", feature::RING_RESET);
    memory(&machine, 0x10000, 0x2000);
    bring_up(&mut machine, features, 0x10000);
    machine.write(reg::QUEUE_RESET, 4, 1);
    assert_eq!(machine.read(reg::QUEUE_RESET, 4), 1, "it goes on");
    machine.work();
    assert_eq!(machine.read(reg::QUEUE_RESET, 4), 0);
    assert_eq!(machine.read(reg::QUEUE_READY, 4), 0);
    write(
        &mut machine,
        &[
            (reg::QUEUE_SIZE, 4),
            (reg::QUEUE_DESC, 0x10000),
            (reg::QUEUE_DRIVER, 0x10400),
            (reg::QUEUE_DEVICE, 0x10800),
            (reg::QUEUE_READY, 1),
        ],
    );
    assert_eq!(machine.read(reg::QUEUE_RESET, 4), 0);
    assert_eq!(violations(&machine), [""; 0]);
    assert!(machine.log.events().contains(&Event::Enabled(0, 4)));
}

/// 4.2.2: no shared memory is there, whichever is asked for, and who does not expect it does not ask.
#[test]
fn there_is_no_shared_memory() {
    let mut machine = machine(Transport::Mmio, "rng", 0);
    for at in [0xb0, 0xb4, 0xb8, 0xbc] {
        assert_eq!(machine.read(at, 4), 0xffff_ffff);
    }
    assert_eq!(violations(&machine).len(), 4);
}

/// 4.2.2, 2.5: the configuration is behind the registers and has a generation.
#[test]
fn the_configuration_is_behind_the_registers() {
    let mut machine = machine(Transport::Mmio, "blk", 0);
    assert_eq!(machine.read(mmio::CONFIG, 4), 1 << 17, "sectors");
    assert_eq!(machine.read(mmio::CONFIG + 4, 4), 0);
    assert_eq!(machine.read(mmio::CONFIG + 34, 2), 2, "queues");
    let before = machine.read(reg::CONFIG_GENERATION, 4);
    assert_eq!(machine.command("do grow"), "ok");
    assert_ne!(machine.read(reg::CONFIG_GENERATION, 4), before);
    assert_eq!(machine.read(reg::INTERRUPT_STATUS, 4), 2);
    assert_eq!(machine.read(mmio::CONFIG, 4), 1 << 18);
    machine.write(mmio::CONFIG + 32, 1, 0);
    assert_eq!(machine.read(mmio::CONFIG + 32, 1), 0, "the cache mode");
    assert_eq!(violations(&machine), [""; 0]);
    machine.read(mmio::CONFIG, 8);
    assert_eq!(violations(&machine).len(), 1, "8 bytes at once");
    machine.read(mmio::CONFIG + 96, 4);
    assert_eq!(violations(&machine).len(), 2, "behind its end");
}

/// Something that a driver does.
type Deed = fn(&mut Machine);

/// 4.2.2.2, 4.2.3.1.1: what a driver must not do is noticed, each on its own.
#[test]
fn rules_that_a_driver_breaks_are_noticed() {
    let cases: &[(&str, Deed)] = &[
        ("where nothing is", |machine| {
            machine.read(0x1c, 4);
        }),
        ("a register of version 1", |machine| {
            machine.write(old::GUEST_PAGE_SIZE, 4, 4096)
        }),
        ("2 bytes", |machine| {
            machine.read(reg::STATUS, 2);
        }),
        ("1 byte", |machine| machine.write(reg::STATUS, 1, 15)),
        ("half of two", |machine| {
            machine.read(reg::STATUS + 2, 4);
        }),
        ("what is read-only", |machine| {
            machine.write(reg::VERSION, 4, 1)
        }),
        ("what is write-only", |machine| {
            machine.read(reg::QUEUE_SEL, 4);
        }),
        ("a queue of no size it can have", |machine| {
            write(machine, &[(reg::QUEUE_READY, 0), (reg::QUEUE_SIZE, 16)])
        }),
        ("a queue that is ready", |machine| {
            machine.write(reg::QUEUE_DESC, 4, 0)
        }),
        ("a queue that is half ready", |machine| {
            machine.write(reg::QUEUE_READY, 4, 2)
        }),
        ("features that are agreed on", |machine| {
            machine.write(reg::DRIVER_FEATURES, 4, 0)
        }),
        ("a status bit is dropped", |machine| {
            machine.write(reg::STATUS, 4, 3)
        }),
        ("a status of 9 bits", |machine| {
            machine.write(reg::STATUS, 4, 0x10f)
        }),
        ("a queue that there is not", |machine| {
            machine.write(reg::QUEUE_NOTIFY, 4, 1)
        }),
        ("data that was not negotiated", |machine| {
            machine.write(reg::QUEUE_NOTIFY, 4, 0x1_0000)
        }),
        ("causes that there are not", |machine| {
            machine.write(reg::INTERRUPT_ACK, 4, 4)
        }),
        ("a reset of a queue without its feature", |machine| {
            machine.write(reg::QUEUE_RESET, 4, 1)
        }),
        ("shared memory", |machine| machine.write(reg::SHM_SEL, 4, 0)),
    ];
    for (what, case) in cases {
        let mut machine = machine(Transport::Mmio, "rng", 0);
        memory(&machine, 0x10000, 0x2000);
        bring_up(&mut machine, feature::VERSION_1, 0x10000);
        assert_eq!(violations(&machine), [""; 0]);
        case(&mut machine);
        assert_ne!(violations(&machine), [""; 0], "{what}");
    }
    let mut machine = machine(Transport::Mmio, "rng", 0);
    machine.read(reg::DEVICE_FEATURES, 4);
    write(&mut machine, &[(reg::STATUS, 1), (reg::STATUS, 3)]);
    machine.write(reg::DRIVER_FEATURES, 4, 0);
    assert_eq!(violations(&machine).len(), 2, "words that are not selected");
}

/// Puts queue 0 of version 1 to a page.
const PLACE: &[(u64, u64)] = &[
    (old::QUEUE_SEL, 0),
    (old::QUEUE_SIZE, 8),
    (old::QUEUE_ALIGN, 4096),
    (old::QUEUE_PFN, 0x10),
];

/// 4.2.4, 2.7.2: the queue is one block on pages whose size the driver says.
#[test]
fn a_legacy_driver_that_does_as_it_should_breaks_no_rule() {
    let mut machine = machine(Transport::MmioLegacy, "rng", feature::ANY_LAYOUT);
    memory(&machine, 0x10000, 0x4000);
    // Before its reset, as Linux does.
    machine.write(old::GUEST_PAGE_SIZE, 4, 4096);
    machine.write(reg::DEVICE_FEATURES_SEL, 4, 1);
    assert_eq!(machine.read(reg::DEVICE_FEATURES, 4), 0, "no VERSION_1");
    agree(&mut machine, feature::ANY_LAYOUT);
    assert_eq!(machine.read(old::QUEUE_PFN, 4), 0);
    assert_eq!(machine.read(old::QUEUE_SIZE_MAX, 4), 8);
    write(&mut machine, PLACE);
    assert_eq!(machine.read(old::QUEUE_PFN, 4), 0x10);
    // Descriptors, then what is available, and what is used on the next page.
    offer(&machine, 0x10000, 0x10080, 0x12000);
    write(&mut machine, &[(reg::STATUS, 7), (reg::QUEUE_NOTIFY, 0)]);
    machine.work();
    assert_eq!(bytes(&machine, 0x12000), [b'a'; 16]);
    assert_eq!(bytes(&machine, 0x11002), [1, 0], "the used index");
    assert_eq!(machine.read(reg::INTERRUPT_STATUS, 4), 1);
    write(&mut machine, &[(reg::INTERRUPT_ACK, 1), (reg::STATUS, 0)]);
    assert_eq!(machine.read(old::QUEUE_PFN, 4), 0);
    write(&mut machine, PLACE);
    machine.write(old::QUEUE_PFN, 4, 0);
    assert_eq!(violations(&machine), [""; 0]);
    let ends = |event: &&Event| **event == Event::Disabled(0);
    assert_eq!(machine.log.events().iter().filter(ends).count(), 1);
}

/// 4.2.4: the used ring is where the driver's alignment puts it.
#[test]
fn the_used_ring_is_aligned_as_the_driver_says() {
    let mut machine = machine(Transport::MmioLegacy, "rng", 0);
    memory(&machine, 0x10000, 0x4000);
    machine.write(old::GUEST_PAGE_SIZE, 4, 512);
    agree(&mut machine, 0);
    write(
        &mut machine,
        &[
            (old::QUEUE_SIZE, 8),
            (old::QUEUE_ALIGN, 4),
            (old::QUEUE_PFN, 0x80),
        ],
    );
    offer(&machine, 0x10000, 0x10080, 0x12000);
    write(&mut machine, &[(reg::STATUS, 7), (reg::QUEUE_NOTIFY, 0)]);
    machine.work();
    // 128 bytes of descriptors, 22 of the available ring: `used_event` is there in any case.
    assert_eq!(bytes(&machine, 0x1009a), [1, 0], "the used index");
    assert_eq!(violations(&machine), [""; 0]);
}

/// 4.2.4: each on its own.
#[test]
fn rules_that_a_legacy_driver_breaks_are_noticed() {
    let cases: &[(&str, Deed)] = &[
        ("FEATURES_OK", |machine| machine.write(reg::STATUS, 4, 11)),
        ("QueueReady", |machine| {
            machine.read(reg::QUEUE_READY, 4);
        }),
        ("QueueDescLow", |machine| {
            machine.write(reg::QUEUE_DESC, 4, 0x10000)
        }),
        ("ConfigGeneration", |machine| {
            machine.read(reg::CONFIG_GENERATION, 4);
        }),
        ("QueueReset", |machine| {
            machine.write(reg::QUEUE_RESET, 4, 1)
        }),
        ("shared memory", |machine| {
            machine.read(reg::SHM_LEN, 4);
        }),
        ("pages of no power of 2", |machine| {
            machine.write(old::GUEST_PAGE_SIZE, 4, 4095)
        }),
        ("an alignment of no power of 2", |machine| {
            machine.write(old::QUEUE_ALIGN, 4, 100)
        }),
        ("no alignment", |machine| {
            write(machine, &[(old::QUEUE_SIZE, 8), (old::QUEUE_PFN, 16)])
        }),
        ("the size of a queue in use", |machine| {
            write(machine, PLACE);
            machine.read(old::QUEUE_SIZE_MAX, 4);
        }),
        ("a queue in use", |machine| {
            write(machine, PLACE);
            machine.write(old::QUEUE_PFN, 4, 17);
        }),
        ("features that were not offered", |machine| {
            machine.write(reg::DRIVER_FEATURES, 4, 1 << 29)
        }),
        ("a size that is too large", |machine| {
            machine.write(old::QUEUE_SIZE, 4, 16)
        }),
    ];
    for (what, case) in cases {
        let mut machine = machine(Transport::MmioLegacy, "rng", 0);
        memory(&machine, 0x10000, 0x4000);
        machine.write(old::GUEST_PAGE_SIZE, 4, 4096);
        agree(&mut machine, 0);
        assert_eq!(violations(&machine), [""; 0]);
        case(&mut machine);
        assert_ne!(violations(&machine), [""; 0], "{what}");
    }
    let mut machine = machine(Transport::MmioLegacy, "rng", 0);
    agree(&mut machine, 0);
    write(&mut machine, PLACE);
    assert_eq!(violations(&machine).len(), 1, "pages of no known size");
}

/// 4.2.4, 2.5.3: a byte at a time, as legacy drivers read it.
#[test]
fn a_legacy_configuration_is_read_by_bytes() {
    let mut machine = machine(Transport::MmioLegacy, "blk", 0);
    let capacity: Vec<u64> = (0..8)
        .map(|at| machine.read(mmio::CONFIG + at, 1))
        .collect();
    assert_eq!(capacity, [0, 0, 2, 0, 0, 0, 0, 0]);
    assert_eq!(violations(&machine), [""; 0]);
}

/// The PCI device that carries it is nobody's by its ids.
#[test]
fn what_carries_the_registers_is_no_virtio_device() {
    let space = Transport::Mmio.config_space(4, [0xff, 0, 0], 4);
    assert_eq!(space[..4], [0x34, 0x12, 0xb1, 0x7a]);
    assert_eq!(usize::from(space[0x34]), pci::cap::MSIX);
    assert_eq!(space[pci::cap::MSIX + 1], 0, "and no capability more");
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Parsers of what a device says of itself. It can say something else at each look.

use crate::Source;
use pure::config::{
    Config,
    ConfigAccess,
    ConfigError,
    RETRIES, //
};
use pure::feature::{
    dependencies,
    negotiate,
    transport,
    FeatureSet,
    Needs, //
};
use pure::id::DeviceId;
use pure::transport::pci::capability::{
    parse,
    Bars,
    Capabilities,
    ConfigSpace,
    Region, //
};
use std::cell::{
    Cell,
    RefCell, //
};

/// A PCI configuration space: all 256 bytes from the input, and what is left of it afterwards
/// changes a byte now and then.
struct Space<'a> {
    /// Its bytes.
    bytes: RefCell<[u8; 256]>,
    /// What is left of the input.
    source: RefCell<Source<'a>>,
    /// Reads.
    reads: Cell<u32>,
}

impl Space<'_> {
    /// Reads so many bytes.
    fn read<const N: usize>(&self, offset: u16) -> [u8; N] {
        let offset = usize::from(offset);
        assert!(
            offset % N == 0 && offset + N <= 256,
            "{N} bytes at {offset}"
        );
        self.reads.set(self.reads.get() + 1);
        let mut bytes = self.bytes.borrow_mut();
        let read = std::array::from_fn(|at| bytes[offset + at]);
        let mut source = self.source.borrow_mut();
        if !source.is_empty() {
            let at = usize::from(source.byte());
            bytes[at] = source.byte();
        }
        read
    }
}

impl ConfigSpace for Space<'_> {
    fn read8(&self, offset: u16) -> u8 {
        self.read::<1>(offset)[0]
    }

    fn read16(&self, offset: u16) -> u16 {
        u16::from_le_bytes(self.read(offset))
    }

    fn read32(&self, offset: u16) -> u32 {
        u32::from_le_bytes(self.read(offset))
    }
}

/// The least bytes in each structure, and what its place is a multiple of.
fn check(region: &Region, bars: &Bars, least: u64, align: u64) {
    let length = bars.0[usize::from(region.bar)].expect("a BAR that is there");
    assert!(region.length >= least);
    assert_eq!(region.offset % align, 0);
    let end = region.offset.checked_add(region.length);
    assert!(end.expect("no overflow") <= length, "beyond the BAR");
}

/// The regions that were found.
fn check_all(found: &Capabilities, bars: &Bars) {
    check(&found.common, bars, 56, 4);
    check(&found.notify.region, bars, 2, 2);
    check(&found.isr, bars, 1, 1);
    if let Some(device) = &found.device {
        check(device, bars, 1, 4);
    }
    let mut ids = 0_u128;
    for shared in found.shared_memory() {
        check(&shared.region, bars, 1, 1);
        let bit = 1 << (shared.id % 128);
        assert!(shared.id > 127 || ids & bit == 0, "an id twice");
        ids |= bit;
    }
    let multiplier = found.notify.multiplier;
    assert!(multiplier == 0 || multiplier.is_power_of_two());
    for off in [0, 1, 2, 0x7fff, 0xffff] {
        for width in [2, 4] {
            if let Some(at) = found.notify.doorbell(off, width) {
                assert_eq!(at, u64::from(off) * u64::from(multiplier));
                assert!(at + u64::from(width) <= found.notify.region.length);
            }
        }
    }
}

/// PCI capabilities.
pub fn capabilities(input: &[u8]) {
    let mut source = Source::Bytes(input);
    let bars = Bars(std::array::from_fn(|_| match source.byte() {
        0 => None,
        // 256 bytes and more, by the position of a bit: lengths of BARs are powers of two.
        shift => Some(1_u64 << (8 + shift % 56)),
    }));
    let bytes = std::array::from_fn(|_| source.byte());
    let space = Space {
        bytes: RefCell::new(bytes),
        source: RefCell::new(source),
        reads: Cell::new(0),
    };
    let found = parse(&space, &bars);
    // Each of the 48 places of a capability is read once, a few words at a time.
    assert!(space.reads.get() <= 2 + 48 * 10);
    if let Ok(found) = found {
        check_all(&found, &bars);
    }
}

/// A device's configuration space: it changes, and its generation does what it likes.
struct Registers<'a> {
    /// Bytes there are.
    len: usize,
    /// What is read.
    source: RefCell<Source<'a>>,
    /// Accesses.
    accesses: Cell<u32>,
}

impl Registers<'_> {
    /// Notes an access of so many bytes.
    fn access(&self, offset: usize, bytes: usize) -> u32 {
        assert_eq!(offset % bytes, 0, "not aligned");
        let end = offset.checked_add(bytes).expect("no overflow");
        assert!(end <= self.len, "beyond the end");
        self.accesses.set(self.accesses.get() + 1);
        self.source.borrow_mut().u32()
    }
}

impl ConfigAccess for Registers<'_> {
    fn len(&self) -> usize {
        self.len
    }

    fn generation(&self) -> u32 {
        self.accesses.set(self.accesses.get() + 1);
        u32::from(self.source.borrow_mut().byte() & 1)
    }

    fn read8(&self, offset: usize) -> u8 {
        self.access(offset, 1) as u8
    }

    fn read16(&self, offset: usize) -> u16 {
        self.access(offset, 2) as u16
    }

    fn read32(&self, offset: usize) -> u32 {
        self.access(offset, 4)
    }

    fn write8(&self, offset: usize, _: u8) {
        self.access(offset, 1);
    }

    fn write16(&self, offset: usize, _: u16) {
        self.access(offset, 2);
    }

    fn write32(&self, offset: usize, _: u32) {
        self.access(offset, 4);
    }
}

/// A device's configuration space.
pub fn config(input: &[u8]) {
    let mut source = Source::Bytes(input);
    let registers = Registers {
        len: usize::from(source.byte()),
        accesses: Cell::new(0),
        source: RefCell::new(source),
    };
    let config = Config::new(&registers);
    while !registers.source.borrow().is_empty() {
        registers.accesses.set(0);
        let (how, offset) = {
            let mut source = registers.source.borrow_mut();
            let how = source.byte();
            let offset = match how & 0x80 {
                0 => usize::from(source.byte()),
                // Close to the end of all offsets.
                _ => usize::MAX - usize::from(source.byte()),
            };
            (how, offset)
        };
        let result = match how % 8 {
            0 => config.read::<u8>(offset).map(drop),
            1 => config.read::<u16>(offset).map(drop),
            2 => config.read::<u32>(offset).map(drop),
            3 => config.read::<u64>(offset).map(drop),
            4 => config.read::<[u8; 6]>(offset).map(drop),
            5 => config.optional::<u64>(how & 8 != 0, offset).map(drop),
            6 => config
                .consistent(|config| Ok((config.read::<u8>(0)?, config.read::<u64>(offset)?)))
                .map(drop),
            _ => config.write::<u64>(offset, 1),
        };
        let accesses = registers.accesses.get();
        assert!(accesses as usize <= (RETRIES as usize + 1) * 8);
        if matches!(
            result,
            Err(ConfigError::OutOfRange | ConfigError::Unaligned)
        ) && how % 8 != 6
        {
            assert_eq!(accesses, 0, "asked for what is not there");
        }
    }
}

/// Negotiation.
pub fn features(input: &[u8]) {
    let mut source = Source::Bytes(input);
    let mut set = || FeatureSet::from_words(std::array::from_fn(|_| source.u32()));
    let (offered, driver, bus) = (set(), set(), set());
    for device in [
        DeviceId::NET,
        DeviceId::BLOCK,
        DeviceId::CONSOLE,
        DeviceId::BALLOON,
        DeviceId::SCSI,
        DeviceId::ENTROPY,
    ] {
        let accepted = negotiate(offered, driver, bus, device);
        let either = driver.union(bus);
        assert_eq!(accepted.difference(offered), FeatureSet::from_words([0; 4]));
        assert_eq!(accepted.difference(either), FeatureSet::from_words([0; 4]));
        if !accepted.contains(transport::VERSION_1) {
            assert!(accepted.iter().all(|feature| feature.bit() < 32));
        }
        for dependency in dependencies(device).into_iter().flatten() {
            let met = match dependency.needs {
                Needs::All(needed) => needed.iter().all(|feature| accepted.contains(feature)),
                Needs::Any(needed) => needed.iter().any(|feature| accepted.contains(feature)),
            };
            assert!(met || !accepted.contains(dependency.feature));
        }
        // What was accepted is accepted again.
        assert_eq!(negotiate(accepted, driver, bus, device), accepted);
    }
}

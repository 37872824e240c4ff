// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Reading a configuration space, also while the device changes it.

use proptest::prelude::*;
use pure::config::{
    Config,
    ConfigAccess,
    ConfigError,
    RETRIES, //
};
use std::cell::{
    Cell,
    RefCell, //
};
use support::cases;

/// An access: how many bytes, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// A read.
    Read(usize, usize),
    /// A write, and its value.
    Write(usize, usize, u32),
    /// A read of the generation.
    Generation,
}

/// A device whose configuration is a function of its generation, which can advance at each access.
struct Device {
    /// Bytes of the configuration space.
    len: usize,
    /// The generation.
    generation: Cell<u32>,
    /// The lowest bits of the generation that the device shows.
    shown: u32,
    /// Whether to advance, before each access in turn.
    schedule: RefCell<Box<dyn Iterator<Item = bool>>>,
    /// What was accessed.
    log: RefCell<Vec<Access>>,
}

impl Device {
    /// A device that advances when `schedule` says so.
    fn new(len: usize, schedule: impl Iterator<Item = bool> + 'static) -> Self {
        Self {
            len,
            generation: Cell::new(0),
            shown: u32::MAX,
            schedule: RefCell::new(Box::new(schedule)),
            log: RefCell::new(Vec::new()),
        }
    }

    /// A device that does not change.
    fn still(len: usize) -> Self {
        Self::new(len, std::iter::empty())
    }

    /// The byte at `offset` in this generation.
    fn byte(generation: u32, offset: usize) -> u8 {
        (generation.wrapping_mul(0x0101_0101).wrapping_add(0x9e37) >> (offset % 4)) as u8
            ^ offset as u8
    }

    /// The bytes from `offset` on in this generation.
    fn bytes<const N: usize>(generation: u32, offset: usize) -> [u8; N] {
        std::array::from_fn(|at| Self::byte(generation, offset + at))
    }

    /// Makes an access: the generation at that time.
    fn access(&self, access: Access) -> u32 {
        if let Access::Read(width, offset) | Access::Write(width, offset, _) = access {
            assert_eq!(offset % width, 0, "not aligned");
            assert!(
                offset + width <= self.len,
                "outside the configuration space"
            );
        }
        self.log.borrow_mut().push(access);
        if self.schedule.borrow_mut().next() == Some(true) {
            self.generation.set(self.generation.get() + 1);
        }
        self.generation.get()
    }

    /// What was accessed.
    fn log(&self) -> Vec<Access> {
        self.log.borrow().clone()
    }
}

impl ConfigAccess for Device {
    fn len(&self) -> usize {
        self.len
    }

    fn generation(&self) -> u32 {
        self.access(Access::Generation) & self.shown
    }

    fn read8(&self, offset: usize) -> u8 {
        Self::byte(self.access(Access::Read(1, offset)), offset)
    }

    fn read16(&self, offset: usize) -> u16 {
        u16::from_le_bytes(Self::bytes(self.access(Access::Read(2, offset)), offset))
    }

    fn read32(&self, offset: usize) -> u32 {
        u32::from_le_bytes(Self::bytes(self.access(Access::Read(4, offset)), offset))
    }

    fn write8(&self, offset: usize, value: u8) {
        self.access(Access::Write(1, offset, value.into()));
    }

    fn write16(&self, offset: usize, value: u16) {
        self.access(Access::Write(2, offset, value.into()));
    }

    fn write32(&self, offset: usize, value: u32) {
        self.access(Access::Write(4, offset, value));
    }
}

/// PCI-LAY-01: a field is accessed in its own width, once; 64 bits as two halves, bytes one by one.
#[test]
fn fields_are_accessed_in_their_own_width() {
    let device = Device::still(64);
    let config = Config::new(&device);
    assert_eq!(config.read::<u8>(3), Ok(Device::byte(0, 3)));
    assert_eq!(
        config.read::<u16>(6),
        Ok(u16::from_le_bytes(Device::bytes(0, 6)))
    );
    assert_eq!(
        config.read::<u32>(12),
        Ok(u32::from_le_bytes(Device::bytes(0, 12)))
    );
    use Access::{Generation, Read, Write};
    assert_eq!(device.log(), [Read(1, 3), Read(2, 6), Read(4, 12)]);

    let device = Device::still(64);
    let config = Config::new(&device);
    assert_eq!(
        config.read::<u64>(20),
        Ok(u64::from_le_bytes(Device::bytes(0, 20)))
    );
    assert_eq!(
        device.log(),
        [Generation, Read(4, 20), Read(4, 24), Generation]
    );

    let device = Device::still(64);
    let config = Config::new(&device);
    assert_eq!(config.read::<[u8; 3]>(5), Ok(Device::bytes(0, 5)));
    let expected = [Generation, Read(1, 5), Read(1, 6), Read(1, 7), Generation];
    assert_eq!(device.log(), expected);

    let device = Device::still(64);
    let config = Config::new(&device);
    config.write(1, 0x12_u8).unwrap();
    config.write(2, 0x1234_u16).unwrap();
    config.write(4, 0x1234_5678_u32).unwrap();
    let expected = [
        Write(1, 1, 0x12),
        Write(2, 2, 0x1234),
        Write(4, 4, 0x1234_5678),
    ];
    assert_eq!(device.log(), expected);
}

/// PCI-LAY-02, PCI-LAY-03: the low half of 64 bits is at the lower address.
#[test]
fn the_low_half_comes_first() {
    let device = Device::still(8);
    Config::new(&device)
        .write(0, 0x1122_3344_5566_7788_u64)
        .unwrap();
    let expected = [
        Access::Write(4, 0, 0x5566_7788),
        Access::Write(4, 4, 0x1122_3344),
    ];
    assert_eq!(device.log(), expected);
}

/// CFG-06: a field has to be there as a whole; if it is not, the device is not asked.
#[test]
fn fields_beyond_the_end_are_refused() {
    for len in 0..20 {
        let device = Device::still(len);
        let config = Config::new(&device);
        assert_eq!(config.read::<u8>(len), Err(ConfigError::OutOfRange));
        for offset in [len, len + 4, usize::MAX - 3, usize::MAX & !7] {
            let offset = offset & !3;
            if offset.checked_add(2).is_none_or(|end| end > len) {
                assert_eq!(config.read::<u16>(offset), Err(ConfigError::OutOfRange));
                assert_eq!(config.write(offset, 0_u16), Err(ConfigError::OutOfRange));
            }
            if offset.checked_add(8).is_none_or(|end| end > len) {
                assert_eq!(config.read::<u64>(offset), Err(ConfigError::OutOfRange));
                assert_eq!(config.read::<[u8; 8]>(offset), Err(ConfigError::OutOfRange));
            }
        }
        assert!(device
            .log()
            .iter()
            .all(|access| matches!(access, Access::Read(2, _))));
    }
}

/// CFG-05: there is no upper limit to the size.
#[test]
fn a_large_configuration_space_is_fine() {
    let device = Device::still(1 << 32);
    let config = Config::new(&device);
    assert_eq!(config.len(), 1 << 32);
    assert!(config.read::<u64>((1 << 32) - 8).is_ok());
}

#[test]
fn unaligned_fields_are_refused() {
    let device = Device::still(64);
    let config = Config::new(&device);
    for offset in [1, 3, 5, 63] {
        let expected = if offset == 63 {
            ConfigError::OutOfRange
        } else {
            ConfigError::Unaligned
        };
        assert_eq!(config.read::<u16>(offset), Err(expected));
    }
    for offset in [1, 2, 3, 6, 54] {
        assert_eq!(config.read::<u32>(offset), Err(ConfigError::Unaligned));
        assert_eq!(config.read::<u64>(offset), Err(ConfigError::Unaligned));
        assert_eq!(config.write(offset, 0_u64), Err(ConfigError::Unaligned));
    }
    assert_eq!(device.log(), []);
    // 64 bits are two fields of 32.
    assert!(config.read::<u64>(4).is_ok());
}

/// CFG-04: a field whose feature is not there is not touched.
#[test]
fn a_field_of_an_absent_feature_is_not_touched() {
    let device = Device::still(8);
    let config = Config::new(&device);
    assert_eq!(config.optional::<u32>(false, 4), Ok(None));
    // Not even whether it is there matters.
    assert_eq!(config.optional::<u32>(false, 400), Ok(None));
    assert_eq!(device.log(), []);
    let expected = u32::from_le_bytes(Device::bytes(0, 4));
    assert_eq!(config.optional(true, 4), Ok(Some(expected)));
    assert_eq!(
        config.optional::<u32>(true, 400),
        Err(ConfigError::OutOfRange)
    );
}

/// CFG-03, PCI-COM-14: a device that changes all the time gets an error, after a bounded number of
/// reads.
#[test]
fn a_device_that_never_settles_is_given_up() {
    let device = Device::new(64, std::iter::repeat(true));
    let config = Config::new(&device);
    assert_eq!(config.read::<u64>(0), Err(ConfigError::Unstable));
    assert_eq!(device.log().len(), 1 + 3 * RETRIES as usize);
    assert_eq!(config.read::<[u8; 6]>(0), Err(ConfigError::Unstable));
    // What takes one access cannot be torn.
    assert!(config.read::<u32>(0).is_ok());

    // Reads within a consistent one do not multiply.
    let device = Device::new(64, std::iter::repeat(true));
    let config = Config::new(&device);
    let both = config.consistent(|config| Ok((config.read::<u64>(0)?, config.read::<u64>(8)?)));
    assert_eq!(both, Err(ConfigError::Unstable));
    assert_eq!(device.log().len(), 1 + 5 * RETRIES as usize);
}

/// An error within a consistent read ends it, without another try.
#[test]
fn errors_are_not_retried() {
    let device = Device::new(64, std::iter::repeat(true));
    let config = Config::new(&device);
    let result = config.consistent(|config| config.read::<u32>(64));
    assert_eq!(result, Err(ConfigError::OutOfRange));
    assert_eq!(device.log(), [Access::Generation]);
}

/// CFG-03: reads are repeated exactly as often as the generation changed.
#[test]
fn reads_are_repeated_until_the_generation_stands_still() {
    for changes in 0..5 {
        // Changes with every third access, which is the second half of the value.
        let schedule = (0..3 * changes).map(|at| at % 3 == 2);
        let device = Device::new(64, schedule);
        let config = Config::new(&device);
        let expected = u64::from_le_bytes(Device::bytes(changes, 8));
        assert_eq!(config.read(8), Ok(expected));
        assert_eq!(device.log().len(), 4 + 3 * changes as usize);
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    /// CFG-01, CFG-02, CFG-03: whenever the device changes, no value and no group of values is ever
    /// put together from two generations.
    #[test]
    fn values_are_of_one_generation(
        schedule in prop::collection::vec(prop::bool::weighted(0.2), 0..300),
    ) {
        let device = Device::new(64, schedule.into_iter());
        let config = Config::new(&device);
        for _ in 0..10 {
            if let Ok(value) = config.read::<u64>(8) {
                let generation = device.generation.get();
                prop_assert_eq!(value.to_le_bytes(), Device::bytes(generation, 8));
            }
            if let Ok(value) = config.read::<[u8; 6]>(1) {
                let generation = device.generation.get();
                prop_assert_eq!(value, Device::bytes(generation, 1));
            }
            let several = config.consistent(|config| {
                Ok((config.read::<u16>(2)?, config.read::<u64>(4)?, config.read::<[u8; 2]>(13)?))
            });
            if let Ok((a, b, c)) = several {
                let generation = device.generation.get();
                prop_assert_eq!(a.to_le_bytes(), Device::bytes(generation, 2));
                prop_assert_eq!(b.to_le_bytes(), Device::bytes(generation, 4));
                prop_assert_eq!(c, Device::bytes(generation, 13));
            }
        }
    }

    /// Whatever is asked for, the device sees only aligned accesses within its configuration space.
    #[test]
    fn no_access_leaves_the_space(
        len in 0..100_usize,
        offset in prop_oneof![0..120_usize, any::<usize>()],
    ) {
        let device = Device::still(len);
        let config = Config::new(&device);
        let fits = |size: usize| offset.checked_add(size).is_some_and(|end| end <= len);
        prop_assert_eq!(config.read::<u8>(offset).is_ok(), fits(1));
        prop_assert_eq!(config.read::<u16>(offset).is_ok(), fits(2) && offset % 2 == 0);
        prop_assert_eq!(config.read::<u32>(offset).is_ok(), fits(4) && offset % 4 == 0);
        prop_assert_eq!(config.read::<u64>(offset).is_ok(), fits(8) && offset % 4 == 0);
        prop_assert_eq!(config.read::<[u8; 20]>(offset).is_ok(), fits(20));
        prop_assert_eq!(config.write(offset, [0_u8; 20]).is_ok(), fits(20));
        prop_assert_eq!(config.read::<[u8; 0]>(offset).is_ok(), offset <= len);
    }
}

/// A device that is gone, all ones everywhere, does not keep the driver.
#[test]
fn a_device_that_is_gone_is_read_as_all_ones() {
    /// It.
    struct Gone;

    impl ConfigAccess for Gone {
        fn len(&self) -> usize {
            64
        }
        fn generation(&self) -> u32 {
            u32::MAX
        }
        fn read8(&self, _: usize) -> u8 {
            u8::MAX
        }
        fn read16(&self, _: usize) -> u16 {
            u16::MAX
        }
        fn read32(&self, _: usize) -> u32 {
            u32::MAX
        }
        fn write8(&self, _: usize, _: u8) {}
        fn write16(&self, _: usize, _: u16) {}
        fn write32(&self, _: usize, _: u32) {}
    }

    let config = Config::new(&Gone as &dyn ConfigAccess);
    assert_eq!(config.read::<u64>(0), Ok(u64::MAX));
    assert_eq!(config.read::<[u8; 6]>(0), Ok([0xff; 6]));
}

/// A configuration without a generation: what it holds from each access on, one byte at a time.
struct Legacy<F> {
    /// The configuration after so many accesses.
    bytes: F,
    /// Accesses so far.
    count: Cell<u64>,
}

impl<F: Fn(u64) -> [u8; 16]> Legacy<F> {
    /// A device with this configuration.
    fn new(bytes: F) -> Self {
        Self {
            bytes,
            count: Cell::new(0),
        }
    }

    /// Reads bytes.
    fn read<const N: usize>(&self, offset: usize) -> [u8; N] {
        std::array::from_fn(|at| {
            let count = self.count.get();
            self.count.set(count + 1);
            (self.bytes)(count)[offset + at]
        })
    }
}

impl<F: Fn(u64) -> [u8; 16]> ConfigAccess for Legacy<F> {
    fn len(&self) -> usize {
        16
    }

    fn has_generation(&self) -> bool {
        false
    }

    fn generation(&self) -> u32 {
        panic!("there is none");
    }

    fn read8(&self, offset: usize) -> u8 {
        let [byte] = self.read(offset);
        byte
    }

    fn read16(&self, offset: usize) -> u16 {
        u16::from_le_bytes(self.read(offset))
    }

    fn read32(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.read(offset))
    }

    fn write8(&self, _: usize, _: u8) {}

    fn write16(&self, _: usize, _: u16) {}

    fn write32(&self, _: usize, _: u32) {}
}

/// CFG-09: without a generation, what takes more than a byte is read until it is twice the same, in any
/// width; a byte once.
#[test]
fn without_a_generation_values_are_read_until_they_agree() {
    // Changes at the access `at`, once and for all.
    for at in 0..40 {
        let device = Legacy::new(|count| [if count < at { 0x11 } else { 0x22 }; 16]);
        let config = Config::new(&device);
        let old_or_new =
            |value: u64| value == 0x1111_1111_1111_1111 || value == 0x2222_2222_2222_2222;
        assert!(config.read(0).is_ok_and(old_or_new), "at {at}");
        let device = Legacy::new(|count| [if count < at { 0x11 } else { 0x22 }; 16]);
        let value: Result<u32, _> = Config::new(&device).read(4);
        assert!(matches!(value, Ok(0x1111_1111 | 0x2222_2222)), "at {at}");
        let device = Legacy::new(|count| [if count < at { 0x11 } else { 0x22 }; 16]);
        let value: Result<u16, _> = Config::new(&device).read(4);
        assert!(matches!(value, Ok(0x1111 | 0x2222)), "at {at}");
        let device = Legacy::new(|count| [if count < at { 0x11 } else { 0x22 }; 16]);
        let both = Config::new(&device)
            .consistent(|config| Ok((config.read::<u32>(0)?, config.read::<u64>(8)?)));
        assert!(matches!(
            both,
            Ok((0x1111_1111, 0x1111_1111_1111_1111) | (0x2222_2222, 0x2222_2222_2222_2222))
        ));
    }
    let still = Legacy::new(|_| [0x33; 16]);
    assert_eq!(Config::new(&still).read(3), Ok(0x33_u8));
    assert_eq!(still.count.get(), 1);
    assert_eq!(Config::new(&still).read(4), Ok(0x3333_u16));
    assert_eq!(still.count.get(), 5);
}

/// CFG-09: a device that never agrees with itself is given up.
#[test]
fn without_a_generation_what_never_agrees_is_given_up() {
    let device = Legacy::new(|count| [(count % 251) as u8; 16]);
    let value: Result<u64, _> = Config::new(&device).read(0);
    assert_eq!(value, Err(ConfigError::Unstable));
    assert_eq!(device.count.get(), 8 * u64::from(RETRIES));
}

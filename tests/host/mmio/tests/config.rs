// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The configuration space.

use mmio::{
    access::reg,
    Access,
    Device,
    Driver,
    Kind, //
};
use pure::config::{
    Config,
    ConfigError,
    RETRIES, //
};

/// A device with these fields, and this many bytes of registers.
fn device(fields: &[(usize, usize)], len: usize) -> (Device, Driver) {
    let device = Device::new(Kind {
        fields: fields.to_vec(),
        len,
        ..Kind::default()
    });
    let driver = Driver::new(&device);
    (device, driver)
}

/// MMIO-REG-05: fields are accessed by their widths, after the control registers; 64 bits as two halves,
/// bytes one by one.
#[test]
fn fields_are_accessed_by_their_widths() {
    let halves = [(0, 4), (4, 4)];
    let bytes = [(20, 1), (21, 1), (22, 1)];
    let others = [(8, 4), (12, 2), (14, 1)];
    let fields = [&halves[..], &bytes, &others].concat();
    let (device, driver) = device(&fields, 0x200);
    let config = Config::new(&driver.0);
    assert_eq!(config.read::<u64>(0), Ok(0x0706_0504_0302_0100));
    assert_eq!(config.read::<[u8; 3]>(20), Ok([20, 21, 22]));
    assert_eq!(config.read::<u32>(8), Ok(0x0b0a_0908));
    assert_eq!(config.read::<u16>(12), Ok(0x0d0c));
    assert_eq!(config.read::<u8>(14), Ok(14));
    config.write::<u8>(14, 1).expect("is there");
    config.write::<u16>(12, 2).expect("is there");
    config.write::<u32>(8, 3).expect("is there");
    let written: Vec<_> = device
        .log()
        .into_iter()
        .filter(|access| matches!(access, Access::Write(..)))
        .collect();
    assert_eq!(
        written,
        [
            Access::Write(reg::CONFIG + 14, 1, 1),
            Access::Write(reg::CONFIG + 12, 2, 2),
            Access::Write(reg::CONFIG + 8, 4, 3),
        ]
    );
}

/// No access goes beyond the end of the registers, or wraps around.
#[test]
fn fields_beyond_the_end_are_refused() {
    for (len, size) in [(0x100, 0), (0x104, 4), (0x101, 1), (0x200, 0x100)] {
        let (device, driver) = device(&[], len);
        let config = Config::new(&driver.0);
        for offset in [size, size + 4, 0x1000, usize::MAX - 0xff, usize::MAX] {
            let result = config.read::<u32>(offset & !3);
            if offset & !3 >= size {
                assert_eq!(result, Err(ConfigError::OutOfRange));
            }
            assert!(config.write::<u8>(offset, 0).is_err());
            assert!(config.read::<u8>(offset).is_err());
        }
        assert_eq!(device.log(), []);
    }
}

/// MMIO-REG-25: what takes more than one access is repeated when the generation changes meanwhile, and
/// given up when it does so for ever.
#[test]
fn reads_are_of_one_generation() {
    let (device, driver) = device(&[(0, 4), (4, 4)], 0x200);
    let config = Config::new(&driver.0);
    device.change(|kind| kind.restless = 5);
    assert!(config.read::<u64>(0).is_ok());
    let halves = device
        .log()
        .iter()
        .filter(|access| **access == Access::Read(reg::CONFIG, 4))
        .count();
    assert!(halves > 1);

    device.change(|kind| kind.restless = u32::MAX);
    device.forget();
    assert_eq!(config.read::<u64>(0), Err(ConfigError::Unstable));
    assert!(device.log().len() <= 4 * RETRIES as usize + 4);
}

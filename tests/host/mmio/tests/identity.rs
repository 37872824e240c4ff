// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What is a device, and what is none.

use mmio::{
    access::reg,
    Access,
    Device,
    Kind, //
};
use pure::{
    id::DeviceId,
    transport::mmio::identity::Identity, //
};

/// What is found, and the registers that were looked at.
fn look(kind: Kind) -> (Option<Identity>, Vec<usize>) {
    let device = Device::new(kind);
    let identity = Identity::of(&device);
    let read = |access| match access {
        Access::Read(at, _) => at,
        Access::Write(..) => panic!("nothing is written"),
    };
    (identity, device.log().into_iter().map(read).collect())
}

/// MMIO-REG-06, MMIO-INIT-01: something else that lies there is left alone after one look.
#[test]
fn a_wrong_magic_value_is_ignored() {
    let bytes = u32::from_be_bytes(*b"virt");
    for magic in [0, 1, u32::MAX, bytes, u32::from_le_bytes(*b"virs")] {
        let (identity, read) = look(Kind {
            magic,
            ..Kind::default()
        });
        assert_eq!(identity, None);
        assert_eq!(read, [reg::MAGIC_VALUE]);
    }
}

/// MMIO-REG-08, MMIO-INIT-01: versions that are not known are left alone. Version 3 is, to Linux.
#[test]
fn versions() {
    for version in [0, 4, 5, 0x0200_0000, u32::MAX] {
        let (identity, read) = look(Kind {
            version,
            ..Kind::default()
        });
        assert_eq!(identity, None);
        assert_eq!(read, [reg::MAGIC_VALUE, reg::VERSION]);
    }
    for (version, is_legacy) in [(1, true), (2, false), (3, false)] {
        let (identity, read) = look(Kind {
            version,
            ..Kind::default()
        });
        let expected = Identity {
            kind: DeviceId::ENTROPY,
            is_legacy,
        };
        assert_eq!(identity, Some(expected));
        assert_eq!(read, [reg::MAGIC_VALUE, reg::VERSION, reg::DEVICE_ID]);
    }
}

/// MMIO-REG-10, MMIO-REG-11, MMIO-INIT-02, MMIO-INIT-03, MMIO-INIT-07: a place without a device is left alone, in
/// any version; the number of the device is the last thing that is looked at.
#[test]
fn a_place_without_a_device_is_ignored() {
    for (version, id) in [(1, 0), (2, 0), (3, 0), (2, 0x1_0000), (2, u32::MAX)] {
        let (identity, read) = look(Kind {
            version,
            id,
            ..Kind::default()
        });
        assert_eq!(identity, None);
        assert_eq!(read, [reg::MAGIC_VALUE, reg::VERSION, reg::DEVICE_ID]);
    }
}

/// Fewer registers than each device has are not looked at.
#[test]
fn a_region_that_is_too_small_is_ignored() {
    for len in [0, 4, 0xff] {
        let (identity, read) = look(Kind {
            len,
            ..Kind::default()
        });
        assert_eq!((identity, read.len()), (None, 0));
    }
}

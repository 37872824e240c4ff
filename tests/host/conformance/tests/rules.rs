// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Requirements that the tests of the single parts leave over.

use pure::feature::{
    block,
    negotiate,
    transport,
    FeatureSet, //
};
use pure::id::DeviceId;
use pure::transport::pci::capability::{
    parse,
    Bars,
    CapabilityError,
    ConfigSpace, //
};

/// The bytes of a configuration space.
struct Space([u8; 256]);

impl ConfigSpace for Space {
    fn read8(&self, offset: u16) -> u8 {
        self.0[usize::from(offset)]
    }

    fn read16(&self, offset: u16) -> u16 {
        u16::from_le_bytes([self.read8(offset), self.read8(offset + 1)])
    }

    fn read32(&self, offset: u16) -> u32 {
        u32::from(self.read16(offset)) | u32::from(self.read16(offset + 2)) << 16
    }
}

/// A configuration space with these capabilities one after the other, each of its own length.
fn space(capabilities: &[&[u8]]) -> Space {
    let mut bytes = [0; 256];
    bytes[6] = 0x10;
    let (mut pointer, mut at) = (0x34, 0x40);
    for capability in capabilities {
        bytes[pointer] = at as u8;
        bytes[at..][..capability.len()].copy_from_slice(capability);
        pointer = at + 1;
        at = (at + capability.len()).next_multiple_of(4);
    }
    Space(bytes)
}

/// A structure of this type, of 64 bytes at an offset in BAR 4.
fn structure(kind: u8, offset: u8) -> [u8; 20] {
    [
        9, 0, 20, kind, 4, 0, 0, 0, offset, 0, 0, 0, 64, 0, 0, 0, 4, 0, 0, 0,
    ]
}

/// PCI-VND-03: data of a vendor is skipped, even if that says that the vendor is 1AF4, whatever its size is, and before as
/// well as after what is needed.
#[test]
fn data_of_any_vendor_is_skipped() {
    let bars = Bars([None, None, None, None, Some(0x1000), None]);
    let (common, notify, isr) = (structure(1, 0), structure(2, 64), structure(3, 128));
    let expected = parse(&space(&[&common, &notify, &isr]), &bars);
    assert!(expected.is_ok());
    for len in 6..=32 {
        let mut data = vec![0xff; len];
        data[..6].copy_from_slice(&[9, 0, len as u8, 9, 0xf4, 0x1a]);
        for position in 0..=3 {
            let mut list: Vec<&[u8]> = vec![&common, &notify, &isr];
            list.insert(position, &data);
            assert_eq!(parse(&space(&list), &bars), expected, "{len} {position}");
        }
        let alone = parse(&space(&[&data]), &bars);
        assert_eq!(alone, Err(CapabilityError::NoCommon));
    }
}

/// BLK-INIT-11: a device that offers a cache that can be turned on, and no way to flush it, is used without.
#[test]
fn a_cache_without_flush_is_not_accepted() {
    let allowed = FeatureSet::of(&[block::CONFIG_WCE, block::FLUSH, block::BLK_SIZE]);
    let ring = FeatureSet::of(&[transport::VERSION_1]);
    let offered = FeatureSet::of(&[block::CONFIG_WCE, block::BLK_SIZE, transport::VERSION_1]);
    assert_eq!(
        negotiate(offered, allowed, ring, DeviceId::BLOCK),
        FeatureSet::of(&[block::BLK_SIZE, transport::VERSION_1])
    );
    let offered = offered.with(block::FLUSH);
    assert_eq!(negotiate(offered, allowed, ring, DeviceId::BLOCK), offered);
}

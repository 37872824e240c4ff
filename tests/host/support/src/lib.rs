// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What the ring tests have in common: memory that watches the driver, and a device that keeps to
//! the rules and expects the same of the driver.

mod device;
mod shared;

pub use self::{
    device::Device,
    shared::{
        Access,
        Chain,
        Recorder,
        Segment,
        Shared, //
    },
};

use proptest::test_runner::Config as ProptestConfig;
use pure::ring::{
    split::{
        Split,
        SplitMemory, //
    },
    Options,
    Slot,
    Violation, //
};
use std::ops::DerefMut;

/// How often a property is tried. Nothing is written when it does not hold: what is to be tried
/// each time from then on deserves a test of its own.
pub fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// The ring under test.
pub type Ring = Split<Recorder, Vec<Slot>>;

/// A ring and a device on the same memory.
pub fn ring(size: u16, table_len: u16, options: Options) -> (Ring, Device) {
    let memory = Recorder::new(size, table_len, options);
    let device = Device::new(&memory);
    let slots = vec![Slot::default(); usize::from(size)];
    let ring = Split::new(memory, slots, options).expect("the layout is valid");
    (ring, device)
}

/// Adds a chain of these segments.
pub fn add(ring: &mut Ring, segments: &[Segment]) -> u16 {
    let max = u16::try_from(segments.len()).expect("few segments");
    let mut chain = ring.chain(max).expect("there is room");
    for segment in segments {
        chain
            .push(segment.addr, segment.len, segment.writable)
            .expect("the segments are valid");
    }
    chain.commit().expect("the chain is not empty")
}

/// A chain of `readable` and then `writable` segments, each at an address of its own that begins
/// with `tag`.
pub fn segments(tag: u32, readable: u16, writable: u16) -> Vec<Segment> {
    (0..readable + writable)
        .map(|at| Segment {
            addr: u64::from(tag) << 32 | u64::from(at) << 16,
            len: 512 + u32::from(at),
            writable: at >= readable,
        })
        .collect()
}

/// Takes back the next chain that the device has used: its head, and the bytes written.
pub fn pop<M, S>(ring: &mut Split<M, S>) -> Result<Option<(u16, u32)>, Violation>
where
    M: SplitMemory,
    S: DerefMut<Target = [Slot]>,
{
    let Some(used) = ring.pop()? else {
        return Ok(None);
    };
    let result = (used.head, used.written);
    Ok(Some(result))
}

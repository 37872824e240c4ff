// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What there is to a device type: its features, its configuration, and what it does with buffers.

use crate::dma::Map;
use crate::event::Log;
use device::{
    Chain,
    Violation, //
};

/// A device type, well-behaved.
pub trait Model: Send {
    /// Its number (5).
    fn device_type(&self) -> u8;
    /// Its PCI class: base, sub, interface.
    fn class(&self) -> [u8; 3];
    /// The features of its type that it offers.
    fn features(&self) -> u128;
    /// The largest size of each of its queues.
    fn queues(&self) -> Vec<u16>;
    /// Its configuration.
    fn config(&self) -> Vec<u8>;

    /// The driver writes its configuration.
    ///
    /// # Errors
    ///
    /// When the driver must not.
    fn write_config(
        &mut self,
        config: &mut [u8],
        offset: usize,
        bytes: &[u8],
    ) -> Result<(), String> {
        let _ = (config, bytes);
        Err(format!("write of the configuration at {offset}"))
    }

    /// Carries out what a buffer asks for. How many bytes were written into it; [`None`] when it is
    /// to be kept until there is something to put into it, which [`Self::deliver`] does.
    ///
    /// # Errors
    ///
    /// When the driver gave memory that it did not map.
    fn request(
        &mut self,
        queue: u16,
        chain: &Chain,
        map: &Map,
        log: &mut Log,
    ) -> Result<Option<u32>, Violation>;

    /// Puts something that it has into buffers that it kept, `chains`, the oldest of a queue first. How
    /// many bytes into each of those that it takes for that, which the driver gets together. None, if
    /// it has nothing or there are not enough of them.
    ///
    /// # Errors
    ///
    /// Those of [`Self::request`].
    fn deliver(
        &mut self,
        queue: u16,
        chains: &[&Chain],
        map: &Map,
        log: &mut Log,
    ) -> Result<Vec<u32>, Violation> {
        let _ = (queue, chains, map, log);
        Ok(Vec::new())
    }

    /// The driver is there: these features were agreed on.
    fn start(&mut self, features: u128) {
        let _ = features;
    }

    /// Something comes from outside.
    fn arrive(&mut self, bytes: Vec<u8>) {
        let _ = bytes;
    }

    /// Looks at its configuration, which others change as well, and changes there what requests have
    /// asked for. Whether it did.
    fn settle(&mut self, config: &mut [u8]) -> bool {
        let _ = config;
        false
    }

    /// Its power goes or comes, as a test wants it. Whether it knows of that.
    fn power(&mut self, what: &str) -> bool {
        let _ = what;
        false
    }

    /// Forgets what the driver told it.
    fn reset(&mut self) {}
}

/// What a driver wrote into a buffer, at most `limit` bytes of it.
///
/// # Errors
///
/// When it is not mapped.
pub fn gather(chain: &Chain, map: &Map, limit: usize) -> Result<Vec<u8>, Violation> {
    let mut bytes = Vec::new();
    for element in chain.elements.iter().filter(|element| !element.writable) {
        let old = bytes.len();
        let more = limit.saturating_sub(old).min(element.len as usize);
        bytes.resize(old + more, 0);
        map.read(element.addr, &mut bytes[old..])?;
    }
    Ok(bytes)
}

/// Writes bytes into a buffer, from `skip` bytes of it on. How many there was room for.
///
/// # Errors
///
/// When it is not mapped for that.
pub fn scatter(chain: &Chain, map: &Map, skip: u64, bytes: &[u8]) -> Result<usize, Violation> {
    let (mut position, mut done) = (0, 0);
    for element in chain.elements.iter().filter(|element| element.writable) {
        let len = u64::from(element.len);
        let from = skip.saturating_sub(position).min(len);
        let count = usize::try_from(len - from).map_or(0, |room| room.min(bytes.len() - done));
        map.write(element.addr + from, &bytes[done..done + count])?;
        done += count;
        position += len;
    }
    Ok(done)
}

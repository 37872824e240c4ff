// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The messages of vfio-user, as far as a PCI device meets them.

/// Commands.
pub mod command {
    /// Version and capabilities.
    pub const VERSION: u16 = 1;
    /// Memory that the device may use.
    pub const DMA_MAP: u16 = 2;
    /// Memory that it may not use any more.
    pub const DMA_UNMAP: u16 = 3;
    /// What the device has.
    pub const GET_INFO: u16 = 4;
    /// What a region is.
    pub const GET_REGION_INFO: u16 = 5;
    /// What an interrupt is.
    pub const GET_IRQ_INFO: u16 = 7;
    /// Eventfds of interrupts.
    pub const SET_IRQS: u16 = 8;
    /// A read of a region.
    pub const REGION_READ: u16 = 9;
    /// A write of a region.
    pub const REGION_WRITE: u16 = 10;
    /// A reset of the function.
    pub const RESET: u16 = 13;
}

/// Regions.
pub mod region {
    /// BAR 0.
    pub const BAR0: u32 = 0;
    /// BAR 1.
    pub const BAR1: u32 = 1;
    /// Configuration space.
    pub const CONFIG: u32 = 7;
    /// How many there are.
    pub const COUNT: u32 = 9;
}

/// Interrupts.
pub mod irq {
    /// The line.
    pub const INTX: u32 = 0;
    /// Vectors.
    pub const MSIX: u32 = 2;
    /// How many kinds there are.
    pub const COUNT: u32 = 5;
    /// Eventfds come along.
    pub const EVENTFD: u32 = 4;
    /// Let it come again.
    pub const UNMASK: u32 = 0x10;
    /// It is about what triggers it.
    pub const TRIGGER: u32 = 0x20;
}

/// Bytes of a header.
pub const HEADER: usize = 16;

/// Bytes of a message at most, beside its header.
pub const LIMIT: usize = 1 << 20;

/// What stands before a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which message it is; an answer has that of its question.
    pub id: u16,
    /// Command.
    pub command: u16,
    /// Bytes in all.
    pub size: u32,
    /// Kind and flags.
    pub flags: u32,
}

/// Of a header: an answer.
const REPLY: u32 = 1;
/// Of a header: no answer is wanted.
const NO_REPLY: u32 = 1 << 4;
/// Of a header: it did not work.
const ERROR: u32 = 1 << 5;

impl Header {
    /// Reads a header. [`None`] if its size is none that a message can have.
    pub fn parse(bytes: &[u8; HEADER]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let header = Self {
            id: fields.u16()?,
            command: fields.u16()?,
            size: fields.u32()?,
            flags: fields.u32()?,
        };
        (header.body() <= LIMIT && header.size as usize >= HEADER).then_some(header)
    }

    /// Bytes behind the header.
    pub fn body(&self) -> usize {
        (self.size as usize).saturating_sub(HEADER)
    }

    /// Whether an answer is wanted.
    pub fn wants_reply(&self) -> bool {
        self.flags & NO_REPLY == 0
    }

    /// An answer: what is behind its header, or the number of an error.
    pub fn reply(&self, body: Result<&[u8], u32>) -> Vec<u8> {
        let (bytes, flags, error) = match body {
            Ok(bytes) => (bytes, REPLY, 0),
            Err(error) => (&[][..], REPLY | ERROR, error),
        };
        let size = u32::try_from(HEADER + bytes.len()).unwrap_or(u32::MAX);
        let mut message = Vec::with_capacity(HEADER + bytes.len());
        message.extend(self.id.to_ne_bytes());
        message.extend(self.command.to_ne_bytes());
        for word in [size, flags, error] {
            message.extend(word.to_ne_bytes());
        }
        message.extend(bytes);
        message
    }
}

/// Fields one behind the other.
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Those of a message.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// So many bytes.
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*first)
    }

    /// The next 16 bits.
    pub fn u16(&mut self) -> Option<u16> {
        self.bytes().map(u16::from_ne_bytes)
    }

    /// The next 32 bits.
    pub fn u32(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_ne_bytes)
    }

    /// The next 64 bits.
    pub fn u64(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_ne_bytes)
    }

    /// All that is left.
    pub fn rest(self) -> &'a [u8] {
        self.rest
    }
}

/// Puts fields one behind the other.
#[derive(Default)]
pub struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// With these 32-bit fields more.
    pub fn words(mut self, words: &[u32]) -> Self {
        for word in words {
            self.bytes.extend(word.to_ne_bytes());
        }
        self
    }

    /// With this 64-bit field more.
    pub fn long(mut self, value: u64) -> Self {
        self.bytes.extend(value.to_ne_bytes());
        self
    }

    /// With these bytes more.
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    /// All of it.
    pub fn end(self) -> Vec<u8> {
        self.bytes
    }
}

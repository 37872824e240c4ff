// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What is in front of each frame (5.1.9): 12 bytes, as long as nothing is agreed on that makes it
//! longer.

/// Its bytes.
pub const LEN: usize = 12;

/// In the flags: the checksum is to be completed.
pub const NEEDS_CSUM: u8 = 1;

/// The bytes of a frame at least: two addresses and a type.
const FRAME: usize = 14;

/// The header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Flags.
    pub flags: u8,
    /// How it is to be cut into pieces: 0 is not at all.
    pub gso_type: u8,
    /// Bytes of all headers of the frame, as a hint.
    pub hdr_len: u16,
    /// Bytes of a piece.
    pub gso_size: u16,
    /// From where on the checksum is summed up.
    pub csum_start: u16,
    /// Where it is to be, from there on.
    pub csum_offset: u16,
    /// Receive buffers that the frame is in.
    pub num_buffers: u16,
}

impl Header {
    /// The header of a frame of the driver, and the frame, if both are there.
    pub fn split(bytes: &[u8]) -> Option<(Self, Vec<u8>)> {
        let (header, frame) = bytes.split_first_chunk::<LEN>()?;
        let word = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        (frame.len() >= FRAME).then(|| {
            let header = Self {
                flags: header[0],
                gso_type: header[1],
                hdr_len: word(2),
                gso_size: word(4),
                csum_start: word(6),
                csum_offset: word(8),
                num_buffers: word(10),
            };
            (header, frame.to_vec())
        })
    }

    /// The header of a frame for the driver, in so many buffers. Without GUEST_CSUM and the like all
    /// else is 0 (5.1.9.4.1).
    pub fn received(num_buffers: u16) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[10..].copy_from_slice(&num_buffers.to_le_bytes());
        bytes
    }

    /// What is wrong with the header of a frame that the driver sends (5.1.9.2.1).
    ///
    /// # Errors
    ///
    /// When the driver must not send it so.
    pub fn check(&self, csum: bool, frame: usize) -> Result<(), String> {
        let allowed = if csum { NEEDS_CSUM } else { 0 };
        if self.flags & !allowed != 0 {
            return Err(format!("flags {:#x} of a frame", self.flags));
        }
        if self.gso_type != 0 {
            return Err(format!("gso_type {} of a frame", self.gso_type));
        }
        if self.num_buffers != 0 {
            return Err(format!("num_buffers {} of a frame", self.num_buffers));
        }
        let end = usize::from(self.csum_start) + usize::from(self.csum_offset) + 2;
        if self.flags & NEEDS_CSUM != 0 && end > frame {
            return Err(format!("checksum up to {end} in a frame of {frame} bytes"));
        }
        Ok(())
    }

    /// Completes the checksum of a frame whose header was checked (5.1.9.2).
    pub fn complete(&self, frame: &mut [u8]) {
        let (start, offset) = (usize::from(self.csum_start), usize::from(self.csum_offset));
        let part = &mut frame[start..];
        // The field holds the sum of what is not in the frame there: it is summed up as well. 0
        // means to UDP that there is none.
        let sum = match checksum(part) {
            0 => 0xffff,
            sum => sum,
        };
        part[offset..offset + 2].copy_from_slice(&sum.to_be_bytes());
    }
}

/// The checksum of the internet protocols.
pub fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u64 = 0;
    for pair in bytes.chunks(2) {
        sum += u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    // CAST: It was just made to fit.
    !(sum as u16)
}

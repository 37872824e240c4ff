// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Split virtqueues (2.7).

use crate::{
    aligned,
    chain::{
        Desc,
        DESC_SIZE,
        INDIRECT,
        NEXT,
        WRITE, //
    },
    Addresses,
    Chain,
    Features,
    Memory,
    Violation,
    Wish, //
};
use std::collections::VecDeque;

/// The device's side of a split virtqueue.
#[derive(Debug)]
pub struct Split<M> {
    /// What it shares with the driver.
    memory: M,
    /// Where the parts are.
    at: Addresses,
    /// Entries.
    size: u16,
    /// What was negotiated.
    features: Features,
    /// Chains that were read and not yet taken.
    seen: VecDeque<Chain>,
    /// Entries of the available ring that were read, ever.
    read: u64,
    /// Entries of the used ring, ever.
    used: u64,
    /// With `VIRTIO_F_IN_ORDER`: descriptors that the driver used, ever.
    position: u64,
    /// Which descriptors the device has.
    owned: Vec<bool>,
}

/// The low bits of a position, which is what the ring's indexes hold.
fn low(position: u64) -> u16 {
    (position & 0xffff) as u16
}

impl<M: Memory> Split<M> {
    /// The device's side of a queue that was just enabled.
    ///
    /// # Errors
    ///
    /// When the size or an address is not one that a split virtqueue can have (2.7, 2.7.1).
    pub fn new(memory: M, size: u16, at: Addresses, features: Features) -> Result<Self, Violation> {
        if !size.is_power_of_two() || size > 1 << 15 {
            return Err(Violation::Size(size));
        }
        aligned(at.desc, 16)?;
        aligned(at.driver, 2)?;
        aligned(at.device, 4)?;
        Ok(Self {
            memory,
            at,
            size,
            features,
            seen: VecDeque::new(),
            read: 0,
            used: 0,
            position: 0,
            owned: vec![false; size.into()],
        })
    }

    /// Entries.
    pub fn size(&self) -> u16 {
        self.size
    }

    /// Buffers that the driver made available and that were read, ever.
    pub fn seen(&self) -> u64 {
        self.read
    }

    /// Buffers that the device has not used.
    pub fn in_flight(&self) -> u16 {
        low(self.read - self.used)
    }

    /// Reads a descriptor of the table at `base` (2.7.5).
    fn desc(&self, base: u64, index: u16) -> Result<Desc, Violation> {
        let at = base.wrapping_add(u64::from(index) * u64::from(DESC_SIZE));
        Ok(Desc {
            addr: self.memory.read64(at)?,
            len: self.memory.read32(at.wrapping_add(8))?,
            flags: self.memory.read16(at.wrapping_add(12))?,
            link: self.memory.read16(at.wrapping_add(14))?,
        })
    }

    /// Where the ring of available heads has its entry for a position (2.7.6).
    fn avail_entry(&self, position: u64) -> u64 {
        let index = position % u64::from(self.size);
        self.at.driver.wrapping_add(4 + 2 * index)
    }

    /// Where the used ring has its entry for a position (2.7.8).
    fn used_entry(&self, position: u64) -> u64 {
        let index = position % u64::from(self.size);
        self.at.device.wrapping_add(4 + 8 * index)
    }

    /// Reads all that the driver made available, and checks it. Returns how many buffers were new.
    pub fn poll(&mut self) -> Result<u16, Violation> {
        let idx = self.memory.read16(self.at.driver.wrapping_add(2))?;
        let new = idx.wrapping_sub(low(self.read));
        // 2.7.6.1: the index never goes back; and no more chains than descriptors are outstanding.
        if u32::from(new) + u32::from(self.in_flight()) > u32::from(self.size) {
            return Err(Violation::AvailIndex(idx));
        }
        self.memory.rmb();
        for _ in 0..new {
            let head = self.memory.read16(self.avail_entry(self.read))?;
            let chain = self.walk(head)?;
            self.position += u64::from(chain.descriptors);
            self.read += 1;
            self.seen.push_back(chain);
        }
        Ok(new)
    }

    /// Follows a chain (2.7.5).
    fn walk(&mut self, head: u16) -> Result<Chain, Violation> {
        let mut chain = Chain::new(self.position);
        chain.id = head;
        let mut index = head;
        loop {
            if index >= self.size {
                return Err(Violation::Range(index));
            }
            // 2.7.5: in ring order from 0 on, which 2.7.5.2 says of next as well.
            let due = (self.position + u64::from(chain.descriptors)) % u64::from(self.size);
            if self.features.in_order && u64::from(index) != due {
                return Err(Violation::RingOrder(index));
            }
            // Also ends a loop: what is in the chain already is owned.
            if std::mem::replace(&mut self.owned[usize::from(index)], true) {
                return Err(Violation::InUse(index));
            }
            let desc = self.desc(self.at.desc, index)?;
            chain.held.push((index, desc));
            chain.descriptors += 1;
            if desc.flags & !(NEXT | WRITE | INDIRECT) != 0 {
                return Err(Violation::Flags(desc.flags));
            }
            if desc.flags & INDIRECT != 0 {
                if !self.features.indirect {
                    return Err(Violation::IndirectNotNegotiated);
                }
                if desc.flags & NEXT != 0 {
                    return Err(Violation::Nested(index));
                }
                // 2.7.5.3.2: the WRITE flag of this descriptor means nothing.
                self.walk_table(desc, &mut chain)?;
                return Ok(chain);
            }
            chain.push(desc, self.size)?;
            if desc.flags & NEXT == 0 {
                return Ok(chain);
            }
            index = desc.link;
        }
    }

    /// Follows the descriptors of an indirect table (2.7.5.3).
    fn walk_table(&self, table: Desc, chain: &mut Chain) -> Result<(), Violation> {
        let entries = table.len / DESC_SIZE;
        if table.len == 0 || table.len % DESC_SIZE != 0 {
            return Err(Violation::TableSize(table.len));
        }
        // 2.7.5.3.1: no chain is longer than the queue.
        let entries = match u16::try_from(entries) {
            Ok(entries) if entries <= self.size => entries,
            _ => return Err(Violation::TooLong),
        };
        chain.indirect = true;
        let mut held = Vec::with_capacity(entries.into());
        for index in 0..entries {
            held.push(self.desc(table.addr, index)?);
        }
        let mut index = 0;
        for step in 1..=entries {
            let desc = *held
                .get(usize::from(index))
                .ok_or(Violation::Range(index))?;
            if desc.flags & INDIRECT != 0 {
                return Err(Violation::Nested(index));
            }
            if desc.flags & !(NEXT | WRITE) != 0 {
                return Err(Violation::Flags(desc.flags));
            }
            chain.push(desc, self.size)?;
            if desc.flags & NEXT == 0 {
                // What lies behind the end of the chain should not be in the table at all.
                if step != entries {
                    return Err(Violation::TableSize(table.len));
                }
                chain.table = Some((table.addr, held));
                return Ok(());
            }
            if self.features.in_order && desc.link != step {
                return Err(Violation::RingOrder(desc.link));
            }
            index = desc.link;
        }
        // A loop.
        Err(Violation::TooLong)
    }

    /// Takes the next available buffer.
    pub fn take(&mut self) -> Result<Option<Chain>, Violation> {
        if self.seen.is_empty() {
            self.poll()?;
        }
        Ok(self.seen.pop_front())
    }

    /// Checks that the driver left a chain alone.
    fn check_unchanged(&self, chain: &Chain) -> Result<(), Violation> {
        for &(index, held) in &chain.held {
            if self.desc(self.at.desc, index)? != held {
                return Err(Violation::Changed(index));
            }
        }
        if let Some((addr, table)) = &chain.table {
            for (index, &held) in (0..).zip(table) {
                if self.desc(*addr, index)? != held {
                    return Err(Violation::Changed(index));
                }
            }
        }
        Ok(())
    }

    /// Gives up what the device had of a chain.
    fn disown(&mut self, chain: &Chain) -> Result<(), Violation> {
        self.check_unchanged(chain)?;
        for &(index, _) in &chain.held {
            self.owned[usize::from(index)] = false;
        }
        Ok(())
    }

    /// Uses chains, of each of which so many bytes were written. Each gets an entry of the used ring;
    /// the index covers them at once. Whether the driver wants to be notified.
    ///
    /// With `VIRTIO_F_IN_ORDER` they are the ones taken longest ago, in order.
    pub fn complete(&mut self, chains: Vec<(Chain, u32)>) -> Result<bool, Violation> {
        let old = self.used;
        for (chain, written) in chains {
            self.disown(&chain)?;
            let entry = self.used_entry(self.used);
            self.memory.write32(entry, chain.id.into())?;
            self.memory.write32(entry.wrapping_add(4), written)?;
            self.used += 1;
        }
        self.expose(old)
    }

    /// Uses chains by one entry of the used ring, which names the last of them (2.7.9): all but it
    /// count as written completely. They are the ones taken longest ago, in order. Whether the
    /// driver wants to be notified.
    pub fn complete_batch(&mut self, chains: Vec<Chain>, written: u32) -> Result<bool, Violation> {
        assert!(self.features.in_order, "needs VIRTIO_F_IN_ORDER");
        let old = self.used;
        // The entry is at the position of the first chain, and the index skips the others.
        let entry = self.used_entry(old);
        let mut last = None;
        for chain in chains {
            self.disown(&chain)?;
            last = Some(chain.id);
            self.used += 1;
        }
        if let Some(id) = last {
            self.memory.write32(entry, id.into())?;
            self.memory.write32(entry.wrapping_add(4), written)?;
        }
        self.expose(old)
    }

    /// Writes an entry of the used ring that may be of no chain, and moves the index by it and by
    /// `jump` more entries, which no device does that is to be relied on. The queue itself knows
    /// nothing of it: what comes next takes the same entry.
    pub fn forge(&self, id: u32, len: u32, jump: u16) -> Result<(), Violation> {
        let entry = self.used_entry(self.used);
        self.memory.write32(entry, id)?;
        self.memory.write32(entry.wrapping_add(4), len)?;
        self.memory.wmb();
        let idx = self.at.device.wrapping_add(2);
        let after = low(self.used).wrapping_add(1).wrapping_add(jump);
        self.memory.write16(idx, after)?;
        self.memory.mb();
        Ok(())
    }

    /// Moves the used index, and looks whether the driver wants to be notified (2.7.7.2, 2.7.8.2).
    fn expose(&mut self, old: u64) -> Result<bool, Violation> {
        if self.used == old {
            return Ok(false);
        }
        self.memory.wmb();
        let idx = self.at.device.wrapping_add(2);
        self.memory.write16(idx, low(self.used))?;
        self.memory.mb();
        match self.wish()? {
            Wish::Nothing => Ok(false),
            Wish::All => Ok(true),
            Wish::After(event) => Ok((old..self.used).any(|position| low(position) == event)),
        }
    }

    /// What the driver wishes (2.7.7.1); after the index that it gives.
    fn wish(&self) -> Result<Wish, Violation> {
        let flags = self.memory.read16(self.at.driver)?;
        if self.features.event_idx {
            if flags != 0 {
                return Err(Violation::EventFlags(flags));
            }
            let entries = 4 + 2 * u64::from(self.size);
            let event = self.at.driver.wrapping_add(entries);
            return Ok(Wish::After(self.memory.read16(event)?));
        }
        match flags {
            0 => Ok(Wish::All),
            1 => Ok(Wish::Nothing),
            _ => Err(Violation::EventFlags(flags)),
        }
    }

    /// Says of which buffers the device wants to be notified (2.7.10.2). Whether it may wait for
    /// that: not if there is something available already.
    pub fn ask(&mut self, wish: Wish) -> Result<bool, Violation> {
        if self.features.event_idx {
            let event = match wish {
                Wish::All => self.read,
                Wish::After(more) => self.read + u64::from(more),
                // One that has been. It comes again when the index has come round.
                Wish::Nothing => self.read.wrapping_sub(1),
            };
            let entries = 4 + 8 * u64::from(self.size);
            let at = self.at.device.wrapping_add(entries);
            self.memory.write16(at, low(event))?;
        } else {
            let flags = u16::from(wish == Wish::Nothing);
            self.memory.write16(self.at.device, flags)?;
        }
        self.memory.mb();
        let idx = self.memory.read16(self.at.driver.wrapping_add(2))?;
        Ok(idx == low(self.read) && self.seen.is_empty())
    }

    /// Whether the driver must notify the device of the buffers made available since so many had
    /// been seen, by what the device asked for (2.7.10.1).
    pub fn asked(&self, since: u64) -> Result<bool, Violation> {
        if self.read == since {
            return Ok(false);
        }
        if self.features.event_idx {
            let entries = 4 + 8 * u64::from(self.size);
            let event = self.memory.read16(self.at.device.wrapping_add(entries))?;
            return Ok((since..self.read).any(|position| low(position) == event));
        }
        Ok(self.memory.read16(self.at.device)? & 1 == 0)
    }

    /// Checks what a notification carries with `VIRTIO_F_NOTIFICATION_DATA` (2.9): the available
    /// index, when all that is available has been seen.
    pub fn notified(&self, data: u16) -> Result<(), Violation> {
        if data == low(self.read) {
            Ok(())
        } else {
            Err(Violation::Notification(data))
        }
    }
}

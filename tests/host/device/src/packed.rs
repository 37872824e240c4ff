// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Packed virtqueues (2.8).

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

/// Of a descriptor's flags: available (2.8.1).
const AVAIL: u16 = 1 << 7;
/// Of a descriptor's flags: used (2.8.1).
const USED: u16 = 1 << 15;

/// Event flags: notify of all (2.8.10).
const ENABLE: u16 = 0;
/// Event flags: notify of none.
const DISABLE: u16 = 1;
/// Event flags: notify of a certain descriptor.
const DESC: u16 = 2;

/// The device's side of a packed virtqueue.
#[derive(Debug)]
pub struct Packed<M> {
    /// What it shares with the driver.
    memory: M,
    /// Where the parts are.
    at: Addresses,
    /// Entries.
    size: u16,
    /// What was negotiated.
    features: Features,
    /// Buffers that were read and not yet taken.
    seen: VecDeque<Chain>,
    /// Descriptors that were read, ever: where the driver makes the next one available.
    read: u64,
    /// Descriptors that were used or skipped, ever: where the next used one goes.
    used: u64,
    /// What each descriptor held when the device read or wrote it last.
    shadow: Vec<Desc>,
    /// Which ids belong to buffers that the device has.
    owned: Vec<bool>,
}

impl<M: Memory> Packed<M> {
    /// The device's side of a queue that was just enabled.
    ///
    /// # Errors
    ///
    /// When the size or an address is not one that a packed virtqueue can have (2.8.10.1, 2.8.11).
    pub fn new(memory: M, size: u16, at: Addresses, features: Features) -> Result<Self, Violation> {
        if size == 0 || size > 1 << 15 {
            return Err(Violation::Size(size));
        }
        aligned(at.desc, 16)?;
        aligned(at.driver, 4)?;
        aligned(at.device, 4)?;
        let entries = usize::from(size);
        Ok(Self {
            memory,
            at,
            size,
            features,
            seen: VecDeque::new(),
            read: 0,
            used: 0,
            // 2.8.13: zero at first.
            shadow: vec![Desc::default(); entries],
            owned: vec![false; entries],
        })
    }

    /// Entries.
    pub fn size(&self) -> u16 {
        self.size
    }

    /// Descriptors that the driver made available and that were read, ever.
    pub fn seen(&self) -> u64 {
        self.read
    }

    /// Descriptors that the device has neither used nor skipped.
    pub fn in_flight(&self) -> u16 {
        // No more than the size.
        ((self.read - self.used) & 0xffff) as u16
    }

    /// The place in the ring of a position.
    fn offset(&self, position: u64) -> u16 {
        // CAST: less than the size.
        (position % u64::from(self.size)) as u16
    }

    /// The wrap counter at a position: 1 at first, and another one after each round (2.8.1).
    fn wrap(&self, position: u64) -> bool {
        (position / u64::from(self.size)) % 2 == 0
    }

    /// Where a descriptor of a ring or table is.
    fn address(base: u64, index: u16) -> u64 {
        base.wrapping_add(u64::from(index) * u64::from(DESC_SIZE))
    }

    /// Reads a descriptor but for its flags (2.8.13).
    fn body(&self, base: u64, index: u16, flags: u16) -> Result<Desc, Violation> {
        let at = Self::address(base, index);
        Ok(Desc {
            addr: self.memory.read64(at)?,
            len: self.memory.read32(at.wrapping_add(8))?,
            link: self.memory.read16(at.wrapping_add(12))?,
            flags,
        })
    }

    /// Reads the flags of a descriptor.
    fn flags(&self, base: u64, index: u16) -> Result<u16, Violation> {
        let at = Self::address(base, index);
        self.memory.read16(at.wrapping_add(14))
    }

    /// Whether flags say that the descriptor at this position is available (2.8.1).
    fn is_available(&self, flags: u16, position: u64) -> bool {
        let wrap = self.wrap(position);
        (flags & AVAIL != 0) == wrap && (flags & USED != 0) != wrap
    }

    /// Reads all that the driver made available, and checks it. Returns how many buffers were new.
    pub fn poll(&mut self) -> Result<u16, Violation> {
        let mut new = 0;
        while self.in_flight() < self.size {
            let index = self.offset(self.read);
            let flags = self.flags(self.at.desc, index)?;
            if !self.is_available(flags, self.read) {
                // Not yet: then the flags are what they were. The driver writes them last.
                if flags != self.shadow[usize::from(index)].flags {
                    return Err(Violation::WrapBits(index));
                }
                break;
            }
            self.memory.rmb();
            let chain = self.walk()?;
            self.read += u64::from(chain.descriptors);
            self.seen.push_back(chain);
            new += 1;
        }
        Ok(new)
    }

    /// Follows a list (2.8.6).
    fn walk(&mut self) -> Result<Chain, Violation> {
        let mut chain = Chain::new(self.read);
        loop {
            let position = self.read + u64::from(chain.descriptors);
            // 2.8.17: a list is no longer than the queue, and no descriptor in it is still in use.
            if position - self.used >= u64::from(self.size) {
                return Err(Violation::TooLong);
            }
            let index = self.offset(position);
            let flags = self.flags(self.at.desc, index)?;
            if !self.is_available(flags, position) {
                return Err(Violation::WrapBits(index));
            }
            if flags & !(NEXT | WRITE | INDIRECT | AVAIL | USED) != 0 {
                return Err(Violation::Flags(flags));
            }
            let desc = self.body(self.at.desc, index, flags)?;
            self.shadow[usize::from(index)] = desc;
            chain.descriptors += 1;
            if flags & INDIRECT != 0 {
                if !self.features.indirect {
                    return Err(Violation::IndirectNotNegotiated);
                }
                // 2.8.19: never in a list.
                if flags & NEXT != 0 || chain.descriptors != 1 {
                    return Err(Violation::Nested(index));
                }
                // 2.8.7: the WRITE flag of this descriptor means nothing.
                self.read_table(desc, &mut chain)?;
            } else {
                chain.push(desc, self.size)?;
            }
            if flags & NEXT == 0 {
                // 2.8.6: the id is that of the last descriptor.
                chain.id = desc.link;
                break;
            }
        }
        match self.owned.get_mut(usize::from(chain.id)) {
            Some(owned @ false) => *owned = true,
            Some(_) => return Err(Violation::IdInUse(chain.id)),
            None => return Err(Violation::IdRange(chain.id)),
        }
        Ok(chain)
    }

    /// Reads an indirect table (2.8.7).
    fn read_table(&self, table: Desc, chain: &mut Chain) -> Result<(), Violation> {
        if table.len == 0 || table.len % DESC_SIZE != 0 {
            return Err(Violation::TableSize(table.len));
        }
        let entries = match u16::try_from(table.len / DESC_SIZE) {
            Ok(entries) if entries <= self.size => entries,
            _ => return Err(Violation::TooLong),
        };
        chain.indirect = true;
        let mut held = Vec::with_capacity(entries.into());
        for index in 0..entries {
            let flags = self.flags(table.addr, index)?;
            // 2.8.19: no flag but WRITE.
            if flags & !WRITE != 0 {
                return Err(Violation::Flags(flags));
            }
            let desc = self.body(table.addr, index, flags)?;
            chain.push(desc, self.size)?;
            held.push(desc);
        }
        chain.table = Some((table.addr, held));
        Ok(())
    }

    /// Takes the next available buffer.
    pub fn take(&mut self) -> Result<Option<Chain>, Violation> {
        if self.seen.is_empty() {
            self.poll()?;
        }
        Ok(self.seen.pop_front())
    }

    /// Passes the descriptors of a buffer that is used, from where the used one goes: the driver
    /// left them alone, as it did the buffer's table (2.8.16). These need not be the descriptors
    /// that the buffer was given in, but they are as many.
    fn pass(&mut self, chain: &Chain) -> Result<(), Violation> {
        for position in self.used..self.used + u64::from(chain.descriptors) {
            let index = self.offset(position);
            let held = self.shadow[usize::from(index)];
            let flags = self.flags(self.at.desc, index)?;
            if self.body(self.at.desc, index, flags)? != held {
                return Err(Violation::Changed(index));
            }
        }
        if let Some((addr, table)) = &chain.table {
            for (index, &held) in (0..).zip(table) {
                let flags = self.flags(*addr, index)?;
                if self.body(*addr, index, flags)? != held {
                    return Err(Violation::Changed(index));
                }
            }
        }
        if let Some(owned) = self.owned.get_mut(usize::from(chain.id)) {
            *owned = false;
        }
        self.used += u64::from(chain.descriptors);
        Ok(())
    }

    /// Writes a used descriptor but for its flags, which it returns (2.8.1, 2.8.3, 2.8.4).
    fn fill(&mut self, position: u64, id: u16, len: u32, other: u16) -> Result<u16, Violation> {
        let index = self.offset(position);
        let at = Self::address(self.at.desc, index);
        self.memory.write32(at.wrapping_add(8), len)?;
        self.memory.write16(at.wrapping_add(12), id)?;
        let mut flags = other & !(AVAIL | USED);
        if self.wrap(position) {
            flags |= AVAIL | USED;
        }
        let shadow = &mut self.shadow[usize::from(index)];
        shadow.len = len;
        shadow.link = id;
        shadow.flags = flags;
        Ok(flags)
    }

    /// Writes the flags of a used descriptor.
    fn flip(&self, position: u64, flags: u16) -> Result<(), Violation> {
        let at = Self::address(self.at.desc, self.offset(position));
        self.memory.write16(at.wrapping_add(14), flags)
    }

    /// Uses buffers, into each of which so many bytes were written. Each gets a descriptor. Whether
    /// the driver wants to be notified.
    ///
    /// With `VIRTIO_F_IN_ORDER` they are the ones taken longest ago, in order.
    pub fn complete(&mut self, chains: Vec<(Chain, u32)>) -> Result<bool, Violation> {
        let old = self.used;
        let mut flips = Vec::with_capacity(chains.len());
        for (chain, written) in chains {
            let position = self.used;
            self.pass(&chain)?;
            let write = if written != 0 { WRITE } else { 0 };
            flips.push((position, self.fill(position, chain.id, written, write)?));
        }
        // The driver looks at the first one first, and then sees all.
        self.memory.wmb();
        for (position, flags) in flips.into_iter().rev() {
            self.flip(position, flags)?;
            self.memory.wmb();
        }
        self.expose(old)
    }

    /// Uses a buffer, with a descriptor as there are devices that write it: without the flag that the
    /// length is valid (2.8.4), and with `NEXT`, which means nothing (2.8.6). Whether the driver wants
    /// to be notified.
    pub fn complete_oddly(&mut self, chain: Chain, written: u32) -> Result<bool, Violation> {
        let old = self.used;
        self.pass(&chain)?;
        let flags = self.fill(old, chain.id, written, NEXT)?;
        self.memory.wmb();
        self.flip(old, flags)?;
        self.expose(old)
    }

    /// Writes a used descriptor that may be of no buffer, which no device does that is to be relied
    /// on: where the next one goes, or `jump` descriptors behind. The queue itself knows nothing of
    /// it.
    pub fn forge(&mut self, id: u32, len: u32, jump: u16) -> Result<(), Violation> {
        let position = self.used + u64::from(jump);
        let at = Self::address(self.at.desc, self.offset(position));
        self.memory.write32(at.wrapping_add(8), len)?;
        // CAST: An id has 16 bits here.
        self.memory
            .write16(at.wrapping_add(12), (id & 0xffff) as u16)?;
        self.memory.wmb();
        let flags = if self.wrap(position) { AVAIL | USED } else { 0 } | WRITE;
        let index = usize::from(self.offset(position));
        // That is no news when it is seen again.
        self.shadow[index].flags = flags;
        self.flip(position, flags)?;
        self.memory.mb();
        Ok(())
    }

    /// Uses buffers by one used descriptor, which names the last of them (2.8.8): all but it count as
    /// written completely. They are the ones taken longest ago, in order. Whether the driver wants
    /// to be notified.
    pub fn complete_batch(&mut self, chains: Vec<Chain>, written: u32) -> Result<bool, Violation> {
        assert!(self.features.in_order, "needs VIRTIO_F_IN_ORDER");
        let old = self.used;
        let mut last = None;
        for chain in chains {
            self.pass(&chain)?;
            last = Some(chain.id);
        }
        if let Some(id) = last {
            let write = if written != 0 { WRITE } else { 0 };
            let flags = self.fill(old, id, written, write)?;
            self.memory.wmb();
            self.flip(old, flags)?;
        }
        self.expose(old)
    }

    /// Looks whether the driver wants to be notified of what was used since (2.8.10, 2.8.14).
    fn expose(&mut self, old: u64) -> Result<bool, Violation> {
        if self.used == old {
            return Ok(false);
        }
        self.memory.mb();
        let flags = self.memory.read16(self.at.driver.wrapping_add(2))?;
        match flags {
            ENABLE => Ok(true),
            DISABLE => Ok(false),
            DESC if self.features.event_idx => {
                // The driver writes the descriptor before the flags that make it count.
                self.memory.rmb();
                let event = self.memory.read16(self.at.driver)?;
                if event & 0x7fff >= self.size {
                    return Err(Violation::EventOffset(event));
                }
                Ok(self.passes(event, old, self.used))
            }
            _ => Err(Violation::EventFlags(flags)),
        }
    }

    /// Whether a descriptor, given by offset and wrap counter, is one of those in a range of
    /// positions.
    fn passes(&self, event: u16, old: u64, new: u64) -> bool {
        let offset = event & 0x7fff;
        let wrap = event & 0x8000 != 0;
        // There is one with this offset in each round.
        let size = u64::from(self.size);
        let rounds = old / size..=new / size;
        rounds
            .map(|round| round * size + u64::from(offset))
            .any(|position| (old..new).contains(&position) && self.wrap(position) == wrap)
    }

    /// Offset and wrap counter of a position, as they are told.
    fn told(&self, position: u64) -> u16 {
        self.offset(position) | u16::from(self.wrap(position)) << 15
    }

    /// Says of which descriptors the device wants to be notified (2.8.10). Whether it may wait for
    /// that: not if there is something available already.
    pub fn ask(&mut self, wish: Wish) -> Result<bool, Violation> {
        let flags = match wish {
            Wish::Nothing => DISABLE,
            Wish::After(more) if self.features.event_idx => {
                let event = self.told(self.read + u64::from(more));
                self.memory.write16(self.at.device, event)?;
                // The driver may read them in the other order.
                self.memory.wmb();
                DESC
            }
            _ => ENABLE,
        };
        self.memory.write16(self.at.device.wrapping_add(2), flags)?;
        self.memory.mb();
        let index = self.offset(self.read);
        let next = self.flags(self.at.desc, index)?;
        let more = self.in_flight() < self.size && self.is_available(next, self.read);
        Ok(!more && self.seen.is_empty())
    }

    /// Whether the driver must notify the device of the descriptors made available since so many had
    /// been seen, by what the device asked for (2.8.10, 2.8.21.3).
    pub fn asked(&self, since: u64) -> Result<bool, Violation> {
        if self.read == since {
            return Ok(false);
        }
        let flags = self.memory.read16(self.at.device.wrapping_add(2))?;
        Ok(match flags {
            DISABLE => false,
            DESC => self.passes(self.memory.read16(self.at.device)?, since, self.read),
            _ => true,
        })
    }

    /// Checks what a notification carries with `VIRTIO_F_NOTIFICATION_DATA` (2.8.16, 2.9): offset and
    /// wrap counter of the next descriptor, when all that is available has been seen.
    pub fn notified(&self, data: u16) -> Result<(), Violation> {
        if data == self.told(self.read) {
            Ok(())
        } else {
            Err(Violation::Notification(data))
        }
    }
}

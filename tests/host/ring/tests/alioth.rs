// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The device's side of alioth, a virtual machine monitor of other people's, at the other end of
//! rings of both forms.
//!
//! Of a used descriptor of a packed ring it leaves the flags as the driver wrote them, so that it is
//! marked as written if what was made available in the same place was to be written; and it is no
//! device with indirect descriptors.

use alioth::hv::{
    MemMapOption,
    VmMemory, //
};
use alioth::mem::mapped::{
    ArcMemPages,
    RamBus, //
};
use alioth::mem::{
    MemRegion,
    MemRegionType,
    Memory as Bus, //
};
use alioth::virtio::queue::{
    packed::PackedQueue,
    split::SplitQueue,
    Queue,
    QueueReg,
    Status,
    VirtQueue, //
};
use alioth::virtio::IrqSender;
use pure::{
    entries::{
        Entries,
        WriteEntry, //
    },
    ring::{
        descriptor::Descriptor,
        layout,
        packed::PackedMemory,
        split::SplitMemory,
        stats::Stats,
        Either,
        Memory,
        Options,
        Ring as EitherRing,
        Slot, //
    }, //
};
use std::collections::VecDeque;
use std::io::{
    Read,
    Write, //
};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{
    fence,
    AtomicU32,
    Ordering::{
        Relaxed,
        SeqCst, //
    }, //
};
use std::sync::Arc;
use walk::Source;

/// A machine of which nothing is needed but that it takes the memory.
#[derive(Debug)]
struct Machine;

impl VmMemory for Machine {
    fn mem_map(&self, _: u64, _: u64, _: usize, _: MemMapOption) -> alioth::hv::Result<()> {
        Ok(())
    }

    fn unmap(&self, _: u64, _: u64) -> alioth::hv::Result<()> {
        Ok(())
    }

    fn reset(&self) -> alioth::hv::Result<()> {
        Ok(())
    }

    fn mark_private_memory(&self, _: u64, _: u64, _: bool) -> alioth::hv::Result<()> {
        Ok(())
    }
}

/// Interrupts, which are counted.
#[derive(Debug, Default)]
struct Interrupts(AtomicU32);

impl IrqSender for Interrupts {
    fn queue_irq(&self, _: u16) {
        self.0.fetch_add(1, Relaxed);
    }

    fn config_irq(&self) {}

    fn queue_irqfd<F, T>(&self, _: u16, _: F) -> Result<T, alioth::virtio::Error>
    where
        F: FnOnce(BorrowedFd<'_>) -> Result<T, alioth::virtio::Error>,
    {
        unreachable!("not asked for")
    }

    fn config_irqfd<F, T>(&self, _: F) -> Result<T, alioth::virtio::Error>
    where
        F: FnOnce(BorrowedFd<'_>) -> Result<T, alioth::virtio::Error>,
    {
        unreachable!("not asked for")
    }
}

/// Where the memory begins, and how much there is.
const BASE: u64 = 0x4000_0000;
const BYTES: usize = 1 << 20;
/// Where the driver's and the device's areas are, the tables, and the buffers.
const DRIVER: u64 = BASE + 0x8000;
const DEVICE: u64 = BASE + 0x9000;
const TABLES: u64 = BASE + 0x1_0000;
const BUFFERS: u64 = BASE + 0x8_0000;
/// Entries of each table.
const TABLE_LEN: u16 = 4;

/// The driver's way to the memory.
struct Guest {
    /// The memory.
    ram: Arc<RamBus>,
    /// Entries.
    size: u16,
    /// Counters.
    stats: Stats,
}

impl Guest {
    /// Writes a descriptor by its parts.
    fn desc(&self, at: u64, addr: u64, len: u32, third: u16) {
        self.ram.write_t(at, &addr.to_le()).unwrap();
        self.ram.write_t(at + 8, &len.to_le()).unwrap();
        self.write(at + 12, third);
    }

    /// Reads 16 bits.
    fn read(&self, at: u64) -> u16 {
        u16::from_le(self.ram.read_t(at).unwrap())
    }

    /// Writes 16 bits.
    fn write(&self, at: u64, value: u16) {
        self.ram.write_t(at, &value.to_le()).unwrap();
    }

    /// The entry of a split ring for a position.
    fn entry(&self, position: u16) -> u64 {
        u64::from(position & (self.size - 1))
    }
}

impl Memory for Guest {
    type Table<'b>
        = Entries<'b>
    where
        Self: 'b;

    fn size(&self) -> u16 {
        self.size
    }

    fn stats(&self) -> &Stats {
        &self.stats
    }

    fn clear(&self) {
        for at in (BASE..TABLES).step_by(2) {
            self.write(at, 0);
        }
    }

    fn table_len(&self) -> u16 {
        TABLE_LEN
    }

    fn table(&self, head: u16, len: u16, linked: bool) -> Self::Table<'_> {
        Entries::new(self, head, len, linked)
    }

    fn wmb(&self) {
        fence(SeqCst);
    }

    fn rmb(&self) {
        fence(SeqCst);
    }

    fn mb(&self) {
        fence(SeqCst);
    }
}

impl WriteEntry for Guest {
    fn write_entry(&self, head: u16, entry: u16, desc: Descriptor) {
        let at = self.table_addr(head) + 16 * u64::from(entry);
        // Packed rings are without tables here.
        self.desc(at, desc.addr, desc.len, desc.flags);
        self.write(at + 14, desc.next);
    }

    fn table_addr(&self, head: u16) -> u64 {
        TABLES + 16 * u64::from(head) * u64::from(TABLE_LEN)
    }
}

impl SplitMemory for Guest {
    fn write_desc(&self, index: u16, desc: Descriptor) {
        let at = BASE + 16 * u64::from(index);
        self.desc(at, desc.addr, desc.len, desc.flags);
        self.write(at + 14, desc.next);
    }

    fn write_desc_flags(&self, index: u16, flags: u16) {
        self.write(BASE + 16 * u64::from(index) + 12, flags);
    }

    fn write_avail_ring(&self, position: u16, head: u16) {
        self.write(DRIVER + 4 + 2 * self.entry(position), head);
    }

    fn write_avail_idx(&self, idx: u16) {
        self.write(DRIVER + 2, idx);
    }

    fn write_avail_flags(&self, flags: u16) {
        self.write(DRIVER, flags);
    }

    fn write_used_event(&self, idx: u16) {
        self.write(DRIVER + layout::used_event(self.size) as u64, idx);
    }

    fn read_used_idx(&self) -> u16 {
        self.read(DEVICE + 2)
    }

    fn read_used_elem(&self, position: u16) -> (u32, u32) {
        let at = DEVICE + 4 + 8 * self.entry(position);
        let read = |at| u32::from_le(self.ram.read_t(at).unwrap());
        (read(at), read(at + 4))
    }

    fn read_used_flags(&self) -> u16 {
        self.read(DEVICE)
    }

    fn read_avail_event(&self) -> u16 {
        self.read(DEVICE + layout::avail_event(self.size) as u64)
    }
}

impl PackedMemory for Guest {
    fn write_desc(&self, offset: u16, addr: u64, len: u32, id: u16) {
        self.desc(BASE + 16 * u64::from(offset), addr, len, id);
    }

    fn write_flags(&self, offset: u16, flags: u16) {
        self.write(BASE + 16 * u64::from(offset) + 14, flags);
    }

    fn write_driver_event(&self, event: u16) {
        self.write(DRIVER, event);
    }

    fn write_driver_flags(&self, flags: u16) {
        self.write(DRIVER + 2, flags);
    }

    fn read_flags(&self, offset: u16) -> u16 {
        self.read(BASE + 16 * u64::from(offset) + 14)
    }

    fn read_used(&self, offset: u16) -> (u16, u32) {
        let at = BASE + 16 * u64::from(offset);
        let len = u32::from_le(self.ram.read_t(at + 8).unwrap());
        (self.read(at + 12), len)
    }

    fn read_device_event(&self) -> (u16, u16) {
        (self.read(DEVICE), self.read(DEVICE + 2))
    }
}

/// The ring under test.
type Ring = EitherRing<Guest, Guest, Vec<Slot>>;

/// A chain that is outstanding.
#[derive(Clone, Debug)]
struct Request {
    /// What was to be read.
    sent: Vec<u8>,
    /// Where what is written goes.
    answers: Vec<(u64, u32)>,
}

/// Adds a chain whose buffers are those of its number. Whether there was room.
fn add(
    ring: &mut Ring,
    ram: &RamBus,
    number: u16,
    reads: bool,
    source: &mut Source<'_>,
) -> Option<(u16, Request)> {
    let readable = if reads { 1 + source.below(2) } else { 0 };
    let writable = 1 + source.below(3);
    let count = u16::try_from(readable + writable).unwrap();
    let mut chain = ring.chain(count).ok()?;
    let mut request = Request {
        sent: Vec::new(),
        answers: Vec::new(),
    };
    let mut at = BUFFERS + u64::from(number) * 64;
    for index in 0..readable + writable {
        let len = 1 + source.below(8);
        if index < readable {
            let bytes: Vec<u8> = (0..len).map(|_| source.byte()).collect();
            ram.write(at, &bytes).unwrap();
            request.sent.extend(bytes);
        } else {
            request.answers.push((at, len));
        }
        chain.push(at, len, index >= readable).unwrap();
        at += u64::from(len);
    }
    Some((chain.commit().unwrap(), request))
}

/// What the device answers: its input, over and over, each byte inverted; a prefix of some length.
fn answer(sent: &[u8], id: u16, room: usize) -> Vec<u8> {
    let salt = id.to_le_bytes()[0];
    let input = sent.iter().copied().chain([salt]).cycle();
    input.map(|byte| !byte).take(room - room / 3).collect()
}

/// Driver and device take turns; all that is answered arrives.
fn turns<'m, Q: VirtQueue<'m>>(
    mut ring: Ring,
    mut device: Queue<'_, 'm, Q>,
    ram: &RamBus,
    reads: bool,
) {
    let mut source = Source::seeded(1);
    let interrupts = Arc::new(Interrupts::default());
    let mut outstanding: Vec<Option<(u16, Request)>> = vec![None; ring.size().into()];
    let mut numbers: VecDeque<u16> = (0..ring.size()).collect();
    let mut deferred: Vec<u16> = Vec::new();
    let mut completed = 0;
    let mut waiting = false;
    for _ in 0..3000 {
        for _ in 0..source.below(4) {
            let Some(&number) = numbers.front() else {
                break;
            };
            if let Some((token, request)) = add(&mut ring, ram, number, reads, &mut source) {
                numbers.pop_front();
                let old = outstanding[usize::from(token)].replace((number, request));
                assert!(old.is_none(), "token {token} is outstanding");
            }
        }
        let kick = ring.publish();
        // It asks for notifications whenever it stops working.
        if kick {
            let before = interrupts.0.load(Relaxed);
            let mut done = 0;
            let work = device.handle_desc(0, &*interrupts, |chain| {
                if source.one_in(4) {
                    deferred.push(chain.id());
                    return Ok(Status::Deferred);
                }
                done += 1;
                Ok(Status::Done { len: use_it(chain) })
            });
            work.expect("alioth finds nothing wrong");
            if waiting && done != 0 {
                assert!(interrupts.0.load(Relaxed) > before, "a lost interrupt");
                waiting = false;
            }
        }
        // What was deferred is used later, out of order.
        while !deferred.is_empty() && source.one_in(2) {
            let which = source.below(deferred.len() as u32) as usize;
            let id = deferred.swap_remove(which);
            let before = interrupts.0.load(Relaxed);
            let used = device.handle_deferred(id, 0, &*interrupts, |chain| Ok(use_it(chain)));
            used.expect("alioth finds nothing wrong");
            if waiting {
                assert!(interrupts.0.load(Relaxed) > before, "a lost interrupt");
                waiting = false;
            }
        }
        if source.one_in(3) {
            waiting = ring.enable_interrupts();
            continue;
        }
        while let Some(used) = ring.pop().expect("alioth keeps to the rules") {
            let (number, request) = outstanding[usize::from(used.head)].take().unwrap();
            let room: u32 = request.answers.iter().map(|(_, len)| len).sum();
            let expected = answer(&request.sent, used.head, room as usize);
            assert_eq!(used.written as usize, expected.len());
            let mut found = Vec::new();
            for (at, len) in request.answers {
                let mut bytes = vec![0; len as usize];
                ram.read(at, &mut bytes).unwrap();
                found.extend(bytes);
            }
            assert_eq!(&found[..expected.len()], &expected);
            numbers.push_back(number);
            completed += 1;
            waiting = false;
        }
    }
    assert!(completed > 1000, "{completed} completed");
    assert_eq!(ring.stats().clamped.get(), 0);
}

/// What the device does with a chain. Bytes written.
fn use_it(chain: &mut alioth::virtio::queue::DescChain<'_>) -> u32 {
    let mut sent = Vec::new();
    for part in &chain.readable {
        (&**part).read_to_end(&mut sent).unwrap();
    }
    let room = chain.writable.iter().map(|part| part.len()).sum();
    let bytes = answer(&sent, chain.id(), room);
    let mut left = &bytes[..];
    for part in &mut chain.writable {
        let now = left.len().min(part.len());
        (&mut **part).write_all(&left[..now]).unwrap();
        left = &left[now..];
    }
    bytes.len() as u32
}

/// A ring and alioth at its other end, with all that can be negotiated between them.
fn all(packed: bool, sizes: &[u16]) {
    for &size in sizes {
        for flags in 0..8 {
            let options = Options {
                event_idx: flags & 1 != 0,
                indirect: !packed && flags & 2 != 0,
                in_order: false,
            };
            let machine = Bus::new(Arc::new(Machine));
            let pages = ArcMemPages::from_anonymous(BYTES, None, None).unwrap();
            let region = MemRegion::with_ram(pages, MemRegionType::Ram);
            machine.add_region(BASE, Arc::new(region)).unwrap();
            let ram = machine.ram_bus();
            let guest = Guest {
                ram: ram.clone(),
                size,
                stats: Stats::default(),
            };
            let guest = if packed {
                Either::Packed(guest)
            } else {
                Either::Split(guest)
            };
            let slots = vec![Slot::default(); size.into()];
            let ring = Ring::new(guest, slots, options).expect("a valid layout");
            let registers = QueueReg::default();
            registers.size.store(size, Relaxed);
            registers.desc.store(BASE, Relaxed);
            registers.driver.store(DRIVER, Relaxed);
            registers.device.store(DEVICE, Relaxed);
            registers.enabled.store(true, Relaxed);
            let layout = ram.lock_layout();
            let reads = flags & 4 != 0;
            if packed {
                let queue = PackedQueue::new(&registers, &layout, options.event_idx);
                let queue = queue.unwrap().expect("it is enabled");
                turns(ring, Queue::new(queue, &registers, &layout), &ram, reads);
            } else {
                let queue = SplitQueue::new(&registers, &layout, options.event_idx);
                let queue = queue.unwrap().expect("it is enabled");
                turns(ring, Queue::new(queue, &registers, &layout), &ram, reads);
            }
        }
    }
}

/// VQ-PACKED-24: all lengths arrive, however what was used is marked.
#[test]
fn packed_rings() {
    all(true, &[5, 8, 16, 100, 256]);
}

#[test]
fn split_rings() {
    all(false, &[8, 16, 256]);
}

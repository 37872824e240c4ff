// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What a driver makes of a packed ring, descriptor by descriptor.

use pure::{
    entries::{
        Entries,
        WriteEntry, //
    },
    ring::{
        descriptor::Descriptor,
        packed::{
            event,
            flags,
            Packed,
            PackedMemory, //
        },
        size::{
            largest,
            smaller, //
        },
        stats::Stats,
        ChainError,
        LayoutError,
        Memory,
        Options,
        Slot,
        Violation, //
    }, //
};
use std::{
    cell::RefCell,
    rc::Rc, //
};

/// Nothing was negotiated.
const PLAIN: Options = Options {
    event_idx: false,
    indirect: false,
    in_order: false,
};

/// The event index was.
const EVENT: Options = Options {
    event_idx: true,
    ..PLAIN
};

/// Indirect tables were.
const INDIRECT: Options = Options {
    indirect: true,
    ..PLAIN
};

/// By which the device says, in the first round, that it used a descriptor.
const USED: u16 = flags::AVAIL | flags::USED;

/// A descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Desc {
    addr: u64,
    len: u32,
    id: u16,
    flags: u16,
}

/// What driver and device share.
#[derive(Debug, Default)]
struct State {
    ring: Vec<Desc>,
    table: Vec<Desc>,
    /// What the driver wishes: descriptor and flags.
    driver: (u16, u16),
    /// What the device wishes.
    device: (u16, u16),
    /// How often a descriptor was read that the device used.
    reads: u32,
}

/// It, and counters.
struct Shared(Rc<RefCell<State>>, Stats);

impl Memory for Shared {
    type Table<'b>
        = Entries<'b>
    where
        Self: 'b;

    fn size(&self) -> u16 {
        self.0.borrow().ring.len() as u16
    }

    fn stats(&self) -> &Stats {
        &self.1
    }

    fn clear(&self) {}

    fn table_len(&self) -> u16 {
        self.0.borrow().table.len() as u16
    }

    fn table(&self, head: u16, len: u16, linked: bool) -> Self::Table<'_> {
        Entries::new(self, head, len, linked)
    }

    fn wmb(&self) {}

    fn rmb(&self) {}

    fn mb(&self) {}
}

impl WriteEntry for Shared {
    fn write_entry(&self, _: u16, entry: u16, desc: Descriptor) {
        let entry = &mut self.0.borrow_mut().table[usize::from(entry)];
        (entry.addr, entry.len, entry.flags) = (desc.addr, desc.len, desc.flags);
    }

    fn table_addr(&self, head: u16) -> u64 {
        0x7ab1_e000 + u64::from(head)
    }
}

impl PackedMemory for Shared {
    fn write_desc(&self, offset: u16, addr: u64, len: u32, id: u16) {
        let desc = &mut self.0.borrow_mut().ring[usize::from(offset)];
        (desc.addr, desc.len, desc.id) = (addr, len, id);
    }

    fn write_flags(&self, offset: u16, flags: u16) {
        self.0.borrow_mut().ring[usize::from(offset)].flags = flags;
    }

    fn write_driver_event(&self, event: u16) {
        self.0.borrow_mut().driver.0 = event;
    }

    fn write_driver_flags(&self, flags: u16) {
        self.0.borrow_mut().driver.1 = flags;
    }

    fn read_flags(&self, offset: u16) -> u16 {
        self.0.borrow().ring[usize::from(offset)].flags
    }

    fn read_used(&self, offset: u16) -> (u16, u32) {
        let mut state = self.0.borrow_mut();
        state.reads += 1;
        let desc = state.ring[usize::from(offset)];
        (desc.id, desc.len)
    }

    fn read_device_event(&self) -> (u16, u16) {
        self.0.borrow().device
    }
}

/// The ring under test.
type Ring = Packed<Shared, Vec<Slot>>;

/// A ring of `size`, with tables of `table_len`, and what it shares.
fn ring(size: u16, table_len: u16, options: Options) -> (Ring, Rc<RefCell<State>>) {
    let state = Rc::new(RefCell::new(State {
        ring: vec![Desc::default(); size.into()],
        table: vec![Desc::default(); table_len.into()],
        ..State::default()
    }));
    let memory = Shared(state.clone(), Stats::default());
    let slots = vec![Slot::default(); size.into()];
    let ring = Packed::new(memory, slots, options).expect("the layout is valid");
    (ring, state)
}

/// Adds and shows a chain of so many segments of 100 bytes, which the device writes. Its id, and
/// whether the device wants to be notified.
fn publish(ring: &mut Ring, segments: u16) -> (u16, bool) {
    let mut chain = ring.chain(segments).expect("there is room");
    for _ in 0..segments {
        chain.push(0x1000, 100, true).expect("a valid segment");
    }
    let id = chain.commit().expect("a valid chain");
    (id, ring.publish())
}

/// The device uses the descriptor at `offset`.
fn complete(state: &RefCell<State>, offset: u16, id: u16, len: u32, flags: u16) {
    let desc = &mut state.borrow_mut().ring[usize::from(offset)];
    (desc.id, desc.len, desc.flags) = (id, len, flags);
}

/// Takes back what the device used next: its id, and the bytes written.
fn pop(ring: &mut Ring) -> Result<Option<(u16, u32)>, Violation> {
    let Some(used) = ring.pop()? else {
        return Ok(None);
    };
    let result = (used.head, used.written);
    Ok(Some(result))
}

/// VQ-PACKED-02: a ring has any number of entries up to 32768, but not none.
#[test]
fn any_number_up_to_32768_is_a_size() {
    for size in [1, 2, 3, 5, 48, 1000, 32767, 32768] {
        let (ring, _) = ring(size, 0, PLAIN);
        assert_eq!((ring.size(), ring.num_free()), (size, size));
    }
    for size in [0, 32769, u16::MAX] {
        let state = State {
            ring: vec![Desc::default(); size.into()],
            ..State::default()
        };
        let memory = Shared(Rc::new(RefCell::new(state)), Stats::default());
        let slots = vec![Slot::default(); size.into()];
        let error = Packed::new(memory, slots, PLAIN).err();
        assert_eq!(error, Some(LayoutError::Size), "size {size}");
    }
}

/// PCI-COM-02, PCI-COM-17, PCI-VQ-02: whatever size a device offers and a driver has use for, a ring
/// has a valid one, which is no larger, or there is none; when there is no memory, a smaller one.
#[test]
fn rings_have_the_largest_size_that_is_valid() {
    for packed in [false, true] {
        for offered in (0..300).chain([1000, 32767, 32768, 32769, 40000, u16::MAX]) {
            for useful in [1, 2, 3, 100, 256, 1000, 32768, u16::MAX] {
                let valid = |size: u16| size != 0 && size <= 32768;
                let valid = |size: &u16| valid(*size) && (packed || size.is_power_of_two());
                let expected = (0..=offered.min(useful)).rev().find(valid);
                let found = largest(packed, offered, useful);
                assert_eq!(found, expected, "{packed} {offered} {useful}");
                let mut size = found;
                while let Some(now) = size {
                    assert!(valid(&now));
                    size = smaller(now);
                    assert!(size.is_none_or(|next| next < now));
                }
            }
        }
    }
}

/// VQ-PACKED-13: what the device writes comes after what it reads; anything else is refused, and
/// leaves nothing behind.
#[test]
fn readable_after_writable_is_refused() {
    let (mut ring, state) = ring(4, 0, PLAIN);
    let mut chain = ring.chain(3).unwrap();
    chain.push(0x1000, 1, false).unwrap();
    chain.push(0x2000, 1, true).unwrap();
    assert_eq!(chain.push(0x3000, 1, false), Err(ChainError::Order));
    assert_eq!(chain.commit(), Err(ChainError::Empty));
    assert!(!ring.publish());
    assert!(state.borrow().ring.iter().all(|desc| desc.flags == 0));
}

/// VQ-PACKED-12, VQ-PACKED-19: with a table or without, a chain is no longer than the queue, even if
/// the tables are, nor than was announced.
#[test]
fn chains_are_no_longer_than_the_queue() {
    for (table_len, options) in [(0, PLAIN), (8, INDIRECT)] {
        let (mut ring, _) = ring(4, table_len, options);
        for count in [5, 8, u16::MAX, 0] {
            let error = ring.chain(count).err();
            assert_eq!(error, Some(ChainError::TooLong), "{count} segments");
        }
        let mut chain = ring.chain(4).unwrap();
        for _ in 0..4 {
            chain.push(0x1000, 1, true).unwrap();
        }
        assert_eq!(chain.push(0x1000, 1, true), Err(ChainError::Excess));
    }
}

/// VQ-PACKED-14, VQ-PACKED-15: a chain is not begun before there are descriptors for all of it, and
/// nothing of it is seen.
#[test]
fn chains_are_not_begun_without_room() {
    let (mut ring, state) = ring(4, 0, PLAIN);
    let (id, _) = publish(&mut ring, 2);
    let before = state.borrow().ring.clone();
    assert_eq!(ring.chain(3).err(), Some(ChainError::Full));
    assert!(!ring.publish());
    assert_eq!(state.borrow().ring, before);

    complete(&state, 0, id, 0, USED);
    assert!(matches!(pop(&mut ring), Ok(Some(_))));
    assert!(ring.chain(3).is_ok());
}

/// VQ-PACKED-29: the driver's flags are those that it may write.
#[test]
fn the_drivers_flags_are_valid() {
    let (mut plain, state) = ring(4, 0, PLAIN);
    assert_eq!(state.borrow().driver.1, event::ENABLE);
    plain.disable_interrupts();
    assert_eq!(state.borrow().driver.1, event::DISABLE);
    assert!(plain.enable_interrupts());
    assert_eq!(state.borrow().driver.1, event::ENABLE);

    let (mut events, state) = ring(4, 0, EVENT);
    assert_eq!(state.borrow().driver.1, event::DESC);
    events.disable_interrupts();
    assert_eq!(state.borrow().driver.1, event::DESC);
    assert!(events.enable_interrupts());
    assert_eq!(state.borrow().driver.1, event::DESC);
}

/// A ring that is looked at all the time says that it wants no interrupts, with the event index, too.
#[test]
fn a_silent_ring_says_so() {
    for options in [PLAIN, EVENT] {
        let (mut ring, state) = ring(4, 0, options);
        ring.silence();
        assert_eq!(state.borrow().driver.1, event::DISABLE);
        ring.disable_interrupts();
        assert_eq!(state.borrow().driver.1, event::DISABLE);
    }
}

/// VQ-PACKED-29: flags that a device must not write are a wish for a notification, and so are those
/// of the event index without it; bits that mean nothing are ignored.
#[test]
fn what_the_device_must_not_wish_for_it_gets() {
    for (options, flags, expected) in [
        (PLAIN, event::ENABLE, true),
        (PLAIN, event::DISABLE, false),
        (PLAIN, event::DESC, true),
        (PLAIN, 3, true),
        (PLAIN, 0xfff0 | event::DISABLE, false),
        (EVENT, event::ENABLE, true),
        (EVENT, event::DISABLE, false),
        (EVENT, event::DESC, false),
        (EVENT, 3, true),
        (EVENT, 0xfff0 | event::DESC, false),
    ] {
        let (mut ring, state) = ring(4, 0, options);
        // One that is far away.
        state.borrow_mut().device = (3 | 1 << 15, flags);
        let (_, kick) = publish(&mut ring, 1);
        assert_eq!(kick, expected, "{options:?} {flags:#x}");
    }
}

/// VQ-PACKED-30: a descriptor of the other round is not the one that is to be notified of.
#[test]
fn offset_and_wrap_counter_decide_together() {
    for (event, expected) in [
        (0, false),
        (1 << 15, true),
        (1 | 1 << 15, true),
        (1, false),
        (2 | 1 << 15, false),
        (2, false),
    ] {
        let (mut ring, state) = ring(4, 0, EVENT);
        state.borrow_mut().device = (event, event::DESC);
        let (_, kick) = publish(&mut ring, 2);
        assert_eq!(kick, expected, "{event:#x}");
    }
}

/// VQ-PACKED-05: a descriptor that is available is not used, nor is one of the round before.
#[test]
fn a_descriptor_is_used_when_both_bits_say_so() {
    let (mut ring, state) = ring(1, 0, PLAIN);
    for used in [USED, 0, USED, 0] {
        let (id, _) = publish(&mut ring, 1);
        let available = state.borrow().ring[0].flags;
        for other in [available, USED & !used, !available & USED] {
            if other == used {
                continue;
            }
            complete(&state, 0, id, 1, other);
            assert_eq!(pop(&mut ring), Ok(None), "{other:#x} for {used:#x}");
        }
        complete(&state, 0, id, 1, used | flags::WRITE);
        assert_eq!(pop(&mut ring), Ok(Some((id, 1))));
    }
}

/// VQ-PACKED-34: nothing behind a descriptor counts that is not used yet.
#[test]
fn a_gap_is_waited_for() {
    let (mut ring, state) = ring(4, 0, PLAIN);
    let (first, _) = publish(&mut ring, 1);
    let (second, _) = publish(&mut ring, 1);
    complete(&state, 1, first, 7, USED | flags::WRITE);
    assert_eq!(pop(&mut ring), Ok(None));
    assert!(ring.enable_interrupts());

    complete(&state, 0, second, 9, USED | flags::WRITE);
    assert_eq!(pop(&mut ring), Ok(Some((second, 9))));
    assert_eq!(pop(&mut ring), Ok(Some((first, 7))));
}

/// VQ-PACKED-23: the next used descriptor is behind all those of the chain that was used, however
/// many that one had.
#[test]
fn used_descriptors_skip_those_of_their_chains() {
    let (mut ring, state) = ring(5, 0, PLAIN);
    let (long, _) = publish(&mut ring, 3);
    let (short, _) = publish(&mut ring, 1);
    complete(&state, 0, short, 1, USED | flags::WRITE);
    assert_eq!(pop(&mut ring), Ok(Some((short, 1))));
    complete(&state, 1, long, 2, USED | flags::WRITE);
    assert_eq!(pop(&mut ring), Ok(Some((long, 2))));
    assert_eq!(ring.num_free(), 5);

    let (next, _) = publish(&mut ring, 1);
    complete(&state, 4, next, 3, USED | flags::WRITE);
    assert_eq!(pop(&mut ring), Ok(Some((next, 3))));
}

/// VQ-PACKED-24: the length counts with the flag and without, whatever the device did before, up to
/// what it could have written.
#[test]
fn lengths_do_not_need_the_flag() {
    let (mut ring, state) = ring(8, 0, PLAIN);
    let cases = [
        (50, 0, 50),
        (60, flags::WRITE, 60),
        (70, 0, 70),
        (u32::MAX, 0, 100),
    ];
    for (at, (len, write, expected)) in (0..).zip(cases) {
        let (id, _) = publish(&mut ring, 1);
        complete(&state, at, id, len, USED | write);
        assert_eq!(pop(&mut ring), Ok(Some((id, expected))));
    }
    assert_eq!(ring.stats().clamped.get(), 1);
}

/// VQ-PACKED-25: a used descriptor with the flag that there is another one has none.
#[test]
fn next_is_ignored_in_used_descriptors() {
    let (mut ring, state) = ring(4, 0, PLAIN);
    let (id, _) = publish(&mut ring, 1);
    publish(&mut ring, 1);
    let odd = flags::WRITE | flags::NEXT | flags::INDIRECT;
    complete(&state, 0, id, 1, USED | odd);
    assert_eq!(pop(&mut ring), Ok(Some((id, 1))));
    assert_eq!(pop(&mut ring), Ok(None));
}

/// VQ-PACKED-36: what the device wrote is read once.
#[test]
fn a_used_descriptor_is_read_once() {
    let (mut ring, state) = ring(4, 0, PLAIN);
    let (id, _) = publish(&mut ring, 1);
    complete(&state, 0, id, 1, USED | flags::WRITE);
    assert!(!ring.enable_interrupts());
    assert_eq!(state.borrow().reads, 0);
    assert_eq!(pop(&mut ring), Ok(Some((id, 1))));
    assert_eq!(pop(&mut ring), Ok(None));
    assert_eq!(state.borrow().reads, 1);
}

/// VQ-PACKED-36: a descriptor that was seen to be used stays so.
#[test]
fn what_was_seen_stays_seen() {
    let (mut ring, state) = ring(4, 0, PLAIN);
    let (id, _) = publish(&mut ring, 1);
    complete(&state, 0, id, 1, USED | flags::WRITE);
    assert!(!ring.enable_interrupts());
    complete(&state, 0, id, 1, 0);
    assert!(!ring.enable_interrupts());
    assert_eq!(pop(&mut ring), Ok(Some((id, 1))));
}

/// STAT-05: what the device wrote where it had nothing to use is no answer to what comes there later.
#[test]
fn what_is_used_before_it_is_available_is_no_answer() {
    let (mut ring, state) = ring(4, 0, PLAIN);
    complete(&state, 0, 0, 64, USED | flags::WRITE);
    assert!(ring.enable_interrupts());
    assert_eq!(pop(&mut ring), Ok(None));

    let (id, _) = publish(&mut ring, 1);
    assert_eq!(pop(&mut ring), Ok(None));
    complete(&state, 0, id, 1, USED | flags::WRITE);
    assert_eq!(pop(&mut ring), Ok(Some((id, 1))));
}

/// VQ-PACKED-37: an id breaks the queue that is no descriptor, or no chain that the device has.
#[test]
fn ids_that_are_not_outstanding_break_the_queue() {
    for wrong in [1, 3, 4, 5, u16::MAX] {
        let (mut ring, state) = ring(4, 0, PLAIN);
        assert_eq!(publish(&mut ring, 1).0, 0);
        // One that the device was not shown is not its to use.
        let mut chain = ring.chain(1).unwrap();
        chain.push(0x1000, 1, true).unwrap();
        assert_eq!(chain.commit(), Ok(1));

        complete(&state, 0, wrong, 1, USED | flags::WRITE);
        assert_eq!(pop(&mut ring), Err(Violation::UsedId), "id {wrong}");
        assert_eq!(ring.broken(), Some(Violation::UsedId));
        assert_eq!(ring.chain(1).err(), Some(ChainError::Broken));
    }

    let (mut ring, state) = ring(4, 0, PLAIN);
    let (id, _) = publish(&mut ring, 1);
    publish(&mut ring, 1);
    complete(&state, 0, id, 1, USED);
    assert_eq!(pop(&mut ring), Ok(Some((id, 1))));
    complete(&state, 1, id, 1, USED);
    assert_eq!(pop(&mut ring), Err(Violation::UsedId), "a second time");
}

/// VQRST-04: nothing is taken from a queue that was given up, as one is that is about to be reset,
/// whatever the device goes on to use.
#[test]
fn nothing_is_taken_from_a_queue_that_was_given_up() {
    let (mut ring, state) = ring(4, 0, PLAIN);
    let (id, _) = publish(&mut ring, 1);
    ring.break_with(Violation::Device);
    complete(&state, 0, id, 1, USED | flags::WRITE);
    assert_eq!(pop(&mut ring), Ok(None));
    assert!(ring.enable_interrupts());
    assert_eq!(ring.chain(1).err(), Some(ChainError::Broken));
    assert_eq!(ring.drain(), Some(id));
    assert_eq!(ring.drain(), None);
}

/// VQ-PACKED-38: no more counts as written than was writable.
#[test]
fn lengths_are_clamped_to_what_was_writable() {
    let (mut ring, state) = ring(4, 0, PLAIN);
    for (at, len) in (0..).zip([100, 101, u32::MAX]) {
        let (id, _) = publish(&mut ring, 1);
        complete(&state, at, id, len, USED | flags::WRITE);
        assert_eq!(pop(&mut ring), Ok(Some((id, 100))));
    }
    assert_eq!(ring.stats().clamped.get(), 2);
}

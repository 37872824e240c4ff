// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What the driver knows of its chains, and of its descriptors.
//!
//! All that decides what happens to a chain is here, where the device cannot write.

use super::{
    trust::is_lie,
    ChainError, //
};
use core::ops::DerefMut;

/// The private state of one descriptor. All but `next` matters for heads of outstanding chains
/// only.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(16))]
pub struct Slot {
    /// Bytes of the chain that the device may write.
    writable: u32,
    /// The number of the chain, counted from the first one, modulo 2^32. No chain is outstanding
    /// for that many others, let alone completed at the moment when its number is due again.
    sequence: u32,
    /// The next descriptor of the chain, or of the free list.
    next: u16,
    /// The last descriptor of the chain.
    last: u16,
    /// Descriptors of the chain; zero if this is not the head of an outstanding one.
    taken: u16,
}

impl Slot {
    /// Whether the device has the chain, as it has those before number `published`.
    #[inline]
    fn is_before(&self, published: u32) -> bool {
        // No chain that is outstanding is further back than half of all numbers.
        !is_lie(|| self.sequence.wrapping_sub(published) <= u32::MAX / 2)
    }
}

/// The low half of a count, as an index.
#[inline]
pub(super) const fn index(count: u32) -> u16 {
    // CAST: what does not fit has been masked.
    (count & 0xffff) as u16
}

/// A chain that is ready to be added.
pub(super) struct Ready {
    /// Its head: the first of the free list.
    pub(super) head: u16,
    /// Its last descriptor and the one after it, if it has more than one.
    pub(super) direct: Option<(u16, u16)>,
    /// How many it has, at least one.
    pub(super) taken: u16,
    /// Bytes that the device may write.
    pub(super) writable: u32,
}

/// A chain that was freed.
pub(super) struct Freed {
    /// Its head.
    pub(super) head: u16,
    /// Descriptors that it had.
    pub(super) taken: u16,
    /// Bytes that the device might write.
    pub(super) writable: u32,
}

/// The chains of a ring, and the descriptors that are free.
///
/// With `VIRTIO_F_IN_ORDER` descriptors come free in the order in which they were taken, so that
/// they can be, and have to be, taken in the order of the ring: then they are linked as a circle,
/// once, of which a part is free.
///
/// One of them is never used then, if there are others: QEMU (11.1) finds nothing to complete in a
/// ring that is used in order and of which all is taken, as it tells full and empty by the distance
/// of two indexes modulo the size. It says `virtqueue_ordered_fill: cannot fill buffer id`, and the
/// requests hang.
///
/// # Invariants
///
/// `slots` linked by `next` from `free_head` are `num_free` free descriptors, unless chains were
/// drained; with `VIRTIO_F_IN_ORDER` there may be one more.
pub(super) struct Chains<S> {
    /// One slot for each descriptor.
    slots: S,
    /// First free descriptor, if there is one.
    free_head: u16,
    /// Free descriptors that chains can have.
    num_free: u16,
    /// Descriptors that all chains together can have.
    capacity: u16,
    /// Chains added, ever.
    added: u32,
    /// Descriptors that draining has looked at.
    drained: u16,
    /// The chain that is outstanding for longest, if any is. With `VIRTIO_F_IN_ORDER` only.
    oldest: u16,
    /// `VIRTIO_F_IN_ORDER`.
    in_order: bool,
}

impl<S: DerefMut<Target = [Slot]>> Chains<S> {
    /// No chains, and no free descriptors before [`Self::reset`].
    pub(super) fn new(slots: S, in_order: bool) -> Self {
        Self {
            slots,
            free_head: 0,
            num_free: 0,
            capacity: 0,
            added: 0,
            drained: 0,
            oldest: 0,
            in_order,
        }
    }

    /// Forgets all chains, in a ring of `size` descriptors.
    pub(super) fn reset(&mut self, size: u16) {
        // Those beyond the size are no chains of the device's, either.
        self.slots.fill(Slot::default());
        for (slot, next) in self.slots.iter_mut().zip(1..size) {
            slot.next = next;
        }
        self.free_head = 0;
        self.capacity = if self.in_order && size > 1 {
            size.wrapping_sub(1)
        } else {
            size
        };
        self.num_free = self.capacity;
        self.added = 0;
        self.drained = 0;
        self.oldest = 0;
    }

    /// Whether there is a slot for each of `size` descriptors.
    pub(super) fn has_slots(&self, size: u16) -> bool {
        usize::from(size) <= self.slots.len()
    }

    /// The first free descriptor, if there is one.
    #[inline]
    pub(super) fn free_head(&self) -> u16 {
        self.free_head
    }

    /// Free descriptors that chains can have.
    #[inline]
    pub(super) fn num_free(&self) -> u16 {
        self.num_free
    }

    /// Descriptors that all chains together can have.
    #[inline]
    pub(super) fn capacity(&self) -> u16 {
        self.capacity
    }

    /// Chains added, ever.
    #[inline]
    pub(super) fn added(&self) -> u32 {
        self.added
    }

    /// The chain that is outstanding for longest, with `VIRTIO_F_IN_ORDER`.
    #[inline]
    pub(super) fn oldest(&self) -> u16 {
        self.oldest
    }

    /// The descriptor after this one, in its chain or on the free list.
    #[inline]
    pub(super) fn next(&self, at: u16) -> Option<u16> {
        self.slots.get(usize::from(at)).map(|slot| slot.next)
    }

    /// Adds a chain: its number and the descriptors it took.
    #[inline(always)]
    pub(super) fn add(&mut self, chain: Ready) -> Result<(), ChainError> {
        let slot = self
            .slots
            .get_mut(usize::from(chain.head))
            .ok_or(ChainError::Broken)?;
        let (last, rest) = chain.direct.unwrap_or((chain.head, slot.next));
        slot.last = last;
        slot.writable = chain.writable;
        slot.sequence = self.added;
        slot.taken = chain.taken;
        self.free_head = rest;
        // Who began the chain has seen that there are as many.
        self.num_free = self.num_free.wrapping_sub(chain.taken);
        self.added = self.added.wrapping_add(1);
        Ok(())
    }

    /// The head and the writable bytes of the chain that the device calls `id`, if it has it: those from
    /// number `published` on it does not have.
    #[inline]
    pub(super) fn published(&self, id: u32, published: u32) -> Option<(u16, u32)> {
        let slot = self.slots.get(usize::try_from(id).ok()?)?;
        (slot.taken != 0 && slot.is_before(published)).then_some((index(id), slot.writable))
    }

    /// The number of an outstanding chain, and the bytes of it that the device may write.
    #[inline]
    pub(super) fn number(&self, head: u16) -> Option<(u32, u32)> {
        let slot = self.slots.get(usize::from(head))?;
        (slot.taken != 0).then_some((slot.sequence, slot.writable))
    }

    /// Frees the chain that the device calls `id`, if it has it, as [`Self::published`] says. Not with
    /// `VIRTIO_F_IN_ORDER`.
    // Looked up once for all of that.
    #[inline(always)]
    pub(super) fn take(&mut self, id: u32, published: u32) -> Option<Freed> {
        self.free_if(id, false, |slot| slot.is_before(published))
    }

    /// Frees an outstanding chain.
    #[inline]
    pub(super) fn free(&mut self, head: u16) -> Option<Freed> {
        self.free_if(head.into(), self.in_order, |_| true)
    }

    /// Frees an outstanding chain, if something is true of it.
    #[inline(always)]
    fn free_if(
        &mut self,
        id: u32,
        in_order: bool,
        is_right: impl FnOnce(&Slot) -> bool,
    ) -> Option<Freed> {
        let slot = self.slots.get_mut(usize::try_from(id).ok()?)?;
        if slot.taken == 0 || !is_right(slot) {
            return None;
        }
        let freed = Freed {
            // There is a slot for no more than that.
            head: index(id),
            taken: core::mem::take(&mut slot.taken),
            writable: slot.writable,
        };
        let last = slot.last;
        if in_order {
            // The circle stays as it is.
            self.oldest = self.slots.get(usize::from(last))?.next;
        } else {
            let before = core::mem::replace(&mut self.free_head, freed.head);
            if last == freed.head {
                slot.next = before;
            } else {
                self.slots.get_mut(usize::from(last))?.next = before;
            }
        }
        self.num_free = self.num_free.wrapping_add(freed.taken);
        Some(freed)
    }

    /// Frees the next outstanding chain there is, whether or not the device has used it.
    pub(super) fn drain(&mut self, size: u16) -> Option<u16> {
        while self.drained < size {
            let head = self.drained;
            self.drained = head.wrapping_add(1);
            if self.free(head).is_some() {
                return Some(head);
            }
        }
        None
    }
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Indirect tables for the memories of tests, which hear of each entry that is written.

use crate::ring::{
    descriptor::Descriptor,
    Table, //
};

/// Memory of a test.
pub trait WriteEntry {
    /// Writes an entry of the table that belongs to `head`.
    fn write_entry(&self, head: u16, entry: u16, desc: Descriptor);

    /// The bus address of that table.
    fn table_addr(&self, head: u16) -> u64;
}

/// A table that is being written.
pub struct Entries<'a> {
    /// Where it is written.
    memory: &'a dyn WriteEntry,
    /// Whose table it is.
    head: u16,
    /// What was written last.
    last: Descriptor,
    /// Entries that were written.
    written: u16,
    /// Entries that may be.
    len: u16,
    /// Whether they are linked.
    linked: bool,
}

impl<'a> Entries<'a> {
    /// The table that belongs to `head`, as far as `len` entries.
    pub fn new(memory: &'a dyn WriteEntry, head: u16, len: u16, linked: bool) -> Self {
        Self {
            memory,
            head,
            last: Descriptor::default(),
            written: 0,
            len,
            linked,
        }
    }
}

impl Table for Entries<'_> {
    fn push(&mut self, addr: u64, len: u32, writable: bool) -> bool {
        if self.written == self.len {
            return false;
        }
        let next = self.written + 1;
        let write = if writable { Descriptor::WRITE } else { 0 };
        self.last = if self.linked {
            let flags = write | Descriptor::NEXT;
            Descriptor {
                addr,
                len,
                flags,
                next,
            }
        } else {
            Descriptor {
                addr,
                len,
                flags: write,
                next: 0,
            }
        };
        self.memory.write_entry(self.head, self.written, self.last);
        self.written = next;
        true
    }

    fn len(&self) -> u16 {
        self.written
    }

    fn close(&mut self) {
        self.len = self.written;
    }

    fn end(&mut self, writable: bool) {
        assert!(self.linked, "nothing to end in a table that is not linked");
        if self.written != 0 {
            self.last.flags = if writable { Descriptor::WRITE } else { 0 };
            self.last.next = 0;
            self.memory
                .write_entry(self.head, self.written - 1, self.last);
        }
    }

    fn addr(&self) -> u64 {
        self.memory.table_addr(self.head)
    }
}

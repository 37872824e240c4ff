// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Event suppression in a packed ring (VIRTIO 1.4, 2.8.10).

use super::{
    super::event::need_event,
    position::Position, //
};

/// Flags: notify of all.
pub const ENABLE: u16 = 0;
/// Flags: notify of none.
pub const DISABLE: u16 = 1;
/// Flags: notify of the descriptor that is told. Only with the event index.
pub const DESC: u16 = 2;

/// The bits of the flags that mean something.
const MASK: u16 = 3;

/// Whether the device wants to be notified of what became available from `old` to `new`, when it
/// told `event` and `flags`. What it must not say counts as a yes: one notification too many does
/// no harm.
#[inline]
pub(super) fn wanted(
    event_idx: bool,
    (event, flags): (u16, u16),
    old: Position,
    new: Position,
    size: u16,
) -> bool {
    match flags & MASK {
        DISABLE => false,
        DESC if event_idx => need_event(
            Position::told(event).before(new, size),
            new.offset(),
            old.before(new, size),
        ),
        _ => true,
    }
}

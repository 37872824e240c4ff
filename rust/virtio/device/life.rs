// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What becomes of a device between its start and its end.
//!
//! A device stops for a while when the machine sleeps, when its function is reset, when an error on
//! the bus is dealt with, and when it has to be reset because it asks for that or breaks the rules
//! of a queue. All of these take the same way, one at a time for each device:
//!
//! ```text
//!            probe
//!              |
//!           Working <--------------------------------------+
//!              | Driver::quiesce                           | ConfigHandler::changed
//!              | QueueHandler::pause of each queue,        | Driver::resume
//!              |   which is broken then                    | QueueHandler::resume of each queue
//!              | reset, confirmed                          | DRIVER_OK
//!           Paused                                         | features, queues and vectors as before
//!              | QueueHandler::reclaim of each queue,      | reset
//!              |   which is empty then                     |
//!              +--------- the device is wanted again ------+
//!              |
//!              |  from any state: the device is gone, does not reset, can not be brought up as it
//!              |  was, asks for resets too often, or this kernel ends
//!              v
//!           Failed: QueueHandler::failed of each queue, ConfigHandler::failed; no way back
//! ```
//!
//! The removal of the driver ends each of these. It waits for what goes on, all of which has bounds.

/// Why a device is stopped for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// The machine is going to sleep, or to be copied to disk. The device works.
    Sleep,
    /// Its function is being reset, or dealt with after an error on the bus. The device may not
    /// answer.
    Reset,
    /// The device asked for a reset or broke the rules. It does not answer.
    Failure,
}

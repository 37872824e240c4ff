// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! VIRTIO devices of our own, well-behaved and not, for a guest under QEMU.
//!
//! QEMU's `vfio-user-pci` gives each access of the guest to a server, this program: it sees what a
//! driver does, and says what the driver sees. The parts:
//!
//! | module        | what                                                                       |
//! | ------------- | -------------------------------------------------------------------------- |
//! | [`vfio`]      | the protocol's messages                                                    |
//! | [`server`]    | the server: one thread for QEMU, and one for what the device does itself   |
//! | [`dma`]       | the guest's memory, as far as it is mapped                                 |
//! | [`state`]     | what the driver told: status, features, queues, whatever the transport     |
//! | [`transport`] | the transports, each of which decodes registers of its own into that:      |
//! | [`common`]    | PCI: the common configuration (4.1.4.3)                                    |
//! | [`pci_legacy`] | PCI: the legacy interface (4.1.4.10)                                      |
//! | [`mmio`]      | memory-mapped I/O, version 2 (4.2.2)                                       |
//! | [`mmio_legacy`] | memory-mapped I/O, version 1, which is the legacy interface (4.2.4)      |
//! | [`pci`]       | configuration space and capabilities (4.1.4)                               |
//! | [`irq`]       | ways to interrupt                                                          |
//! | [`machine`]   | the device: what accesses do; `access` and `space` are how they come       |
//! | [`work`]      | the device: what it does on its own. Its rings are those of [`device`]     |
//! | [`receive`]   | the device: what comes from outside                                        |
//! | [`model`]     | what there is to a device type; [`devices`] are those there are            |
//! | [`event`]     | what happened, one line an event                                           |
//! | [`script`]    | what a device does otherwise than it should                                |
//! | [`scenario`]  | named scripts, each with its verdict; [`scenarios`] are those there are    |
//! | [`campaign`]  | scripts at random, from a seed                                             |
//! | [`altered`]   | how much of what a driver was told was not as it should be                 |
//! | [`control`]   | how tests in the guest choose scenarios and see verdicts                   |
//!
//! # Verdicts
//!
//! A test in the guest chooses a scenario by its name, through the last bytes of configuration space,
//! binds the driver, has it do something, and looks at what the guest got. Then it asks here, the same
//! way, what is to be said of the driver: a scenario's verdict is a function of the log. A rule that
//! the driver broke is an event as well, and fails the verdict of each scenario that looks for it, as
//! most do.
//!
//! Each device checks its driver in any case: the width of each access, that no status bit is dropped,
//! that queues are not changed while they are enabled, that nothing is read behind the end, that
//! nothing is notified before DRIVER_OK or while the device is suspended, that all memory is mapped,
//! and all that [`device::Violation`] knows of rings.

mod access;
pub mod altered;
pub mod campaign;
pub mod common;
pub mod control;
pub mod devices;
pub mod dma;
pub mod event;
pub mod irq;
pub mod machine;
pub mod mmio;
pub mod mmio_legacy;
pub mod model;
pub mod pci;
pub mod pci_legacy;
pub mod receive;
pub mod scenario;
pub mod scenarios;
pub mod script;
pub mod server;
mod space;
pub mod state;
pub mod transport;
pub mod vfio;
pub mod work;

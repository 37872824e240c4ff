// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The numbers and names of feature bits.

/// Defines the features of a module, and their names.
macro_rules! features {
    ($(#[$doc:meta])* $module:ident: $($(#[$feature_doc:meta])* $name:ident = $bit:literal;)*) => {
        $(#[$doc])*
        pub mod $module {
            use super::super::{
                Feature,
                Names, //
            };

            $($(#[$feature_doc])* pub const $name: Feature = Feature($bit);)*

            /// The names of the features.
            pub(in super::super) const NAMES: &Names = &[$(($name, stringify!($name))),*];
        }
    };
}

features! {
    /// Features of rings and transports.
    transport:
    /// Legacy: the device notifies when it has used all, even if told not to.
    NOTIFY_ON_EMPTY = 24;
    /// Legacy: the device accepts any framing of a request.
    ANY_LAYOUT = 27;
    /// Descriptors can refer to tables of descriptors.
    INDIRECT_DESC = 28;
    /// Either side says at which entry it wants to be notified.
    EVENT_IDX = 29;
    /// Legacy: a trap for drivers that accept everything.
    UNUSED = 30;
    /// The device follows the specification from version 1 on.
    VERSION_1 = 32;
    /// The device needs addresses as the platform gives them out: the DMA API.
    ACCESS_PLATFORM = 33;
    /// The device can use packed rings.
    RING_PACKED = 34;
    /// The device uses buffers in the order in which it got them.
    IN_ORDER = 35;
    /// Memory accesses of driver and device are to be ordered as the platform orders those of
    /// hardware.
    ORDER_PLATFORM = 36;
    /// The device supports SR-IOV.
    SR_IOV = 37;
    /// Notifications say how far the ring has been filled.
    NOTIFICATION_DATA = 38;
    /// Notifications carry a value that the device supplies.
    NOTIF_CONFIG_DATA = 39;
    /// Single queues can be reset.
    RING_RESET = 40;
    /// The device has administration queues.
    ADMIN_VQ = 41;
    /// The device can be suspended.
    SUSPEND = 43;
}

features! {
    /// Features of network devices.
    net:
    /// The device completes checksums of what it gets.
    CSUM = 0;
    /// The driver takes packets without full checksums.
    GUEST_CSUM = 1;
    /// What the driver takes can be changed at run time.
    CTRL_GUEST_OFFLOADS = 2;
    /// The device says what its maximum transmission unit is.
    MTU = 3;
    /// The device has a MAC address.
    MAC = 5;
    /// Legacy: any segmentation offload.
    GSO = 6;
    /// The driver takes TSO over IPv4.
    GUEST_TSO4 = 7;
    /// The driver takes TSO over IPv6.
    GUEST_TSO6 = 8;
    /// The driver takes TSO with ECN.
    GUEST_ECN = 9;
    /// The driver takes UFO.
    GUEST_UFO = 10;
    /// The device takes TSO over IPv4.
    HOST_TSO4 = 11;
    /// The device takes TSO over IPv6.
    HOST_TSO6 = 12;
    /// The device takes TSO with ECN.
    HOST_ECN = 13;
    /// The device takes UFO.
    HOST_UFO = 14;
    /// A packet can fill several receive buffers.
    MRG_RXBUF = 15;
    /// The device says whether the link is up.
    STATUS = 16;
    /// There is a control queue.
    CTRL_VQ = 17;
    /// Receive modes can be set.
    CTRL_RX = 18;
    /// VLANs can be filtered.
    CTRL_VLAN = 19;
    /// More receive modes can be set.
    CTRL_RX_EXTRA = 20;
    /// The driver can send gratuitous packets.
    GUEST_ANNOUNCE = 21;
    /// There are several pairs of queues.
    MQ = 22;
    /// The MAC address can be set by command.
    CTRL_MAC_ADDR = 23;
    /// Legacy: receive coalescing over IPv4. The number is also
    /// [`transport::ADMIN_VQ`](super::transport::ADMIN_VQ).
    GUEST_RSC4 = 41;
    /// Legacy: receive coalescing over IPv6.
    GUEST_RSC6 = 42;
    /// The device keeps statistics.
    DEVICE_STATS = 50;
    /// The device hashes inner headers of tunnelled packets.
    HASH_TUNNEL = 51;
    /// Notifications can be coalesced, by queue.
    VQ_NOTF_COAL = 52;
    /// Notifications can be coalesced.
    NOTF_COAL = 53;
    /// The driver takes USO over IPv4.
    GUEST_USO4 = 54;
    /// The driver takes USO over IPv6.
    GUEST_USO6 = 55;
    /// The device takes USO.
    HOST_USO = 56;
    /// The device reports the hash of a packet.
    HASH_REPORT = 57;
    /// The driver gives the exact length of headers.
    GUEST_HDRLEN = 59;
    /// Receive-side scaling.
    RSS = 60;
    /// The device reports what it coalesced.
    RSC_EXT = 61;
    /// The device stands by for another one with the same MAC address.
    STANDBY = 62;
    /// The device says speed and duplex.
    SPEED_DUPLEX = 63;
    /// There are several contexts for receive-side scaling.
    RSS_CONTEXT = 64;
    /// The driver takes GSO in UDP tunnels.
    GUEST_UDP_TUNNEL_GSO = 65;
    /// The driver takes that with checksums of the outer header.
    GUEST_UDP_TUNNEL_GSO_CSUM = 66;
    /// The device takes GSO in UDP tunnels.
    HOST_UDP_TUNNEL_GSO = 67;
    /// The device takes that with checksums of the outer header.
    HOST_UDP_TUNNEL_GSO_CSUM = 68;
    /// The packet header tells where the outer network header is.
    OUT_NET_HEADER = 69;
    /// The device does IPsec.
    IPSEC = 70;
}

features! {
    /// Features of block devices.
    block:
    /// Legacy: barriers.
    BARRIER = 0;
    /// The device limits the size of a segment.
    SIZE_MAX = 1;
    /// The device limits the segments of a request.
    SEG_MAX = 2;
    /// The device says a geometry.
    GEOMETRY = 4;
    /// The device is read-only.
    RO = 5;
    /// The device says its block size.
    BLK_SIZE = 6;
    /// Legacy: SCSI commands pass through.
    SCSI = 7;
    /// The device can be told to flush its cache.
    FLUSH = 9;
    /// The device says which alignment is best.
    TOPOLOGY = 10;
    /// The cache can be turned on and off.
    CONFIG_WCE = 11;
    /// There are several queues.
    MQ = 12;
    /// Sectors can be discarded.
    DISCARD = 13;
    /// Sectors can be zeroed.
    WRITE_ZEROES = 14;
    /// The device says how worn it is.
    LIFETIME = 15;
    /// Sectors can be erased securely.
    SECURE_ERASE = 16;
    /// The device has zones.
    ZONED = 17;
}

features! {
    /// Features of consoles.
    console:
    /// The device says the size of the console.
    SIZE = 0;
    /// There are several ports.
    MULTIPORT = 1;
    /// Characters can be written before the device is set up.
    EMERG_WRITE = 2;
}

features! {
    /// Features of memory balloons.
    balloon:
    /// The driver has to ask before it takes pages back.
    MUST_TELL_HOST = 0;
    /// There is a queue for statistics.
    STATS_VQ = 1;
    /// The driver may take pages back when memory is short.
    DEFLATE_ON_OOM = 2;
    /// The driver hints at free pages on demand.
    FREE_PAGE_HINT = 3;
    /// The guest fills free pages.
    PAGE_POISON = 4;
    /// The driver reports free pages.
    PAGE_REPORTING = 5;
}

features! {
    /// Features of SCSI hosts.
    scsi:
    /// A request can transfer both ways.
    INOUT = 0;
    /// Targets and units come and go.
    HOTPLUG = 1;
    /// Units report changes of parameters.
    CHANGE = 2;
    /// Protection information is supported.
    T10_PI = 3;
}

// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Device types.

/// The number of a device type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceId(u16);

/// Defines the device types with their names.
macro_rules! device_ids {
    ($($(#[$doc:meta])* $ident:ident = $number:literal, $name:literal;)*) => {
        impl DeviceId {
            $($(#[$doc])* pub const $ident: Self = Self($number);)*

            /// The name that the specification uses, if it has the type.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

device_ids! {
    /// Network device.
    NET = 1, "network";
    /// Block device.
    BLOCK = 2, "block";
    /// Console device.
    CONSOLE = 3, "console";
    /// Entropy device.
    ENTROPY = 4, "entropy";
    /// Memory balloon device.
    BALLOON = 5, "memory balloon";
    /// IoMemory device.
    IOMEM = 6, "ioMemory";
    /// Rpmsg device.
    RPMSG = 7, "rpmsg";
    /// SCSI host device.
    SCSI = 8, "SCSI host";
    /// 9P transport device.
    P9 = 9, "9P transport";
    /// Mac80211 wlan device.
    MAC80211_WLAN = 10, "mac80211 wlan";
    /// Rproc serial device.
    RPROC_SERIAL = 11, "rproc serial";
    /// CAIF device.
    CAIF = 12, "CAIF";
    /// Memory balloon (new) device.
    MEMORY_BALLOON = 13, "memory balloon (new)";
    /// GPU device.
    GPU = 16, "GPU";
    /// RTC device.
    RTC = 17, "RTC";
    /// Input device.
    INPUT = 18, "input";
    /// Socket device.
    SOCKET = 19, "socket";
    /// Crypto device.
    CRYPTO = 20, "crypto";
    /// Signal distribution module device.
    SIGNAL_DISTRIBUTION = 21, "signal distribution module";
    /// Pstore device.
    PSTORE = 22, "pstore";
    /// IOMMU device.
    IOMMU = 23, "IOMMU";
    /// Memory device.
    MEMORY = 24, "memory";
    /// Sound device.
    SOUND = 25, "sound";
    /// File system device.
    FILE_SYSTEM = 26, "file system";
    /// PMEM device.
    PMEM = 27, "PMEM";
    /// RPMB device.
    RPMB = 28, "RPMB";
    /// Mac80211 hwsim device.
    MAC80211_HWSIM = 29, "mac80211 hwsim";
    /// Video encoder device.
    VIDEO_ENCODER = 30, "video encoder";
    /// Video decoder device.
    VIDEO_DECODER = 31, "video decoder";
    /// SCMI device.
    SCMI = 32, "SCMI";
    /// NitroSecureModule device.
    NITRO_SECURE_MODULE = 33, "NitroSecureModule";
    /// I2C adapter device.
    I2C = 34, "I2C adapter";
    /// Watchdog device.
    WATCHDOG = 35, "watchdog";
    /// CAN device.
    CAN = 36, "CAN";
    /// Parameter server device.
    PARAMETER_SERVER = 38, "parameter server";
    /// Audio policy device.
    AUDIO_POLICY = 39, "audio policy";
    /// Bluetooth device.
    BLUETOOTH = 40, "Bluetooth";
    /// GPIO device.
    GPIO = 41, "GPIO";
    /// RDMA device.
    RDMA = 42, "RDMA";
    /// Camera device.
    CAMERA = 43, "camera";
    /// ISM device.
    ISM = 44, "ISM";
    /// SPI controller device.
    SPI = 45, "SPI controller";
    /// TEE device.
    TEE = 46, "TEE";
    /// CPU balloon device.
    CPU_BALLOON = 47, "CPU balloon";
    /// Media device.
    MEDIA = 48, "media";
    /// USB controller device.
    USB = 49, "USB controller";
}

impl DeviceId {
    /// The PCI vendor of VIRTIO devices.
    pub const PCI_VENDOR: u16 = 0x1af4;

    /// What a PCI device id adds to the device type.
    pub const PCI_BASE: u16 = 0x1040;

    /// The type with this number. Zero is not a type.
    pub const fn new(number: u16) -> Option<Self> {
        match number {
            0 => None,
            number => Some(Self(number)),
        }
    }

    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The PCI device id of a device of this type that has no legacy interface. The ids end at
    /// 0x107f.
    pub const fn pci_device(self) -> Option<u16> {
        match self.0 {
            1..=0x3f => Some(Self::PCI_BASE + self.0),
            _ => None,
        }
    }

    /// The PCI device id of a transitional device of this type, if there is one.
    pub const fn pci_transitional(self) -> Option<u16> {
        match self {
            Self::NET => Some(0x1000),
            Self::BLOCK => Some(0x1001),
            Self::BALLOON => Some(0x1002),
            Self::CONSOLE => Some(0x1003),
            Self::SCSI => Some(0x1004),
            Self::ENTROPY => Some(0x1005),
            Self::P9 => Some(0x1009),
            _ => None,
        }
    }

    /// The type of the device that has these PCI ids, of which those of legacy and transitional devices
    /// are 0x1000 to 0x103f, of revision 0, and the type is in the subsystem's (VIRTIO 1.4, 4.1.2.3).
    /// [`None`] of others.
    pub const fn from_pci_legacy(device: u16, revision: u8, subsystem: u16) -> Option<Self> {
        match (device, revision) {
            (0x1000..=0x103f, 0) => Self::new(subsystem),
            _ => None,
        }
    }

    /// The type of the device that has this PCI device id, transitional or not.
    pub const fn from_pci(device: u16) -> Option<Self> {
        match device {
            0x1000 => Some(Self::NET),
            0x1001 => Some(Self::BLOCK),
            0x1002 => Some(Self::BALLOON),
            0x1003 => Some(Self::CONSOLE),
            0x1004 => Some(Self::SCSI),
            0x1005 => Some(Self::ENTROPY),
            0x1009 => Some(Self::P9),
            0x1041..=0x107f => Self::new(device - Self::PCI_BASE),
            _ => None,
        }
    }
}

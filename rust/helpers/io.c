// SPDX-License-Identifier: GPL-2.0

#include <linux/io.h>

/* Functions of the kernel where ports and memory are told apart by the address, else inline. */
#ifndef CONFIG_GENERIC_IOMAP
__rust_helper u8 rust_helper_ioread8(const void __iomem *addr)
{
	return ioread8(addr);
}

__rust_helper u16 rust_helper_ioread16(const void __iomem *addr)
{
	return ioread16(addr);
}

__rust_helper u32 rust_helper_ioread32(const void __iomem *addr)
{
	return ioread32(addr);
}

__rust_helper void rust_helper_iowrite8(u8 value, void __iomem *addr)
{
	iowrite8(value, addr);
}

__rust_helper void rust_helper_iowrite16(u16 value, void __iomem *addr)
{
	iowrite16(value, addr);
}

__rust_helper void rust_helper_iowrite32(u32 value, void __iomem *addr)
{
	iowrite32(value, addr);
}
#endif

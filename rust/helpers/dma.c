// SPDX-License-Identifier: GPL-2.0

#include <linux/cc_platform.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/mm.h>

__rust_helper phys_addr_t rust_helper_virt_to_phys(void *address)
{
	return virt_to_phys(address);
}

__rust_helper bool rust_helper_virt_addr_valid(const void *address)
{
	return virt_addr_valid(address);
}

__rust_helper phys_addr_t rust_helper_page_to_phys(struct page *page)
{
	return page_to_phys(page);
}

/*
 * A function of the kernel or an inline one, by its configuration. The kernel's bindings have
 * the enum on some architectures only.
 */
__rust_helper bool rust_helper_cc_platform_has(unsigned int attr)
{
	return cc_platform_has(attr);
}

__rust_helper int rust_helper_dma_mapping_error(struct device *dev, dma_addr_t addr)
{
	return dma_mapping_error(dev, addr);
}

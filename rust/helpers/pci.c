// SPDX-License-Identifier: GPL-2.0

#include <linux/pci.h>

/* Functions of the kernel or inline ones, by its configuration. */
__rust_helper int rust_helper_pci_enable_sriov(struct pci_dev *dev, int nr_virtfn)
{
	return pci_enable_sriov(dev, nr_virtfn);
}

__rust_helper void rust_helper_pci_disable_sriov(struct pci_dev *dev)
{
	pci_disable_sriov(dev);
}

__rust_helper int rust_helper_pci_vfs_assigned(struct pci_dev *dev)
{
	return pci_vfs_assigned(dev);
}

// SPDX-License-Identifier: GPL-2.0
// Copyright (C) 2026 The virtio-rust authors
/*
 * virtio_mmio_glue: makes a platform device "virtio-mmio" of a PCI device whose BAR 0
 * holds the registers of memory-mapped virtio (VIRTIO 1.4, 4.2.2).
 *
 * Such devices are those of tests/host/vdev: vfio-user has PCI devices only. The platform
 * device is there as long as this driver is bound, so that a test makes it come and go by
 * binding the PCI device. Its interrupt is the first vector of MSI-X or, with line=1, INTA,
 * which stays asserted until its cause is acknowledged.
 *
 * With wakeup=1 it is described as one that is to wake the machine up.
 *
 * In C because the kernel crate can not make platform devices, nor name the parent of a
 * resource, and this is for tests only.
 */

#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/property.h>

static bool line;
module_param(line, bool, 0644);
MODULE_PARM_DESC(line, "take the interrupt line, not a vector, from the next device on");

static bool wakeup;
module_param(wakeup, bool, 0644);
MODULE_PARM_DESC(wakeup, "interrupts wake the machine up, from the next device on");

static const struct property_entry wakeup_source[] = {
	PROPERTY_ENTRY_BOOL("wakeup-source"),
	{ }
};

static int glue_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct resource resources[2] = {
		DEFINE_RES_MEM(pci_resource_start(pdev, 0), pci_resource_len(pdev, 0)),
	};
	struct platform_device_info info = {
		.parent = &pdev->dev,
		.name = "virtio-mmio",
		.id = PLATFORM_DEVID_AUTO,
		.res = resources,
		.num_res = ARRAY_SIZE(resources),
		.dma_mask = DMA_BIT_MASK(64),
		.properties = wakeup ? wakeup_source : NULL,
	};
	struct platform_device *child;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	pci_set_master(pdev);
	ret = pci_alloc_irq_vectors(pdev, 1, 1, line ? PCI_IRQ_INTX : PCI_IRQ_ALL_TYPES);
	if (ret < 0)
		return ret;

	/* Within the BAR, which would be a conflict otherwise. */
	resources[0].parent = &pdev->resource[0];
	resources[1] = (struct resource)DEFINE_RES_IRQ(pci_irq_vector(pdev, 0));
	child = platform_device_register_full(&info);
	if (IS_ERR(child)) {
		pci_free_irq_vectors(pdev);
		return PTR_ERR(child);
	}
	pci_set_drvdata(pdev, child);
	return 0;
}

static void glue_remove(struct pci_dev *pdev)
{
	platform_device_unregister(pci_get_drvdata(pdev));
	pci_free_irq_vectors(pdev);
}

static const struct pci_device_id glue_ids[] = {
	{ PCI_DEVICE(0x1234, 0x7ab1) },
	{ }
};
MODULE_DEVICE_TABLE(pci, glue_ids);

static struct pci_driver glue_driver = {
	.name = "virtio_mmio_glue",
	.id_table = glue_ids,
	.probe = glue_probe,
	.remove = glue_remove,
};
module_pci_driver(glue_driver);

MODULE_DESCRIPTION("virtio-mmio devices behind a PCI BAR, for tests");
MODULE_LICENSE("GPL");

# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""What the bench computes, with figures that are known."""

import random
import unittest

import allocators
import memory
import results
import stats
from symbols import CALLS, Profile, Symbols

KALLSYMS = """\
ffffffff81000000 T _stext
ffffffff81001000 t modalias_show
ffffffff81001100 t virtio_dev_match
ffffffff81001200 t del_vq
ffffffff81001300 t __pfx_virtqueue_add_split
ffffffff81001310 t virtqueue_add_split
ffffffff81001400 t status_show
ffffffff81001500 T vp_notify
ffffffff81001600 t unrelated_1
ffffffff81001610 t unrelated_2
ffffffff81001620 t unrelated_3
ffffffff81001630 t unrelated_4
ffffffff81001640 t unrelated_5
ffffffff81001650 t unrelated_6
ffffffff81001660 t unrelated_7
ffffffff81001700 t virtio_fs_freeze
ffffffff81002000 T __kmalloc_noprof
ffffffff81002100 T kfree
ffffffff81002200 T kfree_skb
ffffffff81003000 T rust_helper_writew
ffffffff81003100 T _RNvNtCs1_6kernel5print
ffffffff81004000 D virtio_data
ffffffffc0000000 t virtblk_done	[virtio_blk]
ffffffffc0001000 t _RNvCs2_15virtio_blk_rust4done	[virtio_blk_rust]
ffffffffc0002000 t ext4_sync	[ext4]
"""


class Statistics(unittest.TestCase):
    """Medians and their intervals."""

    def test_median(self):
        """Of an odd and of an even number."""
        self.assertEqual(stats.median([3, 1, 2]), 2)
        self.assertEqual(stats.median([4, 1, 3, 2]), 2.5)

    def test_ranks(self):
        """As tables of the sign test have them: for 20 values, the 6th from each end."""
        self.assertIsNone(stats.rank(5))
        self.assertEqual(stats.rank(6), 0)
        self.assertEqual(stats.rank(8), 0)
        self.assertEqual(stats.rank(9), 1)
        self.assertEqual(stats.rank(20), 5)
        self.assertEqual(stats.rank(50), 17)

    def test_too_few(self):
        """No interval is better than a wrong one."""
        self.assertIsNone(stats.interval([1, 2, 3, 4, 5]))
        self.assertEqual(stats.interval([6, 2, 3, 4, 5, 1]), (1, 6))

    def test_coverage(self):
        """The interval has the median in 95 of 100 cases, for a distribution with a tail."""
        source = random.Random(1)
        hits, rounds = 0, 2000
        for _ in range(rounds):
            low, high = stats.interval([source.expovariate(1) for _ in range(20)])
            hits += low <= 0.6931 <= high
        self.assertGreater(hits / rounds, 0.94)
        self.assertLess(hits / rounds, 0.98)

    def test_outlier(self):
        """One pair that was disturbed changes nothing."""
        pairs = [(100, 60)] * 19 + [(100, 900)]
        result = stats.compare(pairs)
        self.assertEqual((result["ratio"], result["low"], result["high"]), (0.6, 0.6, 0.6))

    def test_pairs(self):
        """Ratios are those of pairs: what is slow in both does not count."""
        result = stats.compare([(100, 50), (200, 100), (400, 200)] * 2)
        self.assertEqual((result["c"], result["rust"]), (200, 100))
        self.assertEqual((result["low"], result["high"]), (0.5, 0.5))

    def test_nothing(self):
        """There is no ratio to nothing."""
        self.assertNotIn("ratio", stats.compare([(0, 1)] * 6))


class Attribution(unittest.TestCase):
    """Whose instructions are whose."""

    def setUp(self):
        self.symbols = Symbols(KALLSYMS)

    def kind(self, name):
        """That of a function."""
        return self.symbols.kind([known for known, _ in self.symbols.names].index(name))

    def test_kinds(self):
        """By module, by place, by name."""
        for name, kind in {
            "virtqueue_add_split": "c",
            "vp_notify": "c",
            "virtio_dev_match": "c",
            "del_vq": "c",
            "status_show": "c",
            "modalias_show": "other",
            "unrelated_1": "other",
            "virtio_fs_freeze": "other",
            "virtblk_done": "c",
            "_RNvCs2_15virtio_blk_rust4done": "rust",
            "rust_helper_writew": "rust",
            "_RNvNtCs1_6kernel5print": "rust",
            "ext4_sync": "other",
            "__kmalloc_noprof": "memory",
            "kfree": "memory",
            "kfree_skb": "other",
        }.items():
            self.assertEqual(self.kind(name), kind, name)

    def test_profile(self):
        """Instructions are those of a block times its executions; a call is one of its entry."""
        profile = Profile(
            self.symbols,
            ["ffffffff81001310 4 10", "ffffffff81001320 2 5", "ffffffff81002000 7 3", "ffffffff81002010 1 9"],
        )
        self.assertEqual(profile.total("c"), 50)
        self.assertEqual(profile.total("memory"), 30)
        self.assertEqual(profile.total(), 80)
        self.assertEqual(profile.calls(CALLS), 3)
        self.assertEqual(profile.functions("c"), [("virtqueue_add_split", "", 50)])

    def test_core_size(self):
        """Each function ends where the next one begins."""
        self.assertEqual(self.symbols.core_bytes(), 0x500)


TRACE = """
# tracer: nop
 python3-9 [000] ..... 1.0: kmalloc: call_site=vring_alloc+0x1/0x2 ptr=00000000aa bytes_req=10 bytes_alloc=16 gfp_flags=GFP_KERNEL node=-1 accounted=false
 python3-9 [000] ..... 1.1: kmalloc: call_site=probe+0x1/0x2 ptr=00000000ab bytes_req=30 bytes_alloc=32 gfp_flags=GFP_KERNEL node=-1 accounted=false
 python3-9 [000] ..... 1.2: kfree: call_site=probe+0x1/0x2 ptr=00000000ab
 python3-9 [000] ..... 1.3: mm_page_alloc: page=00000000f0 pfn=0x100 order=2 migratetype=0 gfp_flags=GFP_KERNEL|__GFP_ZERO
 python3-9 [000] ..... 1.4: mm_page_free: page=00000000f1 pfn=0x103 order=0
 python3-9 [000] ..... 1.5: mm_page_alloc: page=00000000f2 pfn=0x200 order=3 migratetype=0 gfp_flags=GFP_KERNEL|__GFP_COMP
 python3-9 [000] ..... 1.6: mm_page_alloc: page=00000000f3 pfn=0x300 order=1 migratetype=0 gfp_flags=GFP_NOIO|__GFP_NORETRY|__GFP_ZERO
 python3-9 [000] ..... 1.7: kfree: call_site=probe+0x1/0x2 ptr=00000000ac
"""


class Memory(unittest.TestCase):
    """What a driver takes."""

    def test_held(self):
        """Objects and pages that were not freed again; pages of objects do not count twice."""
        self.assertEqual(memory.Held(TRACE.splitlines()).bytes(), (2 * 4096, 16 + 3 * 4096))


DUMP = """
Disassembly of section .text:

0000000000000010 <_RNvCs2_15virtio_blk_rust4done>:
  10:	push   %rbx
  11:	call   16 <_RNvCs2_15virtio_blk_rust4done+0x6>
			12: R_X86_64_PLT32	kfree-0x4
  16:	call   1b <_RNvCs2_15virtio_blk_rust4done+0xb>
			17: R_X86_64_PLT32	blk_mq_start_request-0x4
  1b:	mov    0x0(%rip),%rax        # 22
			1e: R_X86_64_PC32	system_freezable_wq_alloc-0x4
  22:	jmp    27 <_RNvCs2_15virtio_blk_rust4done+0x17>
			23: R_X86_64_PLT32	__kvmalloc_node_noprof-0x4
  27:	call   2c <_RNvCs2_15virtio_blk_rust4done+0x1c>
			28: R_X86_64_PLT32	_RNvNtCs3_6kernel5alloc4room-0x4

Disassembly of section .init.text:

0000000000000000 <init_module>:
   0:	call   5 <init_module+0x5>
			1: R_X86_64_PLT32	__kmalloc_noprof-0x4
"""


class Allocators(unittest.TestCase):
    """What our modules call."""

    def setUp(self):
        self.code = allocators.Code(DUMP)
        self.symbols = Symbols(KALLSYMS)
        self.base = self.code.base(self.symbols, "virtio_blk_rust")

    def calls(self, *blocks):
        """How often an allocator was called in blocks at these places, with so many instructions."""
        lines = [f"{self.base + at:x} {instructions} {times}" for at, instructions, times in blocks]
        return allocators.calls({"virtio_blk_rust": self.code}, self.symbols, lines)

    def test_places(self):
        """Calls, and jumps in the place of one, in code that runs after a module was loaded."""
        self.assertEqual(self.code.places, {0x11, 0x22})

    def test_called(self):
        """A block that ends at such a place counts as often as it was executed."""
        self.assertEqual(self.calls((0x10, 2, 3), (0x1B, 2, 4)), 7)

    def test_not_called(self):
        """Other blocks do not, wherever they are."""
        self.assertEqual(self.calls((0x10, 1, 3), (0x16, 1, 5), (0x1B, 1, 2), (0x5000, 2, 9)), 0)


class Bars(unittest.TestCase):
    """Met or missed."""

    def verdict(self, metric, values):
        """Whether the bar of a metric is met at a point with these values."""
        point = {"workload": "blk", "form": "split", "load": "x", "metrics": {metric: values}}
        (bar,) = results.bars([point], "blk")
        return not bar["missed"]

    def test_instructions(self):
        """The bar itself is met."""
        self.assertTrue(self.verdict("driver", {"ratio": 0.60}))
        self.assertFalse(self.verdict("driver", {"ratio": 0.601}))

    def test_iops(self):
        """1 in the interval is enough, but not if it is below 0.98."""
        self.assertTrue(self.verdict("iops", {"ratio": 0.99, "low": 0.97, "high": 1.01}))
        self.assertFalse(self.verdict("iops", {"ratio": 0.97, "low": 0.90, "high": 1.01}))
        self.assertFalse(self.verdict("iops", {"ratio": 0.99, "low": 0.98, "high": 0.995}))

    def test_counts(self):
        """As many doorbells as C, within the interval; none in C is none wanted."""
        self.assertTrue(self.verdict("kicks", {"c": 1, "rust": 1.01, "ratio": 1.01, "low": 0.99, "high": 1.03}))
        self.assertFalse(self.verdict("kicks", {"c": 1, "rust": 1.1, "ratio": 1.1, "low": 1.05, "high": 1.2}))
        self.assertFalse(self.verdict("kicks", {"c": 0, "rust": 1}))
        self.assertTrue(self.verdict("kicks", {"c": 64, "rust": 64.1, "ratio": 1.0016, "low": 1.001, "high": 1.002}))

    def test_points(self):
        """Runs make pairs by their turn, whatever the order."""
        runs = [
            ({"form": "split", "load": "x", "turn": turn, "driver": driver}, {"driver": value * (turn + 1)})
            for turn in range(6)
            for driver, value in (("rust", 5), ("c", 10))
        ]
        (point,) = results.points("blk", "request", runs)
        metric = point["metrics"]["driver"]
        self.assertEqual((metric["pairs"], metric["ratio"]), (6, 0.5))
        self.assertEqual((metric["low"], metric["high"]), (0.5, 0.5))


if __name__ == "__main__":
    unittest.main()

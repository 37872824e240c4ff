# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""Statistics of pairs of measurements.

Times on a machine that does other things too have outliers on one side, and are of no known
distribution. So a ratio is the median of the ratios of pairs, and its interval is that of
order statistics, which holds for any distribution.
"""

from math import comb

CONFIDENCE = 0.95


def median(values):
    """The middle one, or the mean of the two in the middle."""
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2


def rank(n, confidence=CONFIDENCE):
    """How many of n values may be left out at each end, so that the rest spans the median with
    this confidence; None if not even all of them do.

    The median is below the (k+1)-th smallest value only if at most k of n values are below it,
    which each is with a chance of one half."""
    tail, result = 0.0, None
    for k in range(n // 2):
        tail += comb(n, k) / 2**n
        if 1 - 2 * tail < confidence:
            break
        result = k
    return result


def interval(values, confidence=CONFIDENCE):
    """The interval of the median, or None if there are too few values (less than 6)."""
    k = rank(len(values), confidence)
    if k is None:
        return None
    ordered = sorted(values)
    return ordered[k], ordered[-1 - k]


def compare(pairs):
    """Pairs of (C, Rust) as a dictionary: medians, and the ratio Rust to C with its interval.
    What is 0 in C has no ratio."""
    result = {
        "c": median([c for c, _ in pairs]),
        "rust": median([rust for _, rust in pairs]),
        "pairs": len(pairs),
    }
    ratios = [rust / c for c, rust in pairs if c > 0]
    if len(ratios) == len(pairs):
        result["ratio"] = median(ratios)
        bounds = interval(ratios)
        if bounds:
            result["low"], result["high"] = bounds
    return result

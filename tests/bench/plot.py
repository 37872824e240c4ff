# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""A plot of ratios, as SVG: a row a point, a column a figure."""

from html import escape

import results

SHOWN = ["driver", "kernel", "kicks", "interrupts", "iops", "p50", "p99"]
ROW, LABEL, COLUMN, TOP, GAP = 22, 270, 215, 46, 14
# Space for a number behind a bar.
NUMBER = 30
MOST = 2


def _x(value):
    """Where a ratio is in a column. What is beyond its end is at its end."""
    return min(max(value, 0), MOST) / MOST * (COLUMN - GAP - NUMBER)


def svg(found):
    """The plot of points, as results.points has them."""
    shown = [name for name in SHOWN if any("ratio" in point["metrics"].get(name, {}) for point in found)]
    width, height = LABEL + COLUMN * len(shown) + GAP, TOP + ROW * len(found) + 30
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="16" font-weight="bold">Rust to C; the line is 1, a whisker is 95 %</text>',
    ]
    for index, point in enumerate(found):
        label = f"{point['workload']}, {point['form']}, {point['load']}"
        lines.append(f'<text x="8" y="{TOP + ROW * index + 15}">{escape(label)}</text>')
    for column, name in enumerate(shown):
        left = LABEL + COLUMN * column
        title = results.METRICS[name].split(" (")[0]
        lines.append(f'<text x="{left}" y="{TOP - 10}">{escape(title)}</text>')
        for index, point in enumerate(found):
            metric = point["metrics"].get(name, {})
            if "ratio" not in metric:
                continue
            top = TOP + ROW * index
            better = metric["ratio"] >= 1 if name == "iops" else metric["ratio"] <= 1
            colour = "#4c8c6b" if better else "#c8743c"
            end = left + _x(metric["ratio"])
            lines.append(
                f'<rect x="{left}" y="{top + 4}" width="{_x(metric["ratio"]):.1f}" height="{ROW - 8}" fill="{colour}"/>'
            )
            if "low" in metric:
                low, high, middle = left + _x(metric["low"]), left + _x(metric["high"]), top + ROW / 2
                lines.append(f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="#000"/>')
                end = max(end, high)
            lines.append(f'<text x="{end + 4:.1f}" y="{top + 15}">{metric["ratio"]:.2f}</text>')
        one = left + _x(1)
        lines.append(f'<path d="M{one:.1f} {TOP - 4}V{TOP + ROW * len(found)}" stroke="#888" stroke-dasharray="3 2"/>')
    lines.append("</svg>")
    return "\n".join(lines) + "\n"

"""Plots of recall against queries a second, as SVG."""

import math
from xml.sax.saxutils import escape

# Told apart by people who see few colours, too; the dashes help.
COLOURS = (
    "#0b5fa5", "#d1495b", "#2e7d32", "#8e44ad", "#b8860b", "#00838f", "#5d4037", "#c2185b",
    "#455a64", "#7cb342", "#f4511e", "#3949ab", "#6d4c41", "#00897b",
)
DASHES = ("", "6 3", "2 3")


class Scale:
    """Maps numbers to places."""

    def __init__(self, low, high, start, end, logarithmic=False):
        if logarithmic and low <= 0:
            raise ValueError("a logarithmic scale begins above 0")
        if high <= low:
            high = low * 10 if logarithmic else low + 1
        self.low, self.high, self.start, self.end = low, high, start, end
        self.logarithmic = logarithmic

    def __call__(self, number):
        if self.logarithmic:
            share = math.log(number / self.low) / math.log(self.high / self.low)
        else:
            share = (number - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def decades(low, high):
    """The ticks of a logarithmic scale that holds these numbers: 1, 2 and 5 of each power of ten."""
    found = [
        step * 10.0**power
        for power in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
        for step in (1, 2, 5)
    ]
    first = max(tick for tick in found if tick <= low * (1 + 1e-9))
    last = min(tick for tick in found if tick >= high * (1 - 1e-9))
    return [tick for tick in found if first <= tick <= last]


def ticks(low, high, step):
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def spread(places, gap, low, high):
    """Places for labels, near those wanted and `gap` apart, in the same order."""
    order = sorted(range(len(places)), key=lambda number: places[number])
    found = list(places)
    below = low - gap
    for number in order:
        found[number] = max(places[number], below + gap)
        below = found[number]
    above = high + gap
    for number in reversed(order):
        found[number] = min(found[number], above - gap)
        above = found[number]
    return found


def short(number):
    if number >= 1_000_000:
        return f"{number / 1_000_000:g}M"
    if number >= 1_000:
        return f"{number / 1_000:g}k"
    return f"{number:g}"


def curves(title, lines, floor=0.8):
    """An SVG of recall (across) against queries a second (up, logarithmic).

    `lines` is a dict from a name to points (recall, queries a second). Points below the floor are
    left out, where enough others remain.
    """
    kept = {}
    for name, points in lines.items():
        points = sorted((recall, qps) for recall, qps in points if qps > 0)
        if points:
            kept[name] = points
    high = [point for points in kept.values() for point in points if point[0] >= floor]
    if len(high) >= 2:
        kept = {
            name: [point for point in points if point[0] >= floor]
            for name, points in kept.items()
        }
        kept = {name: points for name, points in kept.items() if points}
    width, height, left, right, top, bottom = 900, 560, 80, 210, 56, 64
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{left}" y="30" font-size="17" font-weight="bold">{escape(title)}</text>',
    ]
    points = [point for line in kept.values() for point in line]
    if not points:
        parts.append(f'<text x="{left}" y="80">nothing was measured</text></svg>')
        return "\n".join(parts) + "\n"
    lowest = min(recall for recall, _ in points)
    step = 0.02 if lowest >= 0.8 else 0.1
    across = ticks(min(lowest, 1 - step), 1.0, step)
    up = decades(min(qps for _, qps in points), max(qps for _, qps in points))
    if len(up) < 2:
        up = [up[0], up[0] * 10]
    x = Scale(across[0], across[-1], left, width - right)
    y = Scale(up[0], up[-1], height - bottom, top, logarithmic=True)
    for tick in across:
        place = x(tick)
        parts.append(
            f'<line x1="{place:.1f}" y1="{top}" x2="{place:.1f}" y2="{height - bottom}"'
            ' stroke="#e4e4e4"/>'
            f'<text x="{place:.1f}" y="{height - bottom + 20}" text-anchor="middle">{tick:.2f}</text>'
        )
    for tick in up:
        place = y(tick)
        parts.append(
            f'<line x1="{left}" y1="{place:.1f}" x2="{width - right}" y2="{place:.1f}"'
            ' stroke="#e4e4e4"/>'
            f'<text x="{left - 8}" y="{place + 4:.1f}" text-anchor="end">{short(tick)}</text>'
        )
    parts.append(
        f'<path d="M{left} {top}V{height - bottom}H{width - right}" fill="none" stroke="#333333"/>'
        f'<text x="{(left + width - right) / 2:.1f}" y="{height - 18}" text-anchor="middle">'
        "recall@10 (further right is better)</text>"
        f'<text transform="translate(22 {(top + height - bottom) / 2:.1f}) rotate(-90)"'
        ' text-anchor="middle">queries a second, logarithmic (higher is better)</text>'
    )
    names = list(kept)
    ends = [y(kept[name][-1][1]) for name in names]
    labels = spread(ends, 16, top + 4, height - bottom)
    for number, name in enumerate(names):
        colour = COLOURS[number % len(COLOURS)]
        dash = DASHES[(number // len(COLOURS)) % len(DASHES)]
        style = f' stroke-dasharray="{dash}"' if dash else ""
        places = [(x(recall), y(qps)) for recall, qps in kept[name]]
        drawn = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
        bold = "3" if name.startswith("roost") else "1.8"
        parts.append(
            f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="{bold}"{style}/>'
        )
        parts.extend(
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in places
        )
        # The legend stands where the lines end, each name joined to its line.
        last_x, last_y = places[-1]
        parts.append(
            f'<path d="M{last_x:.1f} {last_y:.1f}L{width - right + 14} {labels[number]:.1f}'
            f'h12" fill="none" stroke="{colour}" stroke-width="0.8"/>'
            f'<rect x="{width - right + 28}" y="{labels[number] - 5:.1f}" width="10" height="10"'
            f' fill="{colour}"/>'
            f'<text x="{width - right + 44}" y="{labels[number] + 4:.1f}" fill="{colour}">'
            f"{escape(name)}</text>"
        )
    parts.append("</svg>")
    return "\n".join(parts) + "\n"

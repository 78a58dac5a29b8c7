"""Figures as plain SVG: no library's version, font or date is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, LEFT, RIGHT, ROW = 760, 190, 110, 20
BINS = 20
LABEL = 28  # characters that fit to the left of a figure


@dataclass(frozen=True)
class Dot:
    """One rate of a dot-and-whisker figure; shares in [0, 1]; `quiet` draws it in grey."""

    label: str
    share: float
    low: float
    high: float
    note: str
    quiet: bool = False


def rates(title: str, groups: Sequence[tuple[str, Sequence[Dot]]]) -> Markup:
    """Return rates with their intervals, a row each, under the heading of their group."""
    parts: list[Markup] = []
    y = 30
    for heading, dots in groups:
        parts.append(_text(0, y, heading, "head"))
        y += ROW
        for dot in dots:
            parts.append(_dot_row(dot, y))
            y += ROW
        y += 8
    axis = [_tick(step / 4, 18, y - 20, f"{step * 25} %") for step in range(5)]
    return _svg(title, y, [*axis, *parts])


def histogram(title: str, values: Sequence[int], unit_us: int, unit: str) -> Markup:
    """Return a histogram of microseconds in `BINS` equal classes, labelled in `unit`."""
    low, high = min(values), max(values)
    width = max(1, -(-(high - low + 1) // BINS))
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, (value - low) // width)] += 1
    step, height, base = (WIDTH - 60) / BINS, 120, 150
    parts = []
    for index, count in enumerate(counts):
        tall = height * count / max(counts)
        x = 40 + index * step
        parts.append(_bar((x, base - tall, step - 2, tall), f"{count}"))
    for index in (0, BINS // 2, BINS):
        label = f"{(low + index * width) / unit_us:.2f} {unit}"
        parts.append(_text(40 + index * step, base + 16, label, "small middle"))
    parts.append(_text(36, base - height + 8, str(max(counts)), "small end"))
    return _svg(title, base + 26, parts)


def bars(title: str, counts: Sequence[tuple[str, int, bool]]) -> Markup:
    """Return horizontal bars of (label, count, whether drawn in grey), in the order given."""
    most = max((count for _, count, _ in counts), default=0) or 1
    parts = []
    for index, (label, count, quiet) in enumerate(counts):
        y = 10 + index * ROW
        wide = (WIDTH - LEFT - RIGHT) * count / most
        parts.append(_text(LEFT - 8, y + 11, _cut(label), "end"))
        parts.append(_bar((LEFT, y, wide, ROW - 6), f"{label}: {count}", quiet=quiet))
        parts.append(_text(LEFT + wide + 6, y + 11, f"{count:,}", "small"))
    return _svg(title, 16 + len(counts) * ROW, parts)


def stacked(
    title: str, rows: Sequence[tuple[str, Sequence[tuple[str, int]], int | None]]
) -> Markup:  # fmt: skip
    """Return bars of (label, parts as (name, size), limit or None), each part paler than the last.

    A limit is a line; one beyond twice the longest bar is not drawn.
    """
    most = max((sum(size for _, size in parts) for _, parts, _ in rows), default=0) or 1
    most = max([most, *(limit for _, _, limit in rows if limit and limit <= 2 * most)])
    drawn: list[Markup] = []
    for index, (label, parts, limit) in enumerate(rows):
        y, x = 10 + index * ROW, float(LEFT)
        drawn.append(_text(LEFT - 8, y + 11, _cut(label), "end"))
        for shade, (name, size) in enumerate(parts):
            wide = (WIDTH - LEFT - RIGHT) * size / most
            opacity = 1 - shade / (len(parts) + 1)
            drawn.append(_bar((x, y, wide, ROW - 6), f"{name}: {size:,}", opacity=opacity))
            x += wide
        if limit and limit <= most:
            drawn.append(_tick(limit / most, y - 2, y + ROW - 4, ""))
        drawn.append(_text(x + 6, y + 11, f"{sum(size for _, size in parts):,}", "small"))
    return _svg(title, 16 + len(rows) * ROW, drawn)


def _dot_row(dot: Dot, y: int) -> Markup:
    kind = "quiet" if dot.quiet else "mark"
    line = Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>')
    circle = Markup('<circle class="{}" cx="{}" cy="{}" r="4.5"><title>{}</title></circle>')
    return Markup("").join(
        (
            _text(LEFT - 12, y, _cut(dot.label), "end"),
            line.format(kind, _x(dot.low), y - 4, _x(dot.high), y - 4),
            circle.format(kind, _x(dot.share), y - 4, f"{dot.label}: {dot.note}"),
            _text(WIDTH - RIGHT + 16, y, dot.note, "small"),
        )
    )


def _cut(label: str) -> str:
    return label if len(label) <= LABEL else label[: LABEL - 1] + "…"


def _x(share: float) -> str:
    return f"{LEFT + share * (WIDTH - LEFT - RIGHT):.1f}"


def _tick(share: float, top: int, bottom: int, label: str) -> Markup:
    line = Markup('<line class="grid" x1="{0}" y1="{1}" x2="{0}" y2="{2}"/>')
    x = float(_x(share))
    return line.format(f"{x:.1f}", top, bottom) + _text(x, 12, label, "small middle")


def _bar(
    box: tuple[float, float, float, float], note: str, *, quiet: bool = False, opacity: float = 1
) -> Markup:  # fmt: skip
    form = Markup(
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}"{}><title>{}</title></rect>'
    )
    pale = Markup("") if opacity == 1 else Markup(' fill-opacity="{}"').format(f"{opacity:.2f}")
    kind = "bar quiet" if quiet else "bar"
    return form.format(kind, *(f"{value:.1f}" for value in box), pale, note)


def _text(x: float, y: float, text: str, kind: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(kind, x, y, text)


def _svg(title: str, height: int, parts: Sequence[Markup]) -> Markup:
    head = Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}">').format(
        escape(title), WIDTH, height
    )
    return head + Markup("").join(parts) + Markup("</svg>")

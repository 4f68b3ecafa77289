"""How far a campaign has come in the course of time, as a picture in SVG: a line for each way.

Owns the look of that picture.  Knows nothing of how the figures came about.
"""

from __future__ import annotations

from math import log10

WIDTH, HEIGHT = 880, 400
LEFT, RIGHT, TOP, BOTTOM = 56, 300, 24, 44
COLOURS = ("#0b6e4f", "#3fa34d", "#c77d0a", "#b3261e", "#5b4b8a")
STEPS = 200
DAY, YEAR = 24.0, 365.0
MARKS = ((1, "1 day"), (7, "7"), (30, "30 days"), (YEAR, "a year"), (10 * YEAR, "10 years"), (100 * YEAR, "100 years"))


def curve(by_hour, work):
    """Return days and shares of the work that was done by then, in few enough points to draw."""
    points, done, drawn = [], 0.0, -1.0
    for hour, node_hours in sorted(by_hour.items()):
        done += node_hours
        if done - drawn * work >= work / STEPS or done >= work * (1 - 1e-9):
            drawn = done / work
            points.append(((hour + 1) / DAY, drawn))
    return points


def render_picture(lines, work):
    """Return an SVG document; `lines` are, of each way, its two lines of words and its work by the hour."""
    curves = [curve(by_hour, work) for _, _, by_hour in lines]
    first = min(points[0][0] for points in curves) / 1.5
    last = max(points[-1][0] for points in curves) * 1.2

    def across(days):
        return LEFT + (WIDTH - LEFT - RIGHT) * (log10(days) - log10(first)) / (log10(last) - log10(first))

    def up(share):
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)

    body = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        body.append(f'<path class="grid" d="M{LEFT},{up(share):.1f} H{WIDTH - RIGHT}"/>')
        body.append(f'<text class="right" x="{LEFT - 6}" y="{up(share) + 4:.1f}">{share:.0%}</text>')
    for days, words in MARKS:
        if first <= days <= last:
            look = "year" if days == YEAR else "grid"
            body.append(f'<path class="{look}" d="M{across(days):.1f},{TOP} V{HEIGHT - BOTTOM}"/>')
            body.append(f'<text class="middle" x="{across(days):.1f}" y="{HEIGHT - BOTTOM + 16}">{words}</text>')
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    body.append(
        f'<text class="middle" x="{middle:.0f}" y="{HEIGHT - 8}">time since the first submission (logarithmic)</text>'
    )
    for number, ((name, words, _), points) in enumerate(zip(lines, curves, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        before, path = 0.0, []
        for days, share in points:
            path.append(f"{'L' if path else 'M'}{across(days):.1f},{up(before):.1f}L{across(days):.1f},{up(share):.1f}")
            before = share
        body.append(f'<path class="line" stroke="{colour}" d="{"".join(path)}"/>')
        at = TOP + 20 + 58 * number
        body.append(f'<path class="line" stroke="{colour}" d="M{WIDTH - RIGHT + 18},{at} h22"/>')
        body.append(f'<text x="{WIDTH - RIGHT + 48}" y="{at + 4}">{name}</text>')
        body.append(f'<text class="note" x="{WIDTH - RIGHT + 48}" y="{at + 20}">{words}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">\n'
        "<style>text{font-family:'DejaVu Sans',Arial,sans-serif;font-size:12px;fill:#1c1c1c}"
        "text.note{font-size:11px;fill:#474f57}text.right{text-anchor:end}text.middle{text-anchor:middle}"
        "path{fill:none}path.grid{stroke:#d5dade}path.year{stroke:#1c1c1c;stroke-dasharray:4 3}"
        "path.line{stroke-width:2.2px}</style>\n"
        '<rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )

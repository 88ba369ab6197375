"""A plot of what `peers` found for hello world: bars for requests per second and for processor time per request."""

from xml.sax.saxutils import escape

COLOURS = {"ours": "#c2410c", "layer": "#1d4ed8", "app": "#a3a3a3", "peer": "#1d4ed8"}
LABEL, BAR, WIDTH, ROW, HEAD = 190, 220, 960, 18, 26


def text(x, y, content, style=""):
    return f'<text x="{x:.0f}" y="{y:.0f}" {style}>{escape(content)}</text>'


def bar(x, y, width, colour):
    return f'<rect x="{x:.1f}" y="{y:.0f}" width="{max(width, 0.5):.1f}" height="{ROW - 5}" fill="{colour}"/>'


def rates(y, rows, x):
    """Requests per second: one bar each."""
    longest = max(rate for _, rate, _, _ in rows)
    parts = []
    for number, (title, rate, _, _) in enumerate(rows):
        top = y + number * ROW
        width = BAR * rate / longest
        parts += [
            bar(x, top, width, COLOURS["ours" if title == "ours" else "peer"]), text(x + width + 5, top + 11, f"{rate:,.0f}"),
        ]
    return parts


def costs(y, rows, x):
    """Microseconds of processor time per request: what is in front of the application, then the application."""
    longest = max(layer + app for _, _, layer, app in rows)
    parts = []
    for number, (title, _, layer, app) in enumerate(rows):
        top = y + number * ROW
        first, second = BAR * layer / longest, BAR * app / longest
        parts += [
            bar(x, top, first, COLOURS["ours" if title == "ours" else "layer"]), bar(x + first, top, second, COLOURS["app"]),
            text(x + first + second + 5, top + 11, f"{layer:.0f} + {app:.0f} µs"),
        ]
    return parts


def groups(stacks):
    """For each number of connections that was measured: title, rate, layer and application of every stack."""
    cases = dict.fromkeys(
        name.split(":")[0] for figures in stacks.values() for name in figures if name.startswith("hello ")
    )
    return {
        case: [
            (title, figures[f"{case}: requests/s"], figures[f"{case}: layer, µs"], figures[f"{case}: app, µs"])
            for title, figures in stacks.items() if f"{case}: requests/s" in figures
        ]
        for case in cases
    }


def plot(sections):
    """The picture; `sections` maps headings to figures by stack and name."""
    y, parts = 24, []
    for heading, stacks in sections.items():
        for case, rows in groups(stacks).items():
            parts += [
                text(8, y, f"{heading}, {case.split()[1]} connections", 'font-weight="bold"'),
                text(LABEL + 310, y, "processor time per request: layer + app"), text(LABEL, y, "requests/s", 'dx="110"'),
            ]
            y += 8
            parts += [text(8, y + number * ROW + 11, title) for number, (title, _, _, _) in enumerate(rows)]
            parts += rates(y, rows, LABEL) + costs(y, rows, LABEL + 310)
            y += len(rows) * ROW + HEAD
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>", "",
    ])

"""Line plots as SVG, without a library."""

import math

COLOURS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377"]
WIDTH, HEIGHT, LEFT, TOP, LEGEND = 420, 260, 64, 34, 150


def ticks(low, high):
    """Powers of ten, with 2 and 5 between them where they are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if len(powers) <= 3 else (1,)
    values = [step * 10.0**power for power in powers for step in steps]
    return [value for value in values if low * 0.999 <= value <= high * 1.001]


def label(value):
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def lines(path, title, x_name, y_name, series):
    """Both axes logarithmic. `series`: {name: [(x, y), ...]}, all positive."""
    points = [point for line in series.values() for point in line]
    x_low, x_high = min(x for x, _ in points), max(x for x, _ in points)
    y_low, y_high = min(y for _, y in points) / 1.3, max(y for _, y in points) * 1.3

    def place(value, low, high, size):
        return size * math.log(value / low) / math.log(high / low) if high > low else size / 2

    def x_of(value):
        return LEFT + place(value, x_low, x_high, WIDTH)

    def y_of(value):
        return TOP + HEIGHT - place(value, y_low, y_high, HEIGHT)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + LEGEND}" '
           f'height="{TOP + HEIGHT + 50}" font-family="sans-serif" font-size="11">',
           '<rect width="100%" height="100%" fill="white"/>',
           f'<text x="{LEFT}" y="18" font-size="13">{title}</text>',
           f'<text x="{LEFT + WIDTH / 2}" y="{TOP + HEIGHT + 38}" text-anchor="middle">{x_name}</text>',
           f'<text transform="translate(14,{TOP + HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
           f"{y_name}</text>"]
    for value in ticks(y_low, y_high):
        y = y_of(value)
        out.append(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 4}" y="{y + 4:.1f}" text-anchor="end">{label(value)}</text>')
    for value in sorted({x for x, _ in points}):
        out.append(f'<text x="{x_of(value):.1f}" y="{TOP + HEIGHT + 18}" text-anchor="middle">'
                   f"{label(value)}</text>")
    for k, (name, line) in enumerate(series.items()):
        colour = COLOURS[k % len(COLOURS)]
        path_of = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in line)
        out.append(f'<polyline points="{path_of}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3" fill="{colour}"/>' for x, y in line]
        y = TOP + 12 + 18 * k
        out.append(f'<rect x="{LEFT + WIDTH + 12}" y="{y - 9}" width="12" height="12" fill="{colour}"/>'
                   f'<text x="{LEFT + WIDTH + 30}" y="{y + 1}">{name}</text>')
    out.append("</svg>\n")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out))

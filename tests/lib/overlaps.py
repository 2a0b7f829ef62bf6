"""Texts of a scene (trender --dump-scene) that touch each other or leave the page.

overlaps.py RENDER_TEXT_C SCENE...: prints them, exits with 1 when there are any. Widths come from
the table of render/text.c.
"""
import re
import sys

TEXT = re.compile(r'text \S+ (-?[\d.]+),(-?[\d.]+) (start|middle|end) (\d+)px "(.*)"$')
ITEM = re.compile(r'item \S+ (-?[\d.]+),(-?[\d.]+) ([\d.]+)x([\d.]+).*? label="(.*?)"(?: title=|$)')
LEAST_PX = 2  # what two texts may have of each other: the width of rounding


def read_widths(path):
    numbers = [int(n) for n in re.findall(r"^\t\t(\d+),$", open(path).read(), re.M)]
    return numbers[:95], numbers[95:190]


def width(text, size, widths):
    table = widths[1] if size in (14, 18) else widths[0]
    units = 0
    for c in text:
        code = ord(c)
        units += table[code - 32] if 32 <= code < 127 else {0x2026: 2048, 0xb7: 651, 0x2009: 409}.get(code, 1330)
    return units * size / 2048


def boxes(lines, widths):
    for line in lines:
        match = TEXT.match(line)
        if match:
            x, y, size = float(match[1]), float(match[2]), int(match[4])
            w = width(match[5], size, widths)
            left = x - {"start": 0, "middle": w / 2, "end": w}[match[3]]
            yield left, y - 0.72 * size, left + w, y, match[5]
        match = ITEM.match(line)
        if match:
            x, y, h = float(match[1]), float(match[2]), float(match[4])
            middle = y + h / 2
            yield x + 4, middle - 4, x + 4 + width(match[5], 11, widths), middle + 4, match[5]


def check(path, widths):
    lines = open(path, encoding="utf-8", errors="replace").read().split("\n")
    page_px = float(re.match(r"scene (\d+)x(\d+)", lines[0])[1])
    height_px = float(re.match(r"scene (\d+)x(\d+)", lines[0])[2])
    found = sorted(boxes(lines, widths))
    bad = 0
    for i, (x0, y0, x1, y1, text) in enumerate(found):
        if x0 < 0 or x1 > page_px + 1 or y0 < 0 or y1 > height_px:
            print(f"{path}: '{text}' leaves the page: {x0:.0f}..{x1:.0f} of {page_px:.0f}, {y0:.0f}..{y1:.0f}")
            bad += 1
        for other in found[i + 1:]:
            if other[0] >= x1:
                break
            if min(x1, other[2]) - other[0] > LEAST_PX and min(y1, other[3]) - max(y0, other[1]) > LEAST_PX:
                print(f"{path}: '{text}' and '{other[4]}' overlap at {other[0]:.0f},{max(y0, other[1]):.0f}")
                bad += 1
    return bad


tables = read_widths(sys.argv[1])
sys.exit(1 if sum([check(path, tables) for path in sys.argv[2:]]) else 0)

"""Tables in pages of docs/, between marks: `<!-- begin NAME -->` and `<!-- end -->`."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PERFORMANCE = ROOT / "docs/PERFORMANCE.md"
CUDA = ROOT / "docs/CUDA.md"
FIGURES = ROOT / "docs/figures"


def table(columns, rows, numbers=True):
    """`numbers`: all columns but the first, which then end at the right."""
    lines = [columns, ["---"] + ["---:" if numbers else "---"] * (len(columns) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def place_of(page, name):
    """What the page says, in three: up to the mark, between the marks, from the end on."""
    found = re.fullmatch(rf"(.*<!-- begin {name} -->\n)(.*?)(<!-- end -->.*)", page.read_text(), re.S)
    if not found:
        sys.exit(f"{page} has no place for {name}")
    return found.groups()


def get(page, name):
    return place_of(page, name)[1]


def put(page, name, text):
    """Replaces what stands between the marks, and prints it."""
    before, _, after = place_of(page, name)
    page.write_text(f"{before}{text}\n{after}")
    print(f"{name}\n{text}\n", flush=True)

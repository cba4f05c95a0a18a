"""Tables in pages of docs/, between marks: `<!-- begin NAME -->` and `<!-- end -->`."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PERFORMANCE = ROOT / "docs/PERFORMANCE.md"
FIGURES = ROOT / "docs/figures"


def table(columns, rows):
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def put(page, name, text):
    """Replaces what stands between the marks, and prints it."""
    written = page.read_text()
    mark = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end -->)", re.S)
    if not mark.search(written):
        sys.exit(f"{page} has no place for {name}")
    page.write_text(mark.sub(lambda found: found[1] + text + "\n" + found[2], written))
    print(f"{name}\n{text}\n", flush=True)

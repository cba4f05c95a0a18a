"""Tables of docs/CUDA.md, each between `<!-- begin NAME -->` and `<!-- end -->`."""

import pathlib
import re
import sys

PATH = pathlib.Path(__file__).resolve().parent.parent.parent / "docs/CUDA.md"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def place_of(name, document):
    found = re.search(r"(?<=<!-- begin %s -->\n).*?(?=<!-- end -->)" % name, document, re.S)
    if not found:
        sys.exit("docs/CUDA.md has no place for " + name)
    return found


def get(name):
    return place_of(name, PATH.read_text())[0]


def put(name, text):
    """Writes a part at once: a part that fails later leaves those before it."""
    document = PATH.read_text()
    place = place_of(name, document)
    PATH.write_text(document[:place.start()] + text + "\n" + document[place.end():])

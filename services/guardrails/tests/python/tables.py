#!/usr/bin/env python3
"""Makes what Python's `re` knows of characters: classes, cases, and those names that a pattern may use.

    python3 services/guardrails/tests/python/tables.py services/guardrails/src/rails/regex/unicode

`_sre` is CPython's own (Modules/_sre/sre.c), `_casefix` its list of lower-case letters with one upper case.
"""

import _sre
import sys
import textwrap
import unicodedata
from re import _casefix

LAST = 0x10FFFF
# Blocks whose names patterns use: Latin to Cyrillic, and the punctuation, currencies and signs of a text.
NAMED = [(0x20, 0x24F), (0x2B0, 0x52F), (0x2000, 0x206F), (0x20A0, 0x20BF), (0x2100, 0x214F), (0x3000, 0x301F)]
NAMED += [(0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFFD, 0xFFFD)]


def ranges(contains):
    """The runs of characters that `contains` says yes to."""
    out, start = [], None
    for code in range(LAST + 2):
        inside = code <= LAST and contains(code)
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            out.append(f"{start:x}-{code - 1:x}" if code - 1 > start else f"{start:x}")
            start = None
    return out


def mapped(mapping, codes):
    """Runs of characters that one number leads to what `mapping` makes of them: `41-5a+20`."""
    out, run = [], None
    for code in codes:
        step = mapping(code) - code
        if step and run and run[1] == code - 1 and run[2] == step:
            run[1] = code
            continue
        if run:
            out.append(run)
        run = [code, code, step] if step else None
    if run:
        out.append(run)
    sign = lambda step: f"+{step:x}" if step > 0 else f"-{-step:x}"
    return [(f"{a:x}~{b:x}" if b > a else f"{a:x}") + sign(step) for a, b, step in out]


def named():
    for first, last in NAMED:
        for code in range(first, last + 1):
            if name := unicodedata.name(chr(code), ""):
                yield f"{code:x} {name}"


def write(path, rows):
    with open(path, "w", encoding="ascii") as file:
        for row in rows:
            file.write("\n ".join(textwrap.wrap(row, 118, break_on_hyphens=False, break_long_words=False)) + "\n")


def main():
    folder = sys.argv[1]
    every = range(LAST + 1)
    is_word = lambda code: chr(code).isalnum() or code == 0x5F
    fixes = [",".join(f"{code:x}" for code in (lower, *others)) for lower, others in _casefix._EXTRA_CASES.items()]
    write(
        f"{folder}/classes.txt",
        [
            "word " + " ".join(ranges(is_word)),
            "digit " + " ".join(ranges(lambda code: chr(code).isdecimal())),
            "space " + " ".join(ranges(lambda code: chr(code).isspace())),
            "cased " + " ".join(ranges(_sre.unicode_iscased)),
            "lower " + " ".join(mapped(_sre.unicode_tolower, every)),
            "fixes " + " ".join(fixes),
        ],
    )
    with open(f"{folder}/names.txt", "w", encoding="ascii") as file:
        file.writelines(f"{row}\n" for row in named())


if __name__ == "__main__":
    main()

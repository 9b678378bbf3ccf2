#!/usr/bin/env python3
"""Makes the table of characters that look like ASCII ones, from Unicode's confusables.txt (UTS 39, 17.0).

    python3 services/guardrails/tests/python/lookalikes.py confusables.txt > services/guardrails/src/text/lookalikes.txt
"""

import re
import sys
import unicodedata

# What UTS 39 likens to a small capital, an open or a struck letter, and a hurried reader to the plain one.
ALSO = {
    "a": "α", "b": "вβ", "d": "ԁ", "e": "εэҽɛᴇ", "f": "ғƒ", "h": "нһ", "i": "іıӏι", "k": "кκ", "m": "м",
    "o": "оοσø", "p": "рρ", "r": "гʀᴦɹ", "t": "тτ", "u": "υ", "v": "νѵ", "w": "ωԝѡ", "x": "хχ", "y": "уүγ",
    "E": "ЭΣ", "N": "И", "R": "Я",
    ":": "\u02d0\ufe13", "-": "\u2014\u2015", "'": "\u2018\u2019\u201b", '"': "\u201c\u201d\u201e\u201f\u00ab\u00bb",
    "%": "\u066a", "/": "\u2044\u2215",
}
# UTS 39 takes one of several that look alike as the prototype; these are what their words are spelled with.
PROTOTYPES = {"''": '"', "rn": "m"}
# Letters that UTS 39 likens to nothing but in part: of phonetics, in a box or a disc, and the halves of flags.
NAMED = re.compile(
    r"LATIN LETTER (SMALL CAPITAL) ([A-Z])"
    r"|(?:CROSSED )?NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER ([A-Z])"
    r"|REGIONAL INDICATOR SYMBOL LETTER ([A-Z])"
)


def named():
    """The characters whose names say which ASCII letter they are."""
    for source in map(chr, range(0x80, 0x20000)):
        if match := NAMED.fullmatch(unicodedata.name(source, "")):
            small, *letters = match.groups()
            letter = next(filter(None, letters))
            yield source, letter.lower() if small else letter


def target(source, prototype):
    """The ASCII character that `source` looks like, or None."""
    text = unicodedata.normalize("NFD", prototype)
    text = "".join(c for c in text if not unicodedata.combining(c))
    if text != prototype and unicodedata.name(source, "").startswith("LATIN "):
        return None  # A Latin letter with a mark is a letter of its own: the fold is for what deceives.
    text = PROTOTYPES.get(text, text)
    if len(text) != 1 or not text.isascii() or text.isspace():
        return None
    if text.isalnum() and unicodedata.category(source)[0] not in "LN":
        return None  # A sign spells no word: `×` is no x, and `₡` no C.
    if unicodedata.category(source) == "Nd":
        return str(unicodedata.digit(source))
    if text == "l" and unicodedata.category(source) == "Lu":
        return "I"
    return text


def main():
    found = {}
    for line in open(sys.argv[1], encoding="utf-8-sig"):
        fields = line.split("#")[0].split(";")
        if len(fields) < 3:
            continue
        source = chr(int(fields[0].strip(), 16))
        prototype = "".join(chr(int(code, 16)) for code in fields[1].split())
        # What NFKC changes never comes to the table.
        if source.isascii() or unicodedata.normalize("NFKC", source) != source or unicodedata.combining(source):
            continue
        if plain := target(source, prototype):
            found[source] = plain
    for plain, sources in ALSO.items():
        found.update(dict.fromkeys(sources, plain))
    found.update(named())
    groups = {}
    for source, plain in sorted(found.items()):
        groups.setdefault(plain, []).append(f"{ord(source):x}")
    for plain, sources in sorted(groups.items()):
        print(plain, *sources)


if __name__ == "__main__":
    main()

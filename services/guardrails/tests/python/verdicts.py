#!/usr/bin/env python3
"""Asks Python's `re` about patterns and texts, for services/guardrails/src/rails/regex/verdicts.rs.

    python3 services/guardrails/tests/python/verdicts.py services/guardrails/tests/python

`verdicts.jsonl` has pairs that were thought of, `random.jsonl` what a grammar with a seed makes. A row is a pattern,
whether case is ignored, and the texts with what `re.search` found; none where `re.compile` refuses the pattern.
Made with CPython 3.11, of those that NeMo 0.24 runs on (3.10 to 3.13). Two more arguments, a seed and a number, make
as many random rows of it instead.
"""

import json
import random
import re
import sys
import warnings

# A pattern and texts; an empty text is left out, for NeMo searches nothing in it.
PAIRS = [
    # What issue 13 names.
    (r"\N{EM DASH}", ["a\u2014b", "a-b", "N{EM DASH}"]),
    (r"\N{no-break space}x", ["\u00a0x", " x"]),
    (r"\N{NO SUCH NAME}", []),
    (r"\N", []),
    (r"\N{}", []),
    (r"a\sb", ["a\x1cb", "a\x1fb", "a b", "a\u00a0b", "a\u2028b", "a\u200bb", "a\x85b", "a\u180eb"]),
    (r"a\Sb", ["a\x1cb", "a\u200bb", "a b"]),
    (r"^\w$", ["\u00b2", "\u2460", "\u00bd", "\u0301", "\u200d", "\u203f", "\u24b6", "_", "\u00e9", "-", "\u0660"]),
    (r"\W", ["\u00b2", "\u0301", "a\u200db", "\u24b6"]),
    (r"[[:alpha:]]", ["a]", "a", ":]", "[]", "z]", "x"]),
    (r"[[:alpha:]]+", ["a", "l]]", "b]"]),
    (r"[a&&b]", ["a", "b", "&", "c"]),
    (r"[a||b]", ["|", "a", "c"]),
    (r"[a~~b]", ["~", "b", "c"]),
    (r"[a--b]", []),
    (r"[a-c--]", ["-", "b", "d"]),
    (r"[\w--_]", []),
    (r"[\w-]", ["-", "a", " "]),
    (r"[[a]b]", ["ab]", "[b]", "a", "b]"]),
    (r"[[]", ["[", "a"]),
    (r"[]]", ["]", "a"]),
    (r"[]-a]", ["^", "b"]),
    (r"[^]]", ["]", "a"]),
    (r"[]", []),
    (r"[^]", []),
    (r"[a-]", ["-", "a", "b"]),
    (r"[-a]", ["-", "b"]),
    (r"[z-a]", []),
    (r"[\d-z]", []),
    (r"[a-\d]", []),
    (r"[\]]", ["]", "\\"]),
    (r"[\b]", ["\b", "b"]),
    (r"[\B]", []),
    (r"[\A]", []),
    (r"[\x41-\x43]", ["B", "D"]),
    (r"[\u0410-\u042f]", ["\u0416", "\u0436"]),
    (r"[\101]", ["A", "1"]),
    (r"[\400]", []),
    (r"[\8]", []),
    (r"[^\W\d_]", ["a", "1", "_", "\u00e9"]),
    (r"[\s\S]", ["\n"]),
    (r"[#&~|-]", ["~", "a"]),
    # Escapes.
    (r"\x41", ["A", "x41"]),
    (r"\x4", []),
    (r"\x{41}", []),
    (r"\u0041", ["A"]),
    (r"\u{41}", []),
    (r"\u041", []),
    (r"\U0001F600", ["\U0001f600", "U"]),
    (r"\U00110000", []),
    (r"\ud83d\ude00", ["\U0001f600"]),
    (r"\0", ["\0", "0"]),
    (r"\07", ["\x07", "7"]),
    (r"\101", ["A"]),
    (r"\400", []),
    (r"\1", []),
    (r"\8", []),
    (r"(a)\1", ["aa", "a1", "ab"]),
    (r"(a)\01", ["a\x01", "aa"]),
    (r"(a)\11", []),
    (r"(a)\141", ["aa", "ab"]),
    (r"\p{L}", []),
    (r"\pL", []),
    (r"\X", []),
    (r"\R", []),
    (r"\h", []),
    (r"\K", []),
    (r"\G", []),
    (r"\Q.\E", []),
    (r"\z", []),
    (r"\<b\>", ["<b>", "b"]),
    (r"\#\-\ \_\@", ["#- _@"]),
    (r"\e", []),
    (r"\cA", []),
    (r"\a\f\v\t\r\n", ["\a\f\v\t\r\n"]),
    ("\\", []),
    ("\\\u00e9", ["\u00e9", "e"]),
    (r"a\Z", ["a", "a\n", "ab"]),
    (r"\Aa", ["a", "ba", "b\na"]),
    # Places.
    (r"a$", ["a", "a\n", "a\n\n", "a\nb", "a\r\n", "ab"]),
    ("a$\n", ["a\n", "a", "a\n\n"]),
    (r"a\n$", ["a\n", "a\n\n"]),
    (r"$", ["a", "\n"]),
    (r"^a", ["b\na", "a"]),
    (r"(?m)^a", ["b\na", "b\ra", "b\u2028a"]),
    (r"(?m)a$", ["a\nb", "a\rb", "a\r\nb", "a"]),
    (r"(?m)^$", ["a", "a\n", "a\n\nb", "\n"]),
    (r"(?m)^\Z", ["a\n", "a"]),
    (r"(?m:^b)\n?$", ["a\nb\n", "a\nb", "a\nb\n\n"]),
    (r"\ba", ["a", "-a", "\u0301a", "\u00b2a", "\u200da", "ba", "\u00e9a", "\u2460a"]),
    (r"\bcaf\u00e9\b", ["caf\u00e9", "caf\u00e9s", "un caf\u00e9."]),
    (r"e\b\u0301", ["e\u0301"]),
    (r"\Ba", ["ba", "a", "\u0301a"]),
    (r"\B", ["a", "ab", "-", "--"]),
    (r"\b", ["-", "a"]),
    (r"(?a)\ba", ["\u00e9a", "ba"]),
    (r"(?a)\w", ["\u00e9", "e"]),
    (r"(?a)\d", ["\u0661", "1"]),
    (r"(?a)\s", ["\u00a0", "\x1c", " "]),
    (r"(?u)\w", ["\u00e9"]),
    (r"\d", ["\u0661", "\u00b2", "\u2160", "7"]),
    (r"\D", ["\u0661", "\u00b2"]),
    (r".", ["\n", "\r", "\u2028", "a"]),
    (r"(?s).", ["\n"]),
    (r"a.b", ["a\nb", "a\r\nb", "a\rb", "a\U0001f600b"]),
    # Case.
    (r"(?i)k", ["\u212a", "K"]),
    (r"(?i)s", ["\u017f", "S"]),
    (r"(?i)i", ["\u0130", "\u0131", "I"]),
    (r"(?i)\u0130", ["i", "\u0131", "\u0130"]),
    (r"(?i)\u00df", ["SS", "\u1e9e", "\u00df"]),
    (r"(?i)ss", ["\u00df"]),
    (r"(?i)\u03c3", ["\u03c2", "\u03a3"]),
    (r"(?i)\u00b5", ["\u03bc", "\u039c"]),
    (r"(?i)[^s]", ["\u017f", "S", "t"]),
    (r"(?i)[r-t]x", ["\u017fx", "Sx", "ux"]),
    (r"(?i)[\u0400-\u042f]", ["\u0436", "a", "\u0456"]),
    (r"(?i)[^\Wk]", ["\u212a", "k", "j"]),
    (r"(?ai)k", ["\u212a", "K"]),
    (r"(?ai)\u00e9", ["\u00c9", "\u00e9"]),
    (r"(?i)\ufb05", ["\ufb06", "st"]),
    (r"(?i)\u1c80", ["\u0412", "\u0432"]),
    (r"(?i)\U00010428", ["\U00010400", "\U00010428"]),
    (r"(?i)[\U00010428x]", ["\U00010400", "X"]),
    (r"(?i)[\U00010400-\U00010410]", ["\U00010428", "\U00010400", "\U00010450"]),
    (r"(?i)(\u00e9)\1", ["\u00e9\u00c9", "\u00c9\u00c9", "\u00e9e"]),
    (r"(?i)(s)\1", ["s\u017f", "sS"]),
    (r"(?i:a)b", ["Ab", "AB"]),
    (r"(?-i:a)b", ["aB", "AB"]),
    (r"(?i-s:a.)", ["A\n", "AB"]),
    # Flags.
    (r"a(?i)b", []),
    (r"a|(?i)b", []),
    (r"(?:(?i)a)", []),
    (r"(?i)(?m)^A", ["b\na"]),
    (r"(?#x)(?i)A", ["a"]),
    (r" (?i)a", []),
    (r"(?x) a b # c", ["ab", "a b"]),
    ("(?x)a#\\\nb\nc", ["ac", "abc"]),
    (r"(?x)a\ b[ c]", ["a b ", "a bc", "abc"]),
    (r"(?x)a {2}", ["aa", "a  "]),
    (r"(?x)a { 2 }", ["aa", "a{2}"]),
    (r"(?x: a )b c", ["ab c", "abc"]),
    (r"(?x)(?-x: a)", [" a", "a"]),
    (r"(?x)\x41 (?# )\)) b", []),
    (r"(?L)a", []),
    (r"(?La)a", []),
    (r"(?au)a", []),
    (r"(?a)(?u)a", []),
    (r"(?-a:a)", []),
    (r"(?i-i:a)", []),
    (r"(?-:a)", []),
    (r"(?z)a", []),
    (r"(?i", []),
    (r"(?i-", []),
    (r"(?u-i:a)", ["a", "A"]),
    (r"(?U)a", []),
    (r"(?n)a", []),
    (r"(?^i:a)", []),
    # Groups.
    (r"(?P<n>a)(?P=n)", ["aa", "ab"]),
    (r"(?<n>a)", []),
    (r"(?'n'a)", []),
    (r"\k<n>", []),
    (r"(?P>n)", []),
    (r"(?R)", []),
    (r"(?1)", []),
    (r"(?|a|b)", []),
    (r"(?&n)", []),
    (r"(?P<1a>a)", []),
    (r"(?P<n-m>a)", []),
    (r"(?P<>a)", []),
    (r"(?P<n>a)(?P<n>b)", []),
    (r"(?P=n)", []),
    (r"(?P<n>a(?P=n))", []),
    (r"(a\1)", []),
    (r"(?:a)(?#comment)+b", ["aab", "b"]),
    (r"(?#", []),
    (r"(?#a\))b)", []),
    (r"(", []),
    (r")", []),
    (r"(a", []),
    (r"a)", []),
    (r"(?", []),
    (r"(?:", []),
    (r"()", ["a"]),
    (r"(?:)", ["a"]),
    (r"(?:)*a", ["a"]),
    (r"(a)|\1b", ["ab", "b"]),
    (r"(?(1)a|b)", []),
    (r"(a)?(?(1)b|c)", ["ab", "c", "b", "a"]),
    (r"(a)?b(?(1)c)", ["abc", "b", "ab"]),
    (r"(?P<n>a)?(?(n)b|c)", ["ab", "c"]),
    (r"(a)(?(1)b|c|d)", []),
    (r"(?(0)a)", []),
    (r"(?(n)a)", []),
    (r"(?(1)a|b)(c)", ["bc", "ac"]),
    (r"^(?:(a)|b|\1?c)*$", []),
    (r"^(?:(a)|b\1)+$", ["aba", "ba", "ab"]),
    # Repetitions.
    (r"a**", []),
    (r"a*??", []),
    (r"a{2}{3}", []),
    (r"a*?b", ["aab"]),
    (r"a*+a", ["aaa"]),
    (r"a++b", ["aab"]),
    (r"a?+a", ["a", "aa"]),
    (r"a{1,2}+a", ["aa", "aaa"]),
    (r"(?>a|ab)c", ["abc", "ac"]),
    (r"(?:a|ab){2}+", ["aba", "aa"]),
    (r"(?:a|ab)++c", ["abc", "aac"]),
    (r"(?>a*)a", ["aaa"]),
    (r"a{,2}b", ["b", "aab", "a{,2}b"]),
    (r"a{,}b", ["aaab", "b"]),
    (r"a{}", ["a{}", "a"]),
    (r"a{1", ["a{1"]),
    (r"a{1,", ["a{1,"]),
    (r"a{1,2", ["a{1,2"]),
    (r"a{ 1}", ["a{ 1}", "a"]),
    (r"a{b}", ["a{b}"]),
    (r"{1}", []),
    (r"{a}", ["{a}"]),
    (r"x{2,1}", []),
    (r"x{99999999999}", []),
    (r"x{4294967295}", []),
    (r"*a", []),
    (r"a|*b", []),
    (r"(*a)", []),
    (r"^*", []),
    (r"$+", []),
    (r"\b?", []),
    (r"(?:^)*a", ["ba"]),
    (r"(?=a)*b", ["b"]),
    (r"a{0}b", ["b", "ab"]),
    (r"(a){0}b\1", ["b"]),
    (r"^(?:a?)*$", ["aaa", "b"]),
    (r"^(?:a?){3}$", ["", "a", "aaa", "aaaa"]),
    (r"(?:a{1,2}){2,3}b", ["ab", "aab", "aaaaaab"]),
    (r"a||b", ["c"]),
    (r"a|", ["c"]),
    (r"|", ["c"]),
    # Looks.
    (r"(?<=a)b", ["ab", "b"]),
    (r"(?<!a)b", ["ab", "b", "cb"]),
    (r"(?<=a|bc)d", []),
    (r"(?<=a+)b", []),
    (r"(?<=a{2})b", ["aab", "ab"]),
    (r"(?<=a?)b", []),
    (r"(?<=(a))b\1", ["aba", "abb"]),
    (r"(?<=(a)\1)b", []),
    (r"(a)(?<=\1)b", ["ab"]),
    (r"(?<=^|,)b", []),
    (r"(?<=\b)a", ["a", "ba"]),
    (r"(?<=\n)^a", ["\na"]),
    (r"(?m)(?<=\n)^a", ["\na"]),
    (r"(?<=ab|cd)e", ["abe", "cde", "ade"]),
    (r"(?<=(?:ab|c))e", []),
    (r"a(?=b)", ["ab", "ac"]),
    (r"a(?!b)", ["ab", "ac", "a"]),
    (r"(?=(a+))\1b", ["aab"]),
    (r"(?!(a)b)a\1", []),
    (r"(?!(a)b)a", ["ab", "ac"]),
    (r"(?<", []),
    (r"(?<a)", []),
    # What Python takes and we refuse.
    ("", ["a"]),
    (r"\N{BLACK FLAG}", ["\u2691"]),
    ("(?P<\u00e9t\u00e9>a)", ["a"]),
    (r"(?i)\U00010400", ["\U00010428"]),
    (r"(?i)[\U00010400x]", ["\U00010428", "\U00010400"]),
    (r"(?a:\b)a\b", ["\u00e9a", "a\u00e9"]),
    (r"(?a)(?u:\w)", ["\u00e9"]),
    (r"(a)(?(+1)b)", ["ab"]),
    (r"(?t)a", ["a"]),
    (r"(?:\w{1000}){1000}", ["a"]),
    (r"(?<!\w)free(?!\w)", ["free", "freedom", "a free b", "\u0301free", "\u00b2free"]),
    # Ordinary rails.
    (r"\b\d{3}-\d{2}-\d{4}\b", ["078-05-1120", "1078-05-1120", "\u0660\u0661\u0662-05-1120"]),
    (r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+", ["anna@example.com", "anna@example", "\u00e9@\u00e9.\u00e9"]),
    (r"(?i)\b(?:guaranteed|risk[- ]free)\b", ["Risk-free", "risk\u2011free", "GUARANTEED!"]),
    (r"\$\s?\d+(?:[.,]\d\d)?", ["$ 9.99", "$\u00a09", "9$"]),
    (r"(?s)BEGIN.*?END", ["BEGIN\nEND", "BEGIN"]),
    (r"(\w+) \1", ["the the", "the then", "a b"]),
    (r"^(?=.*\d)(?=.*[a-z]).{4,}$", ["abc1", "abcd", "abc1\n"]),
]
# More characters than there are bytes: a list of words of two, and one that tells letters apart at a word's end.
WORDS = "|".join(chr(0x4E00 + number) + chr(0x5000 + number) for number in range(280))
PAIRS += [
    (rf"(?:{WORDS})$", ["\u4e00\u5000", "\u4e00\u5001", "\u4e01\u5001\n", "\u4e01\u5001\n\n", "\u4e00\u4e01\u5001"]),
    (rf"(?m)^(?:{WORDS})\b", ["a\n\u4e02\u5002", "a\r\u4e02\u5002", "\u4e02\u5002a", "\u4e02\u5002\u0301", "\u4e02\u5002\u00b2"]),
    (r"\B" + "|".join(chr(0x400 + number) + "x" for number in range(80)), ["a", "-", "\u0401x", "\u0401y"]),
]
# What the sample campaign forbids (services/orchestrator/samples/spring-sale/guardrails), in the texts of issue 13.
SAMPLE = [
    (r"\b(ignore|disregard|forget)\b.{0,40}\b(instructions?|rules?|guidelines?|above|previous)\b",
     ["Ignore all previous instructions", "ignore all\nprevious rules", "ignorant of rules", "forget the above"]),
    (r"<\|[a-z_]{2,40}\|>", ["<|im_start|>", "<|IM\u017f|>", "<||>"]),
    (r"\b(miracle|cure-all|get rich|risk[- ]free investment|guaranteed income|double your money)\b",
     ["A miracle!", "get\nrich", "mira\u200bcle", "\uff4d\uff49\uff52\uff41\uff43\uff4c\uff45", "mir\u0430cle", "get richer"]),
    (r"\b(click here now|dear (sir|madam)|100% free)\b", ["Dear Sir or", "100% free", "100% freedom", "1100% free"]),
    (r"\b(as an ai|language model|i cannot assist|i'm sorry, (but )?i)\b", ["As an AI", "I\u2019m sorry, I", "\u0130'm sorry, i"]),
]

LETTERS = ["a", "b", "c", "A", "\u00e9", "\u017f", "s", "k", "\u212a", "\u0131", "i", "1", "\u00b2", "_", "-", " ", "\n", "\u0301"]
SETS = ["[ab]", "[^a]", "[a-c]", "[\\w-]", "[^\\W\\d]", "[k-s]", "[\\s.]", "[[:a]", "[a&&b]", "[\\d\\S]", "[^\\s]"]
CATEGORIES = ["\\w", "\\W", "\\d", "\\D", "\\s", "\\S", "."]
PLACES = ["^", "$", "\\b", "\\B", "\\A", "\\Z"]
COUNTS = ["*", "+", "?", "{2}", "{1,2}", "{,2}", "{2,}"]


class Grammar:
    """Patterns that Python mostly takes."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.groups = 0

    def pattern(self):
        self.groups = 0
        flags = self.random.choice(["", "", "", "", "(?i)", "(?m)", "(?s)", "(?a)", "(?im)", "(?ai)"])
        return flags + self.choice(3)

    def choice(self, depth):
        return "|".join(self.sequence(depth) for _ in range(self.random.choice([1, 1, 1, 2, 2, 3])))

    def sequence(self, depth):
        return "".join(self.repeated(depth) for _ in range(self.random.choice([0, 1, 2, 2, 3])))

    def repeated(self, depth):
        atom = self.atom(depth)
        if self.random.random() < 0.35:
            atom += self.random.choice(COUNTS) + self.random.choice(["", "", "", "?", "+"])
        return atom

    def atom(self, depth):
        kind = self.random.random()
        if depth == 0 or kind < 0.35:
            return re.escape(self.random.choice(LETTERS[:12])) if kind < 0.3 else self.random.choice(LETTERS)
        if kind < 0.45:
            return self.random.choice(SETS)
        if kind < 0.55:
            return self.random.choice(CATEGORIES)
        if kind < 0.63:
            return self.random.choice(PLACES)
        if kind < 0.70 and self.groups:
            return f"\\{self.random.randint(1, self.groups)}"
        if kind < 0.73 and self.groups:
            return f"(?({self.random.randint(1, self.groups)}){self.sequence(depth - 1)}|{self.sequence(depth - 1)})"
        if kind < 0.80:
            inner = self.choice(depth - 1)
            self.groups += 1
            return f"({inner})"
        opening = self.random.choice(["(?:", "(?:", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:", "(?-i:", "(?m:", "(?s:"])
        return opening + self.choice(depth - 1) + ")"

    def text(self):
        return "".join(self.random.choice(LETTERS) for _ in range(self.random.randint(1, 7)))


def verdicts(pattern, texts, ignore_case=False):
    try:
        compiled = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, OverflowError, ValueError, RecursionError):
        return None
    try:
        return [[text, compiled.search(text) is not None] for text in texts]
    except SystemError:
        return []  # "The span of capturing group is wrong, please report a bug for the re module."


def rows(seed, patterns, texts):
    grammar = Grammar(seed)
    for _ in range(patterns):
        pattern = grammar.pattern()
        ignore_case = grammar.random.random() < 0.3
        if pattern:
            yield pattern, ignore_case, verdicts(pattern, [grammar.text() for _ in range(texts)], ignore_case)


def write(path, all_rows):
    with open(path, "w", encoding="ascii") as file:
        file.writelines(json.dumps(row) + "\n" for row in all_rows)


def main():
    warnings.simplefilter("ignore")
    folder = sys.argv[1]
    if len(sys.argv) > 2:
        return write(f"{folder}/random.jsonl", rows(int(sys.argv[2]), int(sys.argv[3]), 6))
    thought = [(pattern, False, verdicts(pattern, [text for text in texts if text])) for pattern, texts in PAIRS]
    sample = [(pattern, True, verdicts(pattern, texts, True)) for pattern, texts in SAMPLE]
    write(f"{folder}/verdicts.jsonl", thought + sample)
    # Of patterns that Python refuses a few are enough.
    made = [row for row in rows(13, 700, 4) if row[2] is not None or len(row[0]) < 9]
    write(f"{folder}/random.jsonl", made)


if __name__ == "__main__":
    main()

"""Reads one message with Python's own `email` and checks where a recipient's name stands in it.

    python3 parts.py FILE NAME

The name is in the text part as it is, in the HTML part only escaped; the parts hold no live markup of it.
"""

import email.policy
import html
import pathlib
import re
import sys


def main() -> None:
    file, name = sys.argv[1:]
    message = email.message_from_bytes(pathlib.Path(file).read_bytes(), policy=email.policy.default)
    for part in message.walk():
        assert not part.defects, part.defects
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"], kinds
    text = message.get_body(("plain",)).get_content()
    page = message.get_body(("html",)).get_content()
    assert name in text, "the name is not in the text part"
    assert html.escape(name, quote=False) in page.replace("&quot;", '"').replace("&#39;", "'"), "not escaped"
    for markup in ("<script", "<b "):
        assert markup not in page, markup
    # The token in the unsubscribe link is a random one.
    words = re.sub(r"https://\S+", "", text).replace("BA1 9ZZ", "")
    assert "49" not in words, "a name was run as a template"


if __name__ == "__main__":
    main()

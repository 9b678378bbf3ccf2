"""Reads the mail folder of a campaign with Python's own `mailbox` and `email`, and checks every message.

    python3 mbox_check.py OUT CAMPAIGN_DIR

OUT holds report.json and mail/REGION.mbox. Prints `N messages`; ends non-zero at the first fault.
"""

import email.errors
import email.policy
import json
import mailbox
import pathlib
import re
import sys

LINK = re.compile(r"<(https://[^<>\s]+/u/[A-Za-z0-9_-]+)>\Z")


def fields(campaign: pathlib.Path) -> dict[str, str]:
    """The plain `key: value` lines of campaign.yaml that the checks need."""
    pairs = re.findall(r"^\s*(email|postal_address|name):\s*(.+)$", (campaign / "campaign.yaml").read_text("utf-8"), re.M)
    return dict(pairs)


def messages(path: pathlib.Path):
    return mailbox.mbox(path, factory=parse, create=False)


def parse(file):
    """A message to an address beyond ASCII has UTF-8 in its head (RFC 6532), which Python reads from text only."""
    return email.message_from_string(file.read().decode("utf-8"), policy=email.policy.default)


def sound(message) -> None:
    """No part and no header has a defect; only RFC 6531's addresses have what Python still counts as one."""
    for part in message.walk():
        assert not part.defects, part.defects
        for name, value in part.items():
            international = name == "To" and not value.isascii()
            allowed = email.errors.NonASCIILocalPartDefect if international else ()
            assert all(isinstance(defect, allowed) for defect in value.defects), (name, value.defects)
            assert international or value.isascii() or name == "Subject", name


def check(message, sender: dict[str, str], region: str) -> None:
    sound(message)
    for name in ("From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post"):
        assert len(message.get_all(name, [])) == 1, f"{name} in {region}"
    assert [a.addr_spec for a in message["From"].addresses] == [sender["email"]]
    assert len(message["To"].addresses) == 1 and "@" in message["To"].addresses[0].addr_spec
    assert message["Date"].datetime.tzinfo is not None
    link = LINK.match(message["List-Unsubscribe"])
    assert link, "List-Unsubscribe is not one https link (RFC 8058)"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["AI-Disclosure"] == "mode=ai-originated"
    assert "trainedAlgorithmicMedia" in message["Digital-Source-Type"]
    text = message.get_body(("plain",)).get_content()
    html = message.get_body(("html",)).get_content()
    for part in (text, html):
        assert sender["postal_address"] in part, "no postal address"
        assert link[1] in part, "no unsubscribe link"
        assert "artificial intelligence" in part, "nothing says that the text was generated"
    assert 'content="ai-originated"' in html
    for part in (text, html, message["Subject"]):
        assert "{{" not in part and part.strip(), "an empty part or a placeholder left"


def main() -> None:
    out, campaign = map(pathlib.Path, sys.argv[1:])
    report = json.loads((out / "report.json").read_bytes())
    sender = fields(campaign)
    found = {path.stem for path in (out / "mail").iterdir()}
    assert found == set(report["by_region"]), found
    ids, recipients = set(), set()
    for region, expected in report["by_region"].items():
        box = messages(out / "mail" / f"{region}.mbox")
        assert len(box) == expected, f"{region}: {len(box)} messages, {expected} reported"
        for message in box:
            check(message, sender, region)
            ids.add(message["Message-ID"])
            recipients.add(message["To"])
    assert len(ids) == report["written"], "a Message-ID twice"
    assert len(recipients) == report["written"], "a recipient twice"
    print(f"{report['written']} messages")


if __name__ == "__main__":
    main()

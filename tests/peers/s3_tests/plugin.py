"""A plugin of pytest for ceph/s3-tests: cleans up without versions, trusts our authority, and writes what each test met.

Environment: MAILY_CA (PEM file), MAILY_REPORT (a file to which a line of JSON is added for each test: `name`, `markers`, `outcome`,
`why`, `refusals` (the messages of all answers with status 501), `old` (whether something was signed with Signature Version 2)).
"""

import html
import io
import json
import os
import re
import threading

import urllib3
from urllib3.connectionpool import HTTPConnectionPool

import s3tests.functional as suite

met: dict = {}
# Tests have threads.
lock = threading.Lock()


def nuke_bucket(client, bucket: str) -> None:
    """The suite's own lists versions, which storage has not; and storage keeps a bucket in which an upload is unfinished."""
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", []):
            client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [{"Key": entry["Key"]} for entry in page.get("Contents", [])]
        if keys:
            client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    client.delete_bucket(Bucket=bucket)


def clean_up() -> None:
    """Without accounts one key sees every bucket, and there are no roles to remove."""
    suite.nuke_prefixed_buckets(prefix=suite.prefix)


def configure(original=suite.configure) -> None:
    original()
    # The file can only say whether to verify.
    suite.config.default_ssl_verify = os.environ["MAILY_CA"]


def urlopen(self, *args, original=HTTPConnectionPool.urlopen, **kwargs):
    """Every request of boto3 and of requests goes through here."""
    headers = {str(name).lower(): value for name, value in (kwargs.get("headers") or {}).items()}
    signed = headers.get("authorization", b"")
    signed = signed if isinstance(signed, bytes) else str(signed).encode("latin-1", "replace")
    url = str(kwargs.get("url") or "".join(str(arg) for arg in args[1:2]))
    if signed.startswith(b"AWS ") or "AWSAccessKeyId=" in url:
        met["old"] = True
    answer = original(self, *args, **kwargs)
    return heard(answer) if answer.status == 501 else answer


def heard(answer):
    """The same answer, once its message was noted."""
    body = answer.read(decode_content=False)
    answer.release_conn()
    message = re.search(rb"<Message>(.*?)</Message>", body, re.DOTALL)
    with lock:
        said = html.unescape(message[1].decode("utf-8", "replace")) if message else "(without a message)"
        met.setdefault("refusals", []).append(said)
    headers = urllib3.HTTPHeaderDict(answer.headers)
    headers.discard("transfer-encoding")
    return urllib3.HTTPResponse(
        body=io.BytesIO(body),
        headers=headers,
        status=answer.status,
        reason=answer.reason,
        version=answer.version,
        preload_content=False,
    )


def pytest_runtest_logstart(nodeid, location) -> None:
    met.clear()
    met.update(name=nodeid.rsplit("::", 1)[-1], file=nodeid.split("::")[0], outcome="passed", why="", refusals=[], old=False)


def pytest_runtest_logreport(report) -> None:
    met["markers"] = sorted(word for word in report.keywords if not word.startswith(("test", "[")) and "/" not in word)
    if report.skipped:
        met["outcome"] = "skipped"
    if report.failed:
        met["outcome"] = "failed"
        crash = getattr(report.longrepr, "reprcrash", None)
        said = crash.message if crash else str(report.longrepr).strip().splitlines()[-1:]
        met["why"] = met["why"] or f"{report.when}: {said}"[:400]


def pytest_runtest_logfinish(nodeid, location) -> None:
    with open(os.environ["MAILY_REPORT"], "a", encoding="utf-8") as report:
        report.write(json.dumps(met) + "\n")


suite.configure = configure
suite.nuke_bucket = nuke_bucket
suite.setup = suite.teardown = clean_up
HTTPConnectionPool.urlopen = urlopen

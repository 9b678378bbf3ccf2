"""Tests of `verdicts.verdict`: what excuses a test of ceph/s3-tests that fails, and that nothing excuses a service that fails.

    python3 verdicts_test.py
"""

import unittest

import verdicts

# What pytest says of a service that failed, is too busy, went away, or did not answer.
FAILED = [
    "call: botocore.exceptions.ClientError: An error occurred (InternalError) when calling the PutObject operation: failed",
    "call: botocore.exceptions.ClientError: An error occurred (503) when calling the HeadObject operation: Service Unavailable",
    "teardown: botocore.exceptions.ClientError: An error occurred (SlowDown) when calling the DeleteObjects operation: later",
    "call: botocore.exceptions.ConnectionClosedError: Connection was closed before we received a valid response",
    "call: Failed: Timeout (>300.0s) from pytest-timeout.",
]
OTHERWISE = "call: assert 404 == 200"
# A 501 of what is not served, and one of something else.
KNOWN, STRANGE = "PutBucketAcl is not implemented", "This value of x-amz-checksum-type is not implemented"


def failed(why: str = OTHERWISE, name: str = "test_any", **met) -> dict:
    """What a test met that failed."""
    return {"name": name, "markers": [], "outcome": "failed", "why": why, "refusals": [], "old": False} | met


class Verdicts(unittest.TestCase):
    def kind(self, *args, **met) -> str:
        return verdicts.verdict(failed(*args, **met))[0]

    def test_what_does_not_fail_is_what_it_is(self):
        for outcome in ("passed", "skipped"):
            self.assertEqual(self.kind("", outcome=outcome, refusals=[STRANGE]), outcome)

    def test_what_fails_is_wrong_unless_there_is_a_reason(self):
        self.assertEqual(verdicts.verdict(failed()), ("wrong", OTHERWISE))
        self.assertEqual(self.kind(refusals=[KNOWN]), "501")
        self.assertEqual(verdicts.verdict(failed(refusals=[KNOWN, STRANGE])), ("wrong", f"501: {STRANGE}"))
        self.assertEqual(self.kind(old=True), "SigV2")
        self.assertEqual(self.kind(markers=["auth_aws2"]), "SigV2")
        for kind, names in verdicts.LISTS:
            for name in names:
                self.assertEqual(self.kind(name=name), kind, name)
                self.assertEqual(self.kind(name=f"{name}[one]"), kind, name)

    def test_nothing_excuses_a_service_that_fails(self):
        names = [next(iter(names)) for _, names in verdicts.LISTS]
        for why in FAILED:
            excuses = [{"refusals": [KNOWN]}, {"old": True}, {"markers": ["auth_aws2"]}, *({"name": name} for name in names)]
            for excuse in excuses:
                self.assertEqual(verdicts.verdict(failed(why, **excuse)), ("wrong", why), excuse)


if __name__ == "__main__":
    unittest.main()

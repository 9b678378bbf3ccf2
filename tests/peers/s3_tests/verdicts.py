"""What the outcome of a test of ceph/s3-tests means for Maily.

A test that fails is wrong, unless storage answered it 501 for one of `NOT_SERVED`, it was signed with Signature Version 2, or it is
on a list here, with the reason. Where it failed because storage did, it is wrong in any case. `verdicts_test.py` says so.
"""

import collections
import re

# What isn't there, in the words of storage's 501s (docs/s3.md). Any other 501 is wrong.
NOT_SERVED = [
    # Only operations that are not served say so.
    r"\w+ is not implemented",
    r"Unknown operation",
    r"Form uploads are not supported\.",
    # IAM's own API.
    r"unknown service 'iam' in credential scope; expected 's3' or 'sts'",
    r"A header you provided implies functionality that is not implemented: x-amz-(?:"
    r"bypass-governance-retention|(?:copy-source-)?server-side-encryption-[a-z0-9-]+|grant-[a-z-]+|mfa|object-lock-[a-z-]+"
    r"|tagging|website-redirect-location)",
    r"This value of x-amz-(?:acl|bucket-object-lock-enabled|object-ownership|server-side-encryption|storage-class|"
    r"tagging-directive) is not implemented",
]

# What rgw does and Amazon's S3 does not.
RGW = {
    "test_account_usage": "the query `usage` is rgw's",
    "test_bucket_head_extended": "the query `read-stats` and the headers x-rgw-… are rgw's",
    "test_head_bucket_usage": "the query `read-stats` and the headers x-rgw-… are rgw's",
    "test_bucket_list_unordered": "the query `allow-unordered` is rgw's",
    "test_bucket_listv2_unordered": "the query `allow-unordered` is rgw's",
    "test_list_buckets_anonymous": "Amazon refuses it: the suite marks it fails_on_aws",
    "test_delete_marker_nonversioned": "HeadObject, x-amz-delete-marker: 'If false, this response header does not appear'",
    "test_multipart_resend_first_finishes_last": "names part 1 twice, once with the ETag of what it was before; "
    "CompleteMultipartUpload, InvalidPart: 'the specified ETag might not have matched the uploaded part's ETag'",
    "test_object_raw_put_authenticated_expired": "Amazon refuses a negative X-Amz-Expires as "
    "AuthorizationQueryParametersError, 400",
}

# What Maily does otherwise on purpose.
ON_PURPOSE = {
    "test_bucket_create_exists_nonowner": "no account owns a bucket: to another key it is BucketAlreadyOwnedByYou, 409",
    "test_object_copy_not_owned_bucket": "no account owns a bucket: a key may do what its rules say",
    "test_bucket_recreate_not_overriding": "CreateBucket: BucketAlreadyOwnedByYou 'in all Amazon Web Services Regions except in "
    "the North Virginia Region', which is none of Maily's",
}

# What the suite asks for and boto3 does not send, or what it gets wrong itself.
SUITE = {
    "test_bucket_create_exists": "looks for the 409 that it expects in `e.status`, which boto3's error has not",
    "test_bucket_list_prefix_unreadable": "ListObjects, EncodingType: Prefix is encoded; boto3 asks for that and doesn't decode it "
    "(boto/boto3#3534)",
    "test_object_read_unreadable": "boto3 sends the key as UTF-8, so it is one like others",
    "test_object_set_get_unicode_metadata": "boto3 signs the value as UTF-8 and sends it as Latin-1",
    "test_object_create_bad_authorization_empty": "boto3 writes Authorization after the test has",
    "test_object_create_bad_authorization_none": "boto3 writes Authorization after the test has",
    "test_bucket_create_bad_authorization_empty": "boto3 writes Authorization after the test has",
    "test_bucket_create_bad_authorization_none": "boto3 writes Authorization after the test has",
    "test_object_create_bad_contentlength_empty": "boto3 takes Content-Length out: it sends aws-chunked over TLS",
    "test_object_create_bad_contentlength_none": "boto3 writes its own length after the test has taken it out",
}

# How boto3, requests and pytest-timeout tell of a service that failed, went away or did not answer.
FAILURES = re.compile(
    r"\b(?:InternalError|ServiceUnavailable|SlowDown)\b|\((?:500|502|503|504)\)"
    r"|(?:Read|Connect)Timeout|Timeout(?:Error)?\b|Connection(?:Closed|Reset|Refused)?Error|EndpointConnectionError"
)

LISTS = [("rgw alone", RGW), ("on purpose", ON_PURPOSE), ("suite's own", SUITE)]
COLUMNS = ["passed", "skipped", "501", "SigV2", *(kind for kind, _ in LISTS), "wrong"]

# The areas in which nothing may be wrong.
BAR = ["objects", "list", "copy", "conditional", "multipart", "checksum"]
# The first that matches name and markers.
AREAS = [
    ("acl, policy", r"_acl|policy|_access_bucket|ownership|public_block|grant"),
    ("versions, locks", r"version|object_lock|delete_marker"),
    ("encryption", r"encrypt|sse_|_enc\b|_enc\["),
    ("lifecycle", r"lifecycle|cloud_|storage_class|restore|read_through"),
    ("forms, cors", r"post_object|cors"),
    ("tags", r"tagging|_tags"),
    ("logging", r"logging"),
    ("headers", r"test_headers"),
    ("checksum", r"checksum|cksum"),
    ("conditional", r"if_?(none?_?)?match|if_?(un)?modified|conditional"),
    ("multipart", r"multipart"),
    ("copy", r"copy"),
    ("list", r"_list|listv2|list_objects"),
    ("objects", r""),
]


def area(test: dict) -> str:
    words = " ".join([test["file"].rsplit("/", 1)[-1], test["name"], *test["markers"]])
    return next(name for name, pattern in AREAS if re.search(pattern, words))


def verdict(test: dict) -> tuple[str, str]:
    """The column, and the reason."""
    name = test["name"].split("[")[0]
    if test["outcome"] != "failed":
        return test["outcome"], ""
    # Nothing excuses a service that fails: no list, no 501 that the test met before, no old signature.
    if FAILURES.search(test["why"]):
        return "wrong", test["why"]
    for kind, names in LISTS:
        if name in names:
            return kind, names[name]
    if test["refusals"]:
        strange = [said for said in test["refusals"] if not any(re.fullmatch(known, said) for known in NOT_SERVED)]
        return ("wrong", f"501: {strange[0]}") if strange else ("501", test["refusals"][0])
    if test["old"] or "auth_aws2" in test["markers"]:
        return "SigV2", "only AWS4-HMAC-SHA256 is accepted"
    return "wrong", test["why"]


def tell(tests: list[dict]) -> int:
    """Prints the table, the 501s by reason, and what is wrong; the exit code."""
    counts, reasons, wrong, listed = collections.defaultdict(collections.Counter), collections.Counter(), [], set()
    for test in tests:
        kind, reason = verdict(test)
        counts[area(test)][kind] += 1
        if kind == "501":
            reasons[reason] += 1
        if kind == "wrong":
            wrong.append((area(test), test["name"], reason))
        if test["outcome"] == "passed" and any(test["name"].split("[")[0] in names for _, names in LISTS):
            listed.add(test["name"])
    print(f"\n{'':16}" + "".join(f"{column:>13}" for column in COLUMNS))
    areas = [name for name, _ in AREAS]
    for name in sorted(counts, key=lambda name: (name not in BAR, areas.index(name))):
        print(f"{name:16}" + "".join(f"{counts[name][column]:13}" for column in COLUMNS))
    print(f"{'all':16}" + "".join(f"{sum(count[column] for count in counts.values()):13}" for column in COLUMNS))
    print("\n501, by reason:")
    for reason, count in reasons.most_common():
        print(f"{count:6}  {reason}")
    for name in sorted(listed):
        print(f"\n{name} passes now: take it off its list in verdicts.py")
    print(f"\nWrong: {len(wrong)}")
    for name, test, reason in sorted(wrong):
        print(f"  {name}: {test}\n      {' '.join(reason.split())}")
    return 1 if any(name in BAR for name, _, _ in wrong) else 0

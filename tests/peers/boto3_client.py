"""Checks the storage service with PyPI's `boto3`, unchanged.

Environment: MAILY_S3_URL (https://host:port), MAILY_S3_KEY_ID, MAILY_S3_SECRET, MAILY_S3_REGION (a region the key may
be used in), MAILY_CA (PEM file of the certificate's authority; not needed for http). Prints `N passed`; ends non-zero
at the first failure.
"""

import concurrent.futures
import hashlib
import io
import os
import random
import ssl
import urllib.error
import urllib.request
import uuid

import boto3
import botocore.config
import botocore.exceptions

MIB = 1 << 20
WRITERS = 8
ROUNDS = 25
BUCKET = f"boto3-{uuid.uuid4().hex[:12]}"


def connect(region=None, secret=None, key_id=None, signature=None):
    """A client as an application would make it, with our authority and no silent retries."""
    config = botocore.config.Config(
        retries={"max_attempts": 1, "mode": "standard"},
        max_pool_connections=WRITERS,
        s3={"addressing_style": "path"},
        signature_version=signature,
    )
    return boto3.client(
        "s3",
        endpoint_url=os.environ["MAILY_S3_URL"],
        region_name=region or os.environ["MAILY_S3_REGION"],
        aws_access_key_id=key_id or os.environ["MAILY_S3_KEY_ID"],
        aws_secret_access_key=secret or os.environ["MAILY_S3_SECRET"],
        verify=os.environ.get("MAILY_CA") or None,
        config=config,
    )


def refused(call) -> str:
    """S3's name of the error that `call` must raise."""
    try:
        call()
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError("the call should have been refused")


def noise(seed: int, length: int) -> bytes:
    return random.Random(seed).randbytes(length)


def fetch(url: str) -> tuple[int, bytes]:
    """A link, as a browser would open it."""
    ca = os.environ.get("MAILY_CA")
    tls = ssl.create_default_context(cafile=ca) if ca else None
    try:
        with urllib.request.urlopen(url, context=tls, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def buckets(s3) -> None:
    region = os.environ["MAILY_S3_REGION"]
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": region})
    assert s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"] == region
    assert BUCKET in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    s3.head_bucket(Bucket=BUCKET)


def objects(s3) -> None:
    body = noise(1, 3 * MIB + 5)
    put = s3.put_object(Bucket=BUCKET, Key="a/b c+é&", Body=body, ContentType="text/x", Metadata={"colour": "blue"})
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=BUCKET, Key="a/b c+é&")
    assert got["Body"].read() == body
    assert (got["ContentType"], got["Metadata"]) == ("text/x", {"colour": "blue"})
    part = s3.get_object(Bucket=BUCKET, Key="a/b c+é&", Range="bytes=16380-16390")
    assert part["Body"].read() == body[16380:16391]
    assert part["ContentRange"] == f"bytes 16380-16390/{len(body)}"
    assert s3.head_object(Bucket=BUCKET, Key="a/b c+é&")["ContentLength"] == len(body)
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": "a/b c+é&"})
    assert s3.get_object(Bucket=BUCKET, Key="copy")["Body"].read() == body
    assert refused(lambda: s3.get_object(Bucket=BUCKET, Key="absent")) == "NoSuchKey"


def checksums(s3) -> None:
    # The others need a further package (awscrt); these are boto3's own.
    for algorithm in ["CRC32", "SHA1", "SHA256"]:
        put = s3.put_object(Bucket=BUCKET, Key="sum", Body=b"hello", ChecksumAlgorithm=algorithm)
        head = s3.head_object(Bucket=BUCKET, Key="sum", ChecksumMode="ENABLED")
        assert head[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]
    bad = lambda: s3.put_object(Bucket=BUCKET, Key="bad", Body=b"hello", ChecksumCRC32="AAAAAA==")
    assert refused(bad) == "BadDigest"
    assert refused(lambda: s3.head_object(Bucket=BUCKET, Key="bad")) == "404"


def multipart(s3) -> None:
    body, size = noise(2, 16 * MIB), 5 * MIB
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="big")["UploadId"]
    parts = []
    for number in range(1, 5):
        piece = body[(number - 1) * size : number * size]
        part = s3.upload_part(Bucket=BUCKET, Key="big", UploadId=upload, PartNumber=number, Body=piece)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    assert len(s3.list_parts(Bucket=BUCKET, Key="big", UploadId=upload)["Parts"]) == 4
    done = s3.complete_multipart_upload(
        Bucket=BUCKET, Key="big", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    digests = b"".join(hashlib.md5(body[n * size : (n + 1) * size]).digest() for n in range(4))
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-4"'
    over = s3.get_object(Bucket=BUCKET, Key="big", Range=f"bytes={size - 10}-{size + 9}")
    assert over["Body"].read() == body[size - 10 : size + 10]
    assert s3.get_object(Bucket=BUCKET, Key="big")["Body"].read() == body
    aborted = s3.create_multipart_upload(Bucket=BUCKET, Key="never")["UploadId"]
    s3.abort_multipart_upload(Bucket=BUCKET, Key="never", UploadId=aborted)
    assert not s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads")


def transfer_manager(s3) -> None:
    body = noise(3, 20 * MIB)
    s3.upload_fileobj(io.BytesIO(body), BUCKET, "transferred")
    out = io.BytesIO()
    s3.download_fileobj(BUCKET, "transferred", out)
    assert out.getvalue() == body


def listing(s3) -> None:
    keys = sorted([f"list/{n:03}/x" for n in range(30)] + [f"list/é {n}&<" for n in range(5)])
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"v")
    pages = s3.get_paginator("list_objects_v2").paginate
    found = [o["Key"] for page in pages(Bucket=BUCKET, Prefix="list/", PaginationConfig={"PageSize": 4})
             for o in page.get("Contents", [])]
    assert found == sorted(keys, key=str.encode)
    grouped = [p["Prefix"] for page in pages(Bucket=BUCKET, Prefix="list/", Delimiter="/",
                                             PaginationConfig={"PageSize": 7})
               for p in page.get("CommonPrefixes", [])]
    assert grouped == [f"list/{n:03}/" for n in range(30)]


def presigned(s3) -> None:
    s3.put_object(Bucket=BUCKET, Key="link", Body=b"hello")
    link = s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "link"}, ExpiresIn=60)
    assert "X-Amz-Signature" in link
    assert fetch(link) == (200, b"hello")
    status, body = fetch(link.replace("/link?", "/sum?"))
    assert status == 403 and b"SignatureDoesNotMatch" in body
    assert fetch(link.replace("Expires=60", "Expires=600"))[0] == 403


def race(write) -> str:
    """Runs 8 writers at once; exactly one may win. Answers its entity tag."""
    with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
        ends = list(pool.map(write, range(WRITERS)))
    won = [end for end in ends if end not in ("PreconditionFailed", "412")]
    assert len(won) == 1, ends
    return won[0]


def races(s3) -> None:
    def writer(key, **condition):
        def write(number):
            try:
                return s3.put_object(Bucket=BUCKET, Key=key, Body=f"{key} {number}".encode(), **condition)["ETag"]
            except botocore.exceptions.ClientError as error:
                return error.response["Error"]["Code"]
        return write

    for number in range(ROUNDS):
        race(writer(f"new {number}", IfNoneMatch="*"))
    for number in range(ROUNDS):
        etag = s3.put_object(Bucket=BUCKET, Key="one", Body=f"before {number}".encode())["ETag"]
        won = race(writer("one", IfMatch=etag))
        assert s3.head_object(Bucket=BUCKET, Key="one")["ETag"] == won


def refusals(s3) -> None:
    assert refused(lambda: connect(secret="not the secret").list_buckets()) == "SignatureDoesNotMatch"
    assert refused(lambda: connect(key_id="nobody").list_buckets()) == "SignatureDoesNotMatch"
    old = connect(signature="s3").generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "link"})
    assert "AWSAccessKeyId" in old
    status, body = fetch(old)
    assert status == 400 and b"AWS4-HMAC-SHA256" in body
    assert fetch(f"{os.environ['MAILY_S3_URL']}/{BUCKET}/link")[0] == 403
    other = "us" if os.environ["MAILY_S3_REGION"] != "us" else "eu"
    elsewhere = refused(lambda: connect(region=other).get_object(Bucket=BUCKET, Key="link"))
    assert elsewhere == "AccessDenied", elsewhere
    assert refused(lambda: connect(region="us-east-1").list_buckets()) == "AuthorizationHeaderMalformed"
    assert refused(lambda: s3.get_object_tagging(Bucket=BUCKET, Key="link")) == "NotImplemented"


def clean_up(s3) -> None:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        keys = [{"Key": entry["Key"]} for entry in page.get("Contents", [])]
        assert not s3.delete_objects(Bucket=BUCKET, Delete={"Objects": keys}).get("Errors")
    s3.delete_bucket(Bucket=BUCKET)
    assert refused(lambda: s3.list_objects_v2(Bucket=BUCKET)) == "NoSuchBucket"


def main() -> None:
    s3 = connect()
    checks = [buckets, objects, checksums, multipart, transfer_manager, listing, presigned, races, refusals, clean_up]
    for check in checks:
        check(s3)
        print(f"  {check.__name__}", flush=True)
    print(f"{len(checks)} passed")


if __name__ == "__main__":
    main()

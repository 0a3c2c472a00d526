"""Objects by key: one suite over memory and the S3 store."""

import http.client
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from backend.adapters.blobs.memory import MemoryBlobs
from backend.adapters.blobs.s3 import S3Address, S3Blobs
from backend.core.errors import PermanentFailure, TemporaryFailure


class S3Door:
    """The S3 store and a browser's way into it."""

    def __init__(self, blobs):
        self.blobs = blobs

    def fetch(self, url):
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        connection.request("GET", f"{parts.path}?{parts.query}")
        reply = connection.getresponse()
        body = reply.read()
        connection.close()
        return body if reply.status == 200 else None


class MemoryDoor:
    def __init__(self, blobs):
        self.blobs = blobs

    def fetch(self, url):
        key = url.removeprefix("memory://get/")
        return self.blobs.get(key) if self.blobs.find(key) else None


def s3_address(addresses, bucket):
    return S3Address(
        endpoint=addresses["s3_endpoint"],
        browser_endpoint=addresses["s3_endpoint"],
        bucket=bucket,
        region="us-east-1",
        access_key=addresses["s3_access_key"],
        secret_key=addresses["s3_secret_key"],
    )


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.services)])
def door(request):
    if request.param == "memory":
        return MemoryDoor(MemoryBlobs())
    addresses = request.getfixturevalue("s3_addresses")
    return S3Door(S3Blobs(s3_address(addresses, request.getfixturevalue("s3_bucket"))))


@pytest.fixture
def blobs(door):
    return door.blobs


def now():
    return datetime.now(UTC)


def test_what_is_put_can_be_read(blobs):
    blobs.put("recordings/north/ab", b"\x00voice", content_type="audio/webm")
    assert blobs.get("recordings/north/ab") == b"\x00voice"
    info = blobs.find("recordings/north/ab")
    assert (info.size, info.content_type) == (6, "audio/webm")


def test_what_is_not_there(blobs):
    assert blobs.find("nothing") is None
    with pytest.raises(PermanentFailure, match="blob_missing"):
        blobs.get("nothing")


def test_deleting_is_safe_to_repeat(blobs):
    blobs.put("k", b"1", content_type="audio/webm")
    blobs.delete("k")
    blobs.delete("k")
    assert blobs.find("k") is None


def test_a_presigned_address_leads_to_one_object(door):
    door.blobs.put("prompts/1", b"sound", content_type="audio/ogg")
    url = door.blobs.presign_get("prompts/1", now=now())
    assert door.fetch(url) == b"sound"
    assert door.fetch(url.replace("prompts/1", "prompts/2")) is None


def test_check_passes_where_the_store_is(blobs):
    blobs.check()


def test_a_store_that_is_down_is_a_temporary_failure():
    address = {"s3_endpoint": "http://127.0.0.1:9", "s3_access_key": "a", "s3_secret_key": "b"}
    with pytest.raises(TemporaryFailure):
        S3Blobs(s3_address(address, "bucket")).find("k")

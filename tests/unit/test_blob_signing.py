"""The signature of a PUT is the one that botocore makes."""

from datetime import UTC, datetime

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from backend.adapters.blobs.signing import PutSigner, object_path

NOW = datetime(2026, 3, 1, 8, 30, 5, tzinfo=UTC)
KEYS = {"access_key": "AKIDEXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}


@pytest.mark.parametrize("key", ["recordings/north/ab12.webm", "odd/a b+c=~ü:x/%41.mp3"])
@pytest.mark.parametrize("host", ["127.0.0.1:9000", "s3.ap-south-1.amazonaws.com"])
def test_a_put_is_signed_as_botocore_signs_it(monkeypatch, host, key):
    content_type = "audio/webm;codecs=opus"
    path = object_path("", "viva", key)
    signer = PutSigner(host=host, region="ap-south-1", **KEYS)
    headers = signer.headers(path, b"voice", content_type=content_type, now=NOW)

    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: NOW.replace(tzinfo=None))
    request = AWSRequest("PUT", f"http://{host}{path}", headers={"content-type": content_type}, data=b"voice")
    request.context["payload_signing_enabled"] = True
    botocore.auth.S3SigV4Auth(Credentials(*KEYS.values()), "s3", "ap-south-1").add_auth(request)

    assert headers["authorization"] == request.headers["Authorization"]
    assert headers["x-amz-content-sha256"] == request.headers["X-Amz-Content-SHA256"]
    assert headers["x-amz-date"] == request.headers["X-Amz-Date"]


def test_the_key_of_another_day_is_another():
    signer = PutSigner(host="store", region="us-east-1", **KEYS)

    def proof(now):
        return signer.headers("/b/k", b"", content_type="audio/webm", now=now)["authorization"]

    today, tomorrow = proof(NOW), proof(NOW.replace(day=2))
    assert today != tomorrow
    assert proof(NOW) == today

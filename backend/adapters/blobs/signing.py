"""AWS Signature Version 4 for the one request that an exam makes all the time: putting an object.

As https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html has it.
A test compares it with botocore's.
"""

import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"


class PutSigner:
    """Signs for one store and key. The key of a day is derived once a day."""

    def __init__(self, *, host: str, access_key: str, secret_key: str, region: str) -> None:
        self._host = host
        self._access_key = access_key
        self._secret_key = secret_key
        self._region = region
        self._derived: tuple[str, bytes] = "", b""

    def headers(self, path: str, data: bytes, *, content_type: str, now: datetime) -> dict[str, str]:
        """The headers of a PUT of `data` to `path`, which is quoted already. `now` is UTC."""
        at = now.strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(data).hexdigest()
        signed = {
            "content-type": content_type,
            "host": self._host,
            "x-amz-content-sha256": digest,
            "x-amz-date": at,
        }
        names = ";".join(signed)  # they are in order
        lines = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in signed.items())
        request = f"PUT\n{path}\n\n{lines}\n{names}\n{digest}"
        scope = f"{at[:8]}/{self._region}/s3/aws4_request"
        text = f"{_ALGORITHM}\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.new(self._key_of(at[:8]), text.encode(), hashlib.sha256).hexdigest()
        proof = f"{_ALGORITHM} Credential={self._access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        return {**signed, "authorization": proof}

    def _key_of(self, day: str) -> bytes:
        if self._derived[0] != day:
            key = f"AWS4{self._secret_key}".encode()
            for part in (day, self._region, "s3", "aws4_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            self._derived = day, key
        return self._derived[1]


def object_path(root: str, bucket: str, key: str) -> str:
    """Where an object is below its store's `root`, quoted as the signature wants it."""
    return quote(f"{root}/{bucket}/{key}", safe="/-_.~")

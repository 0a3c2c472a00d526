"""Objects in an S3 store through boto3: the embedded one, MinIO, AWS.

Traps that this module holds: signature version 4 and path addressing everywhere; checksums only when required, because
not every store knows them; no store checks ours, so callers hash what they read; after a refused PUT some stores drop
the connection, so calls are tried again.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import get_cert_path

from backend.core.errors import PermanentFailure, TemporaryFailure
from backend.core.ports import BlobInfo, Blobs

LIFETIME = timedelta(minutes=5)
# A signed GET is given again for a while: signing costs more than anything else in a reply with six of them.
_REUSED = timedelta(minutes=2)
_REMEMBERED = 2_000
_CONNECTIONS = 32
_CONNECT_S, _READ_S = 3, 15
_GONE = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchBucket"})
_REFUSED = frozenset({"AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidRequest", "400"})


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Address:
    """`browser_endpoint` is where browsers reach the store: presigned addresses are signed for it."""

    endpoint: str
    browser_endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """The way of plain PUTs: the endpoint, who signs, and the connections that are kept."""

    endpoint: str
    signer: S3SigV4Auth
    pool: urllib3.HTTPConnectionPool


class S3Blobs(Blobs):
    def __init__(self, address: S3Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._signed: dict[str, tuple[str, datetime]] = {}
        self._line: _Line | None = None

    def put(self, key: str, data: bytes, *, content_type: str) -> None:
        with _s3_errors():
            if self._put_at_once(key, data, content_type):
                return
            self._store.put_object(
                Bucket=self._address.bucket, Key=key, Body=data, ContentType=content_type, ContentLength=len(data)
            )

    def _put_at_once(self, key: str, data: bytes, content_type: str) -> bool:
        """Whether one plain request did it. A store that is silent is not asked again."""
        if not (self._address.access_key and self._address.secret_key):
            return False  # boto3 finds the machine's own, and renews them
        line = self._line or self._open_line()
        url = line.endpoint + quote(f"/{self._address.bucket}/{key}", safe="/-_.~")
        request = AWSRequest("PUT", url, headers={"Content-Type": content_type}, data=data)
        request.context["payload_signing_enabled"] = True
        line.signer.add_auth(request)
        headers = dict(request.headers.items())
        try:
            reply = line.pool.urlopen("PUT", url, body=data, headers=headers, retries=False, redirect=False)
        except urllib3.exceptions.TimeoutError:
            raise TemporaryFailure("blob_store_unreachable") from None
        except urllib3.exceptions.HTTPError:
            return False
        return reply.status == HTTPStatus.OK

    def _open_line(self) -> "_Line":
        """Made on first use, to the endpoint that boto3 would ask."""
        endpoint = str(self._store.meta.endpoint_url).rstrip("/")
        trust = {"ca_certs": get_cert_path(True)} if urlsplit(endpoint).scheme == "https" else {}
        keys = Credentials(self._address.access_key, self._address.secret_key)
        self._line = _Line(
            endpoint=endpoint,
            signer=S3SigV4Auth(keys, "s3", self._address.region),
            pool=urllib3.connection_from_url(
                endpoint, maxsize=_CONNECTIONS, timeout=urllib3.Timeout(connect=_CONNECT_S, read=_READ_S), **trust
            ),
        )
        return self._line

    def get(self, key: str) -> bytes:
        with _s3_errors():
            body: bytes = self._store.get_object(Bucket=self._address.bucket, Key=key)["Body"].read()
            return body

    def find(self, key: str) -> BlobInfo | None:
        try:
            with _s3_errors():
                head = self._store.head_object(Bucket=self._address.bucket, Key=key)
        except PermanentFailure as failure:
            if failure.reason == "blob_missing":
                return None
            raise
        return BlobInfo(size=int(head["ContentLength"]), content_type=str(head.get("ContentType", "")))

    def delete(self, key: str) -> None:
        try:
            with _s3_errors():
                self._store.delete_object(Bucket=self._address.bucket, Key=key)
        except PermanentFailure as failure:
            if failure.reason != "blob_missing":
                raise

    def presign_get(self, key: str, *, now: datetime) -> str:
        known = self._signed.get(key)
        if known is not None and now < known[1]:
            return known[0]
        with _s3_errors():
            url: str = self._signer.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._address.bucket, "Key": key},
                ExpiresIn=int(LIFETIME.total_seconds()),
            )
        with self._lock:
            if len(self._signed) >= _REMEMBERED:
                self._signed.clear()
            self._signed[key] = (url, now + _REUSED)
        return url

    def check(self) -> None:
        with _s3_errors():
            self._store.head_bucket(Bucket=self._address.bucket)

    @property
    def _store(self) -> Any:
        return self._client(self._address.endpoint)

    @property
    def _signer(self) -> Any:
        return self._client(self._address.browser_endpoint)

    def _client(self, endpoint: str) -> Any:
        """One client an endpoint, made on first use: after any fork, and cheap to share between threads."""
        client = self._clients.get(endpoint)
        if client is None:
            with self._lock:
                client = self._clients.get(endpoint) or self._connect(endpoint)
                self._clients[endpoint] = client
        return client

    def _connect(self, endpoint: str) -> Any:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint or None,
            region_name=self._address.region,
            aws_access_key_id=self._address.access_key,
            aws_secret_access_key=self._address.secret_key,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                connect_timeout=_CONNECT_S,
                read_timeout=_READ_S,
                retries={"max_attempts": 3, "mode": "standard"},
                max_pool_connections=_CONNECTIONS,
                proxies={},
            ),
        )


@contextmanager
def _s3_errors() -> Iterator[None]:
    """boto's errors as ours. The vendor's texts stay behind: they quote keys and addresses."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _GONE:
            raise PermanentFailure("blob_missing") from None
        if code in _REFUSED:
            raise PermanentFailure("blob_store_refused") from None
        raise TemporaryFailure("blob_store_failed") from None
    except (BotoCoreError, OSError):
        raise TemporaryFailure("blob_store_unreachable") from None

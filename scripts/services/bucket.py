"""The object store as scripts see it."""

from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from config.settings import Settings


class Bucket:
    """One bucket, by S3's calls. Errors are botocore's: scripts end with them."""

    def __init__(self, settings: Settings) -> None:
        self.name = settings.s3_bucket
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=settings.s3_endpoint,
            region_name=settings.s3_region,
            aws_access_key_id=settings.s3_access_key,
            aws_secret_access_key=settings.s3_secret_key,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                connect_timeout=10,
                read_timeout=60,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def ensure(self) -> bool:
        """Whether it had to be created."""
        try:
            self._client.head_bucket(Bucket=self.name)
        except ClientError as error:
            if _status(error) != 404:
                raise
            self._client.create_bucket(Bucket=self.name)
            return True
        return False

    def objects(self) -> Iterator[tuple[str, int]]:
        """Every key with its size, in the order of keys."""
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name):
            for entry in page.get("Contents", []):
                yield entry["Key"], entry["Size"]

    def read(self, key: str) -> tuple[bytes, str]:
        """The object and its content type."""
        found = self._client.get_object(Bucket=self.name, Key=key)
        return found["Body"].read(), found.get("ContentType", "application/octet-stream")

    def has(self, key: str) -> bool:
        try:
            self._client.head_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if _status(error) != 404:
                raise
            return False
        return True

    def write(self, key: str, data: bytes, content_type: str) -> None:
        self._client.put_object(Bucket=self.name, Key=key, Body=data, ContentType=content_type)


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))

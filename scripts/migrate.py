"""`make migrate`: collections and indexes, the migrations that are missing, and the bucket. Safe to repeat."""

import socket
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from backend.core.clock import utc_now
from backend.core.errors import AdapterError
from backend.core.ids import random_id
from backend.migrations.runner import MigrationFailed, find_migrations, run_migrations
from backend.schema import COLLECTIONS
from backend.storage import connect, ensure_collections
from config.settings import Settings, load_settings


def main() -> int:
    settings = load_settings()
    try:
        _migrate(settings)
        _ensure_bucket(settings)
    except MigrationFailed as failure:
        print(f"{failure}; its log is in the collection `migrations`", file=sys.stderr)
        return 1
    except AdapterError as error:
        print(f"The database refused: {error.reason}", file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"The object store refused the bucket {settings.s3_bucket}: {error}", file=sys.stderr)
        return 1
    return 0


def _migrate(settings: Settings) -> None:
    with connect(settings.mongodb_uri, server_selection_timeout_ms=15_000) as client:
        database = client[settings.mongodb_database]
        print(f"Collections and indexes ({len(COLLECTIONS)})", flush=True)
        ensure_collections(database, COLLECTIONS)
        applied = run_migrations(
            database,
            migrations=find_migrations(),
            now=utc_now,
            owner=f"{socket.gethostname()}-{random_id()}",
            say=lambda line: print(line, flush=True),
        )
        print(f"{len(applied)} migrations applied", flush=True)


def _ensure_bucket(settings: Settings) -> None:
    store = boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key,
        aws_secret_access_key=settings.s3_secret_key,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, connect_timeout=10, read_timeout=20),
    )
    try:
        store.head_bucket(Bucket=settings.s3_bucket)
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
            raise
        store.create_bucket(Bucket=settings.s3_bucket)
        print(f"Bucket {settings.s3_bucket} created", flush=True)


if __name__ == "__main__":
    sys.exit(main())

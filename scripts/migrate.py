"""`make migrate`: collections and indexes, the migrations that are missing, and the bucket. Safe to repeat."""

import socket
import sys

from botocore.exceptions import BotoCoreError, ClientError

from backend.core.clock import utc_now
from backend.core.errors import AdapterError
from backend.core.ids import random_id
from backend.migrations.runner import MigrationFailed, find_migrations, run_migrations
from backend.schema import COLLECTIONS
from backend.storage import MongoDatabase, connect, ensure_collections
from config.settings import load_settings
from scripts.services.bucket import Bucket


def main() -> int:
    settings = load_settings()
    if not settings.mongodb_uri:
        print("There is no database yet: `make up` starts one.", file=sys.stderr)
        return 1
    try:
        with connect(settings.mongodb_uri, server_selection_timeout_ms=15_000) as client:
            bring_up_to_date(client[settings.mongodb_database])
        if Bucket(settings).ensure():
            print(f"Bucket {settings.s3_bucket} created", flush=True)
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


def bring_up_to_date(database: MongoDatabase) -> None:
    """Collections, indexes, and the migrations that this database has not seen."""
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


if __name__ == "__main__":
    sys.exit(main())

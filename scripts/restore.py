"""`make restore FILE=backups/<time>`: puts a dump back into an empty database (FORCE=1 replaces what is there)."""

import argparse
import sys
from pathlib import Path

from backend.core.errors import AdapterError
from backend.storage import connect, ping
from config.settings import load_settings
from scripts.migrate import bring_up_to_date
from scripts.services.bucket import Bucket
from scripts.services.dumps import DumpProblem, restore_dump


def main() -> int:
    parser = argparse.ArgumentParser(description="Restores a dump.")
    parser.add_argument("folder", nargs="?", default="", help="a folder that `make dump` wrote")
    parser.add_argument("--force", action="store_true", help="replace what the database holds")
    chosen = parser.parse_args()
    if not chosen.folder:
        print("Which dump? make restore FILE=backups/<time>", file=sys.stderr)
        return 2
    settings = load_settings()
    if not settings.mongodb_uri:
        print("There is no database yet: `make up` starts one.", file=sys.stderr)
        return 1
    try:
        with connect(settings.mongodb_uri) as client:
            database, bucket = client[settings.mongodb_database], Bucket(settings)
            ping(database)
            bucket.ensure()
            manifest = restore_dump(
                Path(chosen.folder).resolve(),
                database,
                bucket,
                force=chosen.force,
                say=lambda line: print(f"  {line}", flush=True),
            )
            bring_up_to_date(database)
    except DumpProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    except AdapterError:
        print("The database does not answer: `make up` starts it.", file=sys.stderr)
        return 1
    print(f"Restored the dump of {manifest.made_at}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

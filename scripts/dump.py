"""`make dump`: writes database and recordings into backups/<time>/. Safe while Viva runs."""

import argparse
import sys
from pathlib import Path

from backend.core.clock import utc_now
from backend.core.errors import AdapterError
from backend.storage import connect, ping
from config.settings import PROJECT_ROOT, load_settings
from scripts.services.bucket import Bucket
from scripts.services.dumps import DumpProblem, write_dump


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes a dump.")
    parser.add_argument("--to", type=Path, default=PROJECT_ROOT / "backups", help="the folder of all dumps")
    backups: Path = parser.parse_args().to
    settings = load_settings()
    if not settings.mongodb_uri:
        print("There is no database yet: `make up` starts one.", file=sys.stderr)
        return 1
    try:
        with connect(settings.mongodb_uri) as client:
            database = client[settings.mongodb_database]
            ping(database)
            folder = write_dump(
                database,
                Bucket(settings),
                backups=backups,
                now=utc_now(),
                say=lambda line: print(f"  {line}", flush=True),
            )
    except DumpProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    except AdapterError:
        print("The database does not answer: `make up` starts it.", file=sys.stderr)
        return 1
    print(f"Dump written: {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make verify-audit`: whether the audit log is what it was; names the first entry that is not. Ends with 1 then."""

import sys

from backend.core.errors import AdapterError
from backend.features.audit.chain import chain_name
from backend.features.audit.usecases import verify_log
from backend.wiring import build_services
from config.settings import load_settings


def main() -> int:
    settings = load_settings()
    if not settings.mongodb_uri:
        print("There is no database yet: `make up` starts one.", file=sys.stderr)
        return 1
    services = build_services(settings)
    try:
        verdicts = verify_log(
            campus_ids=[campus.id for campus in services.campuses.list_all()],
            audit_log=services.audit_log,
            checkpoints=services.audit_checkpoints,
            secret=settings.viva_secret_key,
        )
    except AdapterError as error:
        print(f"The database refused: {error.reason}", file=sys.stderr)
        return 1
    for verdict in verdicts:
        told = "intact" if verdict.fault is None else f"BROKEN at {verdict.place}: {verdict.fault.value}"
        print(f"{chain_name(verdict.campus_id)}: {verdict.entries} entries, {verdict.checkpoints} checkpoints, {told}")
    return 1 if any(verdict.fault for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())

"""Prints a one-time link to create the first superadmin; nothing when there is one."""

import sys

from backend.core.clock import utc_now
from backend.wiring import build_services
from config.settings import load_settings


def main() -> int:
    link = build_services(load_settings()).accounts_setup_link(utc_now())
    if link:
        print(f"Create the first superadmin (once, within a day): {link}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

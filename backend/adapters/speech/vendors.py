"""What every engine that runs somebody else's library shares."""

from importlib import metadata

from backend.core.errors import PermanentFailure


def installed_version(distribution: str) -> str:
    """PermanentFailure("engine_not_installed"): most of these libraries are in requirements-cloud.txt only."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        raise PermanentFailure("engine_not_installed") from None

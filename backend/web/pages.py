"""What templates may call: built assets with the nonce, the CSRF token, the signed-in person."""

import json
import secrets
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TypedDict, cast
from zoneinfo import ZoneInfo

from flask import Flask, g, url_for
from markupsafe import Markup

from backend.web.gates import find_actor

_DIST = Path(__file__).resolve().parents[2] / "frontend_templates" / "static" / "dist"


class Chunk(TypedDict, total=False):
    """One entry of Vite's manifest: the built file, its style sheets, the chunks it imports."""

    file: str
    css: list[str]
    imports: list[str]


@lru_cache(maxsize=1)
def _manifest(changed_at: float) -> dict[str, Chunk]:  # noqa: ARG001 - part of the cache key
    return cast("dict[str, Chunk]", json.loads((_DIST / ".vite" / "manifest.json").read_text()))


def find_manifest() -> dict[str, Chunk]:
    """Vite's manifest, read again when a new build is there; empty before the first build."""
    path = _DIST / ".vite" / "manifest.json"
    return _manifest(path.stat().st_mtime) if path.exists() else {}


def read_built(entry: str) -> bytes | None:
    """The built file of an entry; None before the first build."""
    chunk = find_manifest().get(entry)
    return None if chunk is None else (_DIST / chunk["file"]).read_bytes()


def csp_nonce() -> str:
    """This reply's nonce for script and style tags."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(18)
    return cast(str, g.csp_nonce)


def csrf_token() -> str:
    """The double-submit token of the signed-in session (`backend.web.auth` puts it on the request)."""
    return cast(str, g.get("csrf_token", ""))


def _styles(manifest: dict[str, Chunk], entry: str, seen: set[str]) -> list[str]:
    if entry in seen:
        return []
    seen.add(entry)
    chunk = manifest[entry]
    inherited = [css for other in chunk.get("imports", []) for css in _styles(manifest, other, seen)]
    return inherited + chunk.get("css", [])


def vite(entry: str) -> Markup:
    """Link and script tags of a built entry, e.g. ``vite("src/exam/main.ts")``; nothing before the first build."""
    manifest = find_manifest()
    if entry not in manifest:
        return Markup("")
    nonce = csp_nonce()
    tags = [
        Markup('<link rel="stylesheet" href="{}" nonce="{}">').format(_address(css), nonce)
        for css in _styles(manifest, entry, set())
    ]
    tags.append(
        Markup('<script type="module" src="{}" nonce="{}"></script>').format(_address(manifest[entry]["file"]), nonce)
    )
    return Markup("\n").join(tags)


def _address(built: str) -> str:
    return url_for("static", filename=f"dist/{built}")


def in_zone(moment: datetime, zone: str) -> datetime:
    """The aware moment on that zone's clock; `zone` is an IANA name."""
    return moment.astimezone(ZoneInfo(zone))


def init_pages(app: Flask) -> None:
    app.jinja_env.globals.update(vite=vite, csp_nonce=csp_nonce, csrf_token=csrf_token)
    app.jinja_env.filters["in_zone"] = in_zone
    app.context_processor(lambda: {"actor": find_actor()})
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True

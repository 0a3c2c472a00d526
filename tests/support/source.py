"""The product's own source, as the conventions look at it: files, syntax trees, templates."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "frontend_templates"
_NOT_OURS = {"node_modules", "static", "__pycache__", ".venv"}


@cache
def python_files(*folders: str) -> tuple[Path, ...]:
    """Every module under these folders of the repository."""
    return tuple(sorted(path for folder in folders for path in _walk(ROOT / folder, ".py")))


@cache
def templates() -> tuple[Path, ...]:
    return tuple(sorted(path for path in _walk(TEMPLATES, ".html") if "_client" not in path.parts))


def _walk(folder: Path, suffix: str) -> Iterator[Path]:
    for path in folder.rglob(f"*{suffix}"):
        if not _NOT_OURS & set(path.relative_to(ROOT).parts):
            yield path


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


def place(path: Path, node: ast.AST | None = None) -> str:
    """`backend/x.py:12`, as editors understand it."""
    name = str(path.relative_to(ROOT))
    return f"{name}:{getattr(node, 'lineno', 1)}" if node is not None else name


@cache
def committed_files() -> tuple[Path, ...]:
    """What git keeps, or would keep: tracked files, and new ones that are not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return tuple(ROOT / name for name in sorted(set(listed.split("\0"))) if name and (ROOT / name).is_file())

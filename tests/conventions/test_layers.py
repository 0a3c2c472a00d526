"""The architecture as import contracts: who may import whom."""

import ast
import re
import subprocess
import sys
import tomllib

import pytest

from tests.support.source import ROOT, place, python_files, tree

PURE = ("model", "repository", "usecases", "access", "messages")
FRAMEWORKS = {
    "flask",
    "flask_smorest",
    "flask_socketio",
    "pymongo",
    "bson",
    "openpyxl",
    "celery",
    "redis",
    "boto3",
    "marshmallow",
}
# home > mailings > reports > ... > audit: a feature may import those to its right.
ORDER = (
    "home",
    "mailings",
    "reports",
    "raters",
    "results",
    "ratings",
    "invigilation",
    "attempts",
    "assessments",
    "items",
    "accommodations",
    "students",
    "batches",
    "courses",
    "campuses",
    "accounts",
    "audit",
)


def _imported(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node


def _feature_of(module: str) -> str | None:
    found = re.match(r"backend\.features\.([a-z_]+)", module)
    return found[1] if found else None


@pytest.mark.slow
def test_import_linter_keeps_every_contract():
    outcome = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert outcome.returncode == 0, outcome.stdout[-6000:] + outcome.stderr[-2000:]


def test_import_linter_is_told_the_houses_layers():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert [layer for layer in layers if "backend." in layer][-1] == "backend.core"
    assert len(contracts) >= 3


def test_pure_modules_name_no_framework():
    found = []
    for path in python_files("backend/features", "backend/core", "backend/scoring"):
        in_feature = "features" in path.parts
        if in_feature and path.stem not in PURE:
            continue
        found += [f"{place(path, node)} {name}" for name, node in _imported(path) if name.split(".")[0] in FRAMEWORKS]
    assert not found


def test_features_import_only_features_to_their_right():
    found = []
    for path in python_files("backend/features"):
        own = _feature_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
        if own not in ORDER:
            continue
        for name, node in _imported(path):
            other = _feature_of(name)
            if other in ORDER and ORDER.index(other) < ORDER.index(own):
                found.append(f"{place(path, node)} {own} imports {other}")
    assert not found


def test_every_feature_has_its_place_in_the_order():
    features = {path.name for path in (ROOT / "backend" / "features").iterdir() if (path / "__init__.py").exists()}
    assert features <= set(ORDER), "a new feature: name its place in ARCHITECTURE.md and here"


def test_a_feature_keeps_to_the_shared_file_vocabulary():
    """Packages of one feature look alike, so that a reader of one can read all."""
    vocabulary = {
        "__init__", "model", "repository", "access", "usecases", "mongo", "memory", "schemas", "views", "sockets",
        "tasks", "messages", "services",
    }  # fmt: skip
    nouns: dict[str, int] = {}
    for path in python_files("backend/features"):
        parts = path.relative_to(ROOT / "backend" / "features").parts
        if len(parts) == 2 and path.stem not in vocabulary:
            nouns[parts[0]] = nouns.get(parts[0], 0) + 1
    assert {feature: count for feature, count in nouns.items() if count > 8} == {}


def test_only_wiring_and_tests_know_a_features_storage():
    allowed = {"backend/wiring.py", "backend/migrations", "scripts/histories"}
    found = []
    for path in python_files("backend", "scripts"):
        own = place(path)
        for name, node in _imported(path):
            is_storage = re.match(r"backend\.features\.[a-z_]+\.(mongo|memory)\b", name)
            if (
                is_storage
                and not own.startswith(tuple(allowed))
                and _feature_of(name) != _feature_of(own.replace("/", "."))
            ):
                found.append(f"{place(path, node)} {name}")
    assert not found


def test_vendors_of_one_port_do_not_import_each_other():
    """An adapter may share a file with its port's package, never another vendor's module."""
    found = []
    for path in python_files("backend/adapters"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if len(parts) < 4 or path.stem == "__init__":
            continue
        for name, node in _imported(path):
            other = name.split(".")
            if other[:2] == ["backend", "adapters"] and len(other) > 2 and other[2] != parts[2]:
                found.append(f"{place(path, node)} {name}")
    assert not found

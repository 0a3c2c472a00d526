"""One concept, one word; no drawer for leftovers; no second copies."""

import ast
import re

import pytest

from tests.support.source import ROOT, committed_files, place, python_files, tree

DRAWERS = {"utils", "util", "helpers", "manager", "common", "misc"}
SECOND_COPY = re.compile(r"(_new|_old|_v\d+|_fixed|_backup|_copy|\.bak|\.orig|\.new|\.old)$")
# How words are built here; `new_id` and `old_...` prefixes are fine, suffixes that mean "a second one" are not.
NUMBERED = re.compile(r"^[a-z]+(?:_[a-z]+)*_(new|old|v\d+|fixed|copy)$")
NUMBERED_ALLOWED = {"is_new", "too_old"}


def _stems():
    for path in committed_files():
        if path.suffix in (".py", ".ts", ".html", ".scss", ".css", ".yaml", ".typ") or path.name == "Makefile":
            yield path


def test_no_file_is_a_drawer_for_leftovers():
    found = [place(path) for path in _stems() if path.stem.strip("_") in DRAWERS or path.parent.name in DRAWERS]
    assert not found


def test_no_file_is_a_second_copy():
    found = [
        place(path) for path in committed_files() if any(SECOND_COPY.search(part) for part in (path.name, path.stem))
    ]
    assert not found


def _defined_names(module: ast.Module):
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node


def test_no_class_is_a_manager_and_no_name_counts_its_versions():
    found = []
    for path in python_files("backend", "config", "scripts"):
        for name, node in _defined_names(tree(path)):
            is_class = isinstance(node, ast.ClassDef)
            is_drawer = is_class and bool(
                set(re.split(r"_|(?<=[a-z])(?=[A-Z])", name)) & {"Manager", "Utils", "Helper"}
            )
            if is_drawer or (NUMBERED.match(name) and name not in NUMBERED_ALLOWED):
                found.append(f"{place(path, node)} {name}")
    assert not found


@pytest.mark.parametrize("folder", ["backend/features", "backend/adapters", "backend/scoring"])
def test_nothing_inside_the_product_is_named_test(folder):
    """pytest and every tool that goes by name would pick it up; the code's word is Assessment."""
    found = [place(path) for path in python_files(folder) if path.stem.startswith("test")]
    assert not found


OUR_WORDS_ONLY = re.compile(r"versant(?!-style|_style|style|\*)", re.IGNORECASE)
# Where facts about other people's published tests are cited by name.
MAY_CITE = ("docs/", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/conventions/", "config/")


def test_our_test_and_scores_are_never_called_by_somebody_elses_name():
    found = []
    for path in committed_files():
        name = str(path.relative_to(ROOT))
        if path.suffix not in (".py", ".html", ".ts", ".txt", ".typ", ".yaml") or name.startswith(MAY_CITE):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if OUR_WORDS_ONLY.search(line):
                found.append(f"{name}:{number}")
    assert not found

"""What an engine does wrongly, slowly or not at all is not written in backend/ (ADR 0012)."""

import ast

import pytest

from config.settings import PROJECT_ROOT

FORBIDDEN_CALLS = {
    "find_one_and_update": "scans the collection: compare_and_set, then read by _id",
    "find_one_and_replace": "scans the collection: compare_and_set, then read by _id",
    "find_one_and_delete": "scans the collection: delete_one, whose count says who did it",
    "estimated_document_count": "scans: count by an index, or keep a counter",
    "distinct": "wrong over arrays: $group over a scalar, or a set in Python",
    "drop_collection": "document by document on one engine: storage.discard_collection",
    "rename_collection": "document by document on one engine: a migration copies, then discards",
    "watch": "nothing depends on change streams",
    "start_session": "one document, one write: nothing depends on transactions",
    "map_reduce": "not in every engine",
}
FORBIDDEN_TEXTS = {
    "$lookup": "wrong on array paths: two reads, joined in Python",
    "$where": "not in every engine",
    "$text": "not in every engine",
    "$graphLookup": "not in every engine",
    "$facet": "several small aggregations instead",
    "$function": "not in every engine",
}
FORBIDDEN_MODULES = {"gridfs": "audio is in the object store"}
# The storage layer is where the right way to do it is written once.
FILES = sorted(
    path for path in (PROJECT_ROOT / "backend").rglob("*.py") if path.parent != PROJECT_ROOT / "backend" / "storage"
)


def mistakes(source: str) -> list[str]:
    """One line for each forbidden word in the code, without its comments and docstrings."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in FORBIDDEN_CALLS:
            found.append(f"line {node.lineno}: {node.func.attr}: {FORBIDDEN_CALLS[node.func.attr]}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in FORBIDDEN_TEXTS:
            found.append(f"line {node.lineno}: {node.value}: {FORBIDDEN_TEXTS[node.value]}")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            found += [f"line {node.lineno}: {name}" for name in names if name.split(".")[0] in FORBIDDEN_MODULES]
        elif isinstance(node, ast.Dict):
            found += [f"line {node.lineno}: {line}" for line in sums_over_arrays(node)]
    return found


def sums_over_arrays(node: ast.Dict) -> list[str]:
    """`{"$sum": "$answers.score"}` is 0 where answers is an array, on one engine: documents are flat instead."""
    return [
        f"{key.value} of {value.value}: dotted paths go wrong in arrays; keep documents flat"
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant)
        and key.value in ("$sum", "$avg", "$min", "$max", "$size")
        and isinstance(value, ast.Constant)
        and isinstance(value.value, str)
        and "." in value.value
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PROJECT_ROOT)))
def test_no_forbidden_word(path):
    assert mistakes(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "c.find_one_and_update({}, {})",
        "c.estimated_document_count()",
        "c.distinct('a.b')",
        "c.aggregate([{'$lookup': {}}])",
        "import gridfs",
        "from gridfs import GridFS",
        "c.aggregate([{'$group': {'_id': None, 'n': {'$sum': '$answers.score'}}}])",
    ],
)
def test_the_test_can_fail(source):
    assert mistakes(source)


@pytest.mark.parametrize("source", ['"""Not find_one_and_update, no $lookup."""', "{'$sum': 1}", "{'$sum': '$score'}"])
def test_words_about_them_are_fine(source):
    assert mistakes(source) == []

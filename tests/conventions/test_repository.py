"""What the repository may hold: our own work, small files, numbered records, no secrets."""

import os
import re
import subprocess

from tests.support.source import ROOT, committed_files, place

MAX_BYTES = 400_000
# Larger files, each with its reason.
MAY_BE_LARGE = {
    "requirements.txt": "the lock: every package with its hashes",
    "requirements-dev.txt": "the lock: every package with its hashes",
    "frontend_templates/_client/package-lock.json": "the lock: every package with its hash",
    "backend/scoring/calibration/speechocean762-6.npz": "the calibration as arrays; the issue allows 2 MB",
    "backend/adapters/speech/offline/adaptations/learners-1.npz": "what the recogniser learned, as arrays (ADR 0140)",
    "backend/adapters/speech/offline/adaptations/learners-1-half-a.npz": "the same of half of the speakers",
    "backend/adapters/speech/offline/adaptations/learners-1-half-b.npz": "the same of the others",
}
TEXT = {".py", ".ts", ".html", ".scss", ".css", ".md", ".yaml", ".toml", ".typ", ".json", ".txt", ".sh", ""}


def test_no_third_party_code_is_committed():
    found = [
        place(path)
        for path in committed_files()
        if {"node_modules", "site-packages", "vendor", "dist"} & set(path.relative_to(ROOT).parts)
        or path.name.endswith((".min.js", ".min.css", ".whl", ".onnx", ".bin", ".woff2"))
    ]
    assert not found


def test_files_are_small():
    found = [
        f"{place(path)} {path.stat().st_size}"
        for path in committed_files()
        if path.stat().st_size > MAX_BYTES and place(path) not in MAY_BE_LARGE
    ]
    assert not found


def test_the_top_level_is_what_the_customer_fixed():
    top = {path.relative_to(ROOT).parts[0] for path in committed_files()}
    expected = {
        "backend", "frontend_templates", "config", "scripts", "backups", "tests", "docs", "gunicorn.conf.py",
        ".env.example", "requirements.in", "requirements.txt", "requirements-dev.in", "requirements-dev.txt",
        "requirements-overrides.txt", "requirements-eventlet.in", "requirements-eventlet.txt", "requirements-uv.in",
        "requirements-uv.txt", "requirements-cloud.in", "requirements-cloud.txt",
        "pyproject.toml", "Makefile", ".ci", ".gitignore", ".gitattributes", ".editorconfig",
        "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE",
    }  # fmt: skip
    assert top <= expected


def _numbers(folder: str, pattern: str) -> list[int]:
    return sorted(int(found[1]) for path in (ROOT / folder).glob("*") if (found := re.match(pattern, path.name)))


def test_migrations_are_numbered_without_a_gap():
    numbers = _numbers("backend/migrations", r"m(\d{4})_[a-z0-9_]+\.py$")
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_migration_tells_its_story_and_does_one_thing():
    for path in (ROOT / "backend/migrations").glob("m[0-9]*.py"):
        text = path.read_text()
        assert text.startswith('"""'), f"{path.name}: its docstring tells why"
        assert re.search(r"^def migrate\(", text, re.MULTILINE), path.name


def test_decision_records_have_one_number_each_and_stand_in_the_index():
    index = (ROOT / "docs/adr/README.md").read_text()
    names = sorted(path.name for path in (ROOT / "docs/adr").glob("*.md") if path.name != "README.md")
    assert names
    numbers = [name[:4] for name in names]
    assert len(set(numbers)) == len(numbers), "two records share a number"
    assert re.findall(r"^\| \[\d{4}\]\((\S+)\) \|", index, re.MULTILINE) == names


def test_every_decision_record_names_what_was_rejected():
    for path in (ROOT / "docs/adr").glob("[0-9]*.md"):
        text = path.read_text().lower()
        assert re.search(r"^(## |\*\*)decision", text, re.MULTILINE), path.name
        assert "reject" in text or "alternative" in text, f"{path.name}: which alternatives, and why not?"


SECRETS = re.compile(
    r"xkeysib-[0-9a-f]{20}|AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----|https://[0-9a-f]{32}@[a-z0-9.]*sentry"
)


def test_no_secret_is_committed():
    found = [
        place(path)
        for path in committed_files()
        if path.suffix in TEXT and SECRETS.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert not found


def test_no_merge_was_left_half_done():
    mark = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
    texts = [path for path in committed_files() if path.suffix in TEXT]
    assert [place(path) for path in texts if mark.search(path.read_text(encoding="utf-8", errors="replace"))] == []


def test_a_target_has_the_last_word_also_from_another_folder(tmp_path):
    """`make evaluate`, `load` and `faults` end with one JSON object, which programs read."""
    version = subprocess.run(["make", "--version"], capture_output=True, text=True, check=True).stdout
    # Older ones heed the option only where they are called with it, not in a Makefile.
    option = [] if [int(each) for each in re.findall(r"\d+", version)[:3]] >= [4, 4, 1] else ["--no-print-directory"]
    command = ["make", *option, "-C", str(ROOT), "help"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert [line for line in done.stdout.splitlines() if not line.startswith("  make ")] == []


def test_links_between_documents_lead_somewhere():
    found = []
    documents = [path for path in committed_files() if path.suffix == ".md"]
    for path in documents:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
            if "://" in target or target.startswith("mailto:"):
                continue
            if not (path.parent / target).exists():
                found.append(f"{place(path)} -> {target}")
    assert not found

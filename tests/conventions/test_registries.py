"""A registry is a plain dictionary; these tests catch the forgotten line."""

import importlib

import pytest
import yaml

from tests.support.source import ROOT, TEMPLATES


def _registry(module: str, name: str):
    return getattr(importlib.import_module(module), name)


def _modules(folder: str) -> set[str]:
    return {path.stem for path in (ROOT / folder).glob("*.py") if path.stem != "__init__"}


def _scorers():
    """Those that listen, and those that read."""
    return {**_registry("backend.scoring.scorers", "SCORERS"), **_registry("backend.scoring.scorers", "TEXT_SCORERS")}


def test_every_scorer_module_is_registered():
    scorers = _scorers()
    registered = {
        type(scorer).__module__ if not hasattr(scorer, "__module__") else scorer.__module__
        for scorer in scorers.values()
    }
    registered = {name.rsplit(".", 1)[-1] for name in registered}
    standalone = {stem for stem in _modules("backend/scoring/scorers") if _has_version(stem)}
    assert standalone <= registered | set(scorers), "a scorer stands beside SCORERS, but not in it"


def _has_version(stem: str) -> bool:
    return hasattr(importlib.import_module(f"backend.scoring.scorers.{stem}"), "VERSION")


def test_every_scorer_names_its_version_and_has_its_page():
    for stem in sorted(_modules("backend/scoring/scorers")):
        if _has_version(stem):
            page = ROOT / "docs/scoring" / f"{stem}.md"
            version = str(importlib.import_module(f"backend.scoring.scorers.{stem}").VERSION)
            assert page.exists(), f"docs/scoring/{stem}.md is missing"
            assert version in page.read_text(), f"{page.name} does not describe version {version}"


def _formats():
    return sorted((ROOT / "config/formats").glob("*.yaml"))


@pytest.mark.parametrize("path", _formats(), ids=lambda path: path.stem)
def test_every_machine_scored_task_of_a_format_has_its_scorer(path):
    scorers = _scorers()
    data = yaml.safe_load(path.read_text())
    tasks = {section["task"] for section in data["sections"]}
    assert tasks
    unscored = {"open_question", "open_answer", "open"}
    missing = tasks - set(scorers) - unscored
    assert not missing, f"{path.stem}: no scorer for {missing}"


@pytest.mark.parametrize("path", _formats(), ids=lambda path: path.stem)
def test_every_format_names_its_sources(path):
    """A figure that was not found in a document says so: formats are data that a reader can check."""
    text = path.read_text().lower()
    assert "source" in text or "recalled" in text


def test_every_scale_is_versioned():
    paths = sorted((ROOT / "config/scales").glob("*.yaml"))
    assert paths
    for path in paths:
        data = yaml.safe_load(path.read_text())
        assert {"id", "version"} & set(data), path.name


def test_every_report_kind_is_registered_and_has_its_template():
    reports = _registry("backend.features.reports.kinds", "REPORTS")
    assert _modules("backend/features/reports/kinds") <= set(reports)
    for kind in reports:
        assert (TEMPLATES / "reports" / kind).is_dir(), f"frontend_templates/reports/{kind}/ is missing"


@pytest.mark.parametrize(
    ("package", "name"),
    [("backend.adapters.mail", "MAILERS"), ("backend.adapters.speech", "ENGINES")],
)
def test_every_vendor_is_in_its_ports_registry(package, name):
    registry = _registry(package, name)
    assert registry
    assert all(isinstance(key, str) for key in registry)


def test_every_mail_has_subject_text_and_html():
    folders = [
        folder for folder in (TEMPLATES / "emails").iterdir() if folder.is_dir() and not folder.name.startswith("_")
    ]
    assert folders
    for folder in folders:
        stems = {path.name.split(".")[0] for path in folder.iterdir()}
        suffixes = {path.suffix for path in folder.iterdir()}
        assert ".html" in suffixes, folder.name
        assert ".txt" in suffixes, folder.name
        assert "subject" in stems, folder.name

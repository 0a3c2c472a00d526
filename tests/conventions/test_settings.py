"""Every setting is in `.env.example` with a sentence and its default, and nothing else is."""

import re
from typing import Any

from config.settings import PROJECT_ROOT, Settings, load_settings

EXAMPLE = PROJECT_ROOT / ".env.example"
LINE = re.compile(r"^([A-Z0-9_]+)=(.*)$")


def example_values() -> dict[str, str]:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    return {match[1]: match[2] for line in lines if (match := LINE.match(line))}


def test_every_setting_is_in_the_example_and_the_other_way_round():
    assert set(example_values()) == {name.upper() for name in Settings.model_fields}


def test_every_setting_has_a_sentence():
    """A comment stands above it, or above the group of settings that it is in."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    explained = ""
    for line in lines:
        if line.startswith("#"):
            explained = line
        elif not line.strip():
            explained = ""
        else:
            assert explained, f"{line} has no sentence"


def test_the_example_is_the_defaults(tmp_path):
    """Copying it without a change changes nothing."""
    copied = load_settings(env_file=EXAMPLE, environ={"VIVA_DATA": str(tmp_path)}, fill_embedded=False)
    plain = load_settings(env_file=None, environ={"VIVA_DATA": str(tmp_path)}, fill_embedded=False)
    assert copied == plain


def test_secrets_do_not_show():
    secret = [name for name in Settings.model_fields if name.endswith(("_key", "_dsn", "_uri")) and "tls" not in name]
    values: dict[str, Any] = dict.fromkeys([*secret, "redis_url", "smtp_url"], "do-not-show-me-" * 3)
    assert "do-not-show" not in repr(Settings(**values))

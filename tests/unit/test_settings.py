"""A wrong setting stops the start, with every mistake in plain words."""

import json
import stat

import pytest

from config.settings import PROJECT_ROOT, Settings, SettingsError, load_settings


def load(tmp_path, text="", **environ):
    env_file = tmp_path / ".env"
    env_file.write_text(text, encoding="utf-8")
    return load_settings(env_file=env_file, environ={"VIVA_DATA": str(tmp_path / "data"), **environ})


def mistakes(tmp_path, text="", **environ):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text, **environ)
    return caught.value.mistakes


def test_all_mistakes_at_once(tmp_path):
    found = mistakes(
        tmp_path,
        "VIVA_PORT=eight\nVIVA_WEB_WORKERS=0\nLOG_LEVEL=loud\nMAIL_DRIVER=smtp\nS3_ENDPOINT=store:9000\n"
        "REDIS_URL=redis://queue/3\nMONGODB_URI=postgres://x\nVIVA_SECRET_KEY=short\nVIVA_PROT=1\nCOLOUR=red\n",
    )
    named = {line.split(":")[0] for line in found}
    assert named == {
        *("VIVA_PORT", "VIVA_WEB_WORKERS", "LOG_LEVEL", "SMTP_URL", "S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY"),
        *("REDIS_URL", "MONGODB_URI", "VIVA_SECRET_KEY", "VIVA_PROT", "COLOUR"),
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("VIVA_PORT=eight", "VIVA_PORT: must be a whole number (it is 'eight')."),
        ("VIVA_PORT=0", "VIVA_PORT: must be at least 1 (it is '0')."),
        ("VIVA_PORT=70000", "VIVA_PORT: must be at most 65535 (it is '70000')."),
        ("LOG_LEVEL=loud", "LOG_LEVEL: must be one of DEBUG, INFO, WARNING or ERROR (it is 'loud')."),
        ("VIVA_PROT=1", "VIVA_PROT: there is no such setting; did you mean VIVA_PORT?"),
        (
            "VIVA_TLS_CERT=/none",
            "VIVA_TLS_KEY: is missing: a certificate without its key is of no use. Set both, or neither.",
        ),
        ("MAIL_SENDER_ADDRESS=me", "MAIL_SENDER_ADDRESS: must be one mail address, such as exams@example.edu."),
        (
            "VIVA_ENV=production",
            "VIVA_PUBLIC_URL: production needs the https:// address that browsers use: "
            "microphones only work on secure pages.",
        ),
        (
            "MAIL_DRIVER=brevo",
            "BREVO_API_KEY: is missing: MAIL_DRIVER needs it; MAIL_DRIVER=outbox keeps mail on this machine.",
        ),
        (
            "SPEECH_CALIBRATION=none.npz",
            "SPEECH_CALIBRATION: there is no such file; leave it empty for the calibration that comes with Viva.",
        ),
        ("VIVA_HOST=two words", "VIVA_HOST: must be an address or a host name, such as 127.0.0.1 or 0.0.0.0."),
    ],
)
def test_plain_words(tmp_path, text, line):
    assert line in mistakes(tmp_path, text)


def test_a_wrong_secret_is_not_repeated(tmp_path):
    found = mistakes(tmp_path, "VIVA_SECRET_KEY=hunter2\nMONGODB_URI=hunter2\nREDIS_URL=hunter2\n")
    assert len(found) == 3
    assert "hunter2" not in " ".join(found)


def test_the_environment_wins_and_empty_is_default(tmp_path):
    settings = load(tmp_path, "VIVA_PORT=9000\nVIVA_WEB_WORKERS=\nLOG_LEVEL=ERROR\n", VIVA_PORT="9001", LOG_LEVEL="")
    assert (settings.viva_port, settings.viva_web_workers, settings.log_level) == (9001, 2, "ERROR")


def test_unknown_names_in_the_environment_only_matter_when_they_are_ours(tmp_path):
    load(tmp_path, PATH="/bin", COLOUR="red")
    assert mistakes(tmp_path, VIVA_COLOUR="red")


def test_settings_cannot_change(tmp_path):
    settings = load(tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        settings.viva_port = 1


def test_the_secret_key_is_made_once_and_private(tmp_path):
    first, second = load(tmp_path), load(tmp_path)
    kept = tmp_path / "data" / "secret_key"
    assert first.viva_secret_key == second.viva_secret_key == kept.read_text(encoding="utf-8")
    assert len(first.viva_secret_key) >= 32
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert load(tmp_path, VIVA_SECRET_KEY="k" * 40).viva_secret_key == "k" * 40


@pytest.fixture
def embedded(tmp_path):
    run = tmp_path / "data" / "run"
    run.mkdir(parents=True)
    addresses = {
        "mongodb_uri": "mongodb://127.0.0.1:20001",
        "redis_url": "redis://127.0.0.1:20002",
        "s3_endpoint": "http://127.0.0.1:20003",
        "s3_public_endpoint": "https://campus:20004",
        "s3_access_key": "inner",
        "s3_secret_key": "inner-secret",
    }
    (run / "services.json").write_text(json.dumps(addresses), encoding="utf-8")
    return addresses


def test_embedded_addresses_fill_what_is_empty(tmp_path, embedded):
    settings = load(tmp_path, "MONGODB_URI=mongodb://db\n")
    assert settings.mongodb_uri == "mongodb://db"
    assert settings.redis_url_for("presence") == "redis://127.0.0.1:20002/4"
    assert settings.s3_browser_endpoint == "https://campus:20004"


def test_a_store_of_ones_own_is_not_mixed_with_the_embedded_one(tmp_path, embedded):
    settings = load(tmp_path, "S3_ENDPOINT=https://store\nS3_ACCESS_KEY=a\nS3_SECRET_KEY=b\n")
    assert (settings.s3_access_key, settings.s3_browser_endpoint) == ("a", "https://store")


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"viva_port": 80}, "http://127.0.0.1"),
        ({"viva_tls": "self-signed", "viva_port": 443, "viva_host": "viva.lan"}, "https://viva.lan"),
        ({"viva_public_url": "https://viva.example.edu/"}, "https://viva.example.edu"),
        ({"viva_host": "::1"}, "http://[::1]:8000"),
    ],
)
def test_public_url(values, url):
    settings = Settings(**values)
    assert settings.public_url == url
    assert settings.is_secure is url.startswith("https")


def test_all_addresses_are_shown_as_one_that_others_reach():
    assert "0.0.0.0" not in Settings(viva_host="0.0.0.0").public_url


def test_a_calibration_is_found_from_the_folder_of_viva(tmp_path):
    """Wherever a command is started from."""
    place = "backend/scoring/calibration/speechocean762-6.npz"
    assert load(tmp_path, f"SPEECH_CALIBRATION={place}").speech_calibration == PROJECT_ROOT / place
    assert load(tmp_path).speech_calibration is None

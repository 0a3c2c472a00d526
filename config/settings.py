"""One frozen Settings for every process; a wrong setting stops the start, with all mistakes at once.

Each field is the environment variable of the same name in lower case (`settings.viva_port` is VIVA_PORT). Values come
from the environment, then from `.env`; an empty value is the default. An empty address of a service means the embedded
one, whose address `make up` keeps in `$VIVA_DATA/run/services.json`: `load_settings` fills it in, so that every command
finds it.
"""

import difflib
import ipaddress
import json
import os
import secrets
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

PROJECT_ROOT = Path(__file__).resolve().parent.parent
REDIS_DATABASES = {"queue": 0, "sockets": 1, "limits": 2, "revocation": 3, "presence": 4}
RedisPurpose = Literal["queue", "sockets", "limits", "revocation", "presence"]

SPEECH_ENGINES = frozenset({"offline", "local_whisper", "azure", "google"})

EMBEDDED_NAMES = (
    "mongodb_uri",
    "redis_url",
    "s3_endpoint",
    "s3_public_endpoint",
    "s3_access_key",
    "s3_secret_key",
)


class SettingsError(Exception):
    """Every mistake that was found, one plain line each."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("Please correct the settings (.env or the environment):\n" + "\n".join(self.lines()))

    def lines(self) -> list[str]:
        return [f"  - {mistake}" for mistake in self.mistakes]


class Settings(BaseSettings):
    """What an installation may decide. `Settings()` is all defaults; `load_settings()` reads environment and `.env`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_ignore_empty=True, str_strip_whitespace=True)

    # Where it runs
    viva_env: Literal["local", "production", "test"] = "local"
    viva_host: str = "127.0.0.1"
    viva_port: int = Field(default=8000, ge=1, le=65535)
    viva_data: Path = PROJECT_ROOT / ".viva"
    viva_public_url: str = ""
    viva_tls: Literal["off", "self-signed"] = "off"
    viva_tls_cert: Path | None = None
    viva_tls_key: Path | None = None
    viva_secret_key: str = Field(default="", repr=False)
    viva_web_workers: int = Field(default=2, ge=1, le=64)
    viva_scoring_workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    viva_async_mode: Literal["gevent", "eventlet", "threading"] = "gevent"
    viva_trusted_proxies: int = Field(default=0, ge=0, le=5)
    viva_formats: Path = PROJECT_ROOT / "config" / "formats"

    # Services
    mongodb_uri: str = Field(default="", repr=False)
    mongodb_database: str = "viva"
    redis_url: str = Field(default="", repr=False)
    s3_endpoint: str = ""
    s3_public_endpoint: str = ""
    s3_bucket: str = "viva"
    s3_region: str = "us-east-1"
    s3_access_key: str = Field(default="", repr=False)
    s3_secret_key: str = Field(default="", repr=False)
    viva_s3_port: int = Field(default=0, ge=0, le=65535)

    # Mail
    mail_driver: Literal["auto", "brevo", "sib", "smtp", "outbox"] = "auto"
    mail_sender_name: str = "Viva"
    mail_sender_address: str = "viva@localhost.localdomain"
    brevo_api_key: str = Field(default="", repr=False)
    brevo_base_url: str = "https://api.brevo.com/v3"
    smtp_url: str = Field(default="", repr=False)

    # Speech
    speech_engines: str = "offline"
    speech_switch_minutes: int = Field(default=0, ge=0, le=10_080)
    speech_language: str = "en-US"
    speech_calibration: Path | None = None
    speech_whisper_folder: Path | None = None
    speech_whisper_sha256: str = ""
    azure_speech_key: str = Field(default="", repr=False)
    azure_speech_region: str = ""
    azure_speech_host: str = ""
    google_speech_credentials: Path | None = None
    google_speech_endpoint: str = ""

    # Watching
    sentry_dsn: str = Field(default="", repr=False)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    # Limits
    max_recording_bytes: int = Field(default=8_000_000, ge=100_000, le=100_000_000)
    session_access_minutes: int = Field(default=10, ge=1, le=240)
    session_refresh_hours: int = Field(default=12, ge=12, le=720)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings names the arguments
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is handed over: `load_settings` reads the sources, so that it can report every mistake."""
        return (init_settings,)

    @property
    def uses_tls(self) -> bool:
        return self.viva_tls == "self-signed" or self.viva_tls_cert is not None

    @property
    def tls_cert_file(self) -> Path | None:
        """The certificate that the embedded servers show; made at start when it is self-signed."""
        if self.viva_tls_cert is not None:
            return self.viva_tls_cert
        return self.viva_data / "tls" / "cert.pem" if self.uses_tls else None

    @property
    def tls_key_file(self) -> Path | None:
        if self.viva_tls_key is not None:
            return self.viva_tls_key
        return self.viva_data / "tls" / "key.pem" if self.uses_tls else None

    @property
    def public_url(self) -> str:
        """Where browsers find Viva, without a final slash."""
        if self.viva_public_url:
            return self.viva_public_url.rstrip("/")
        scheme, usual_port = ("https", 443) if self.uses_tls else ("http", 80)
        port = "" if self.viva_port == usual_port else f":{self.viva_port}"
        return f"{scheme}://{reachable_host(self.viva_host)}{port}"

    @property
    def local_url(self) -> str:
        """Where this machine itself finds Viva, past any proxy."""
        host = "127.0.0.1" if self.viva_host in ("0.0.0.0", "::") else reachable_host(self.viva_host)  # noqa: S104 - compared
        return f"{'https' if self.uses_tls else 'http'}://{host}:{self.viva_port}"

    @property
    def engines(self) -> tuple[str, ...]:
        """The speech engines, the preferred one first."""
        return tuple(name for name in (part.strip() for part in self.speech_engines.split(",")) if name)

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it over TLS: cookies are then marked Secure."""
        return self.public_url.startswith("https://")

    @property
    def s3_browser_endpoint(self) -> str:
        """Where browsers reach the object store; the host that presigned addresses are signed for."""
        return self.s3_public_endpoint or self.s3_endpoint

    def redis_url_for(self, purpose: RedisPurpose) -> str:
        """The address of one of the five databases."""
        return f"{self.redis_url.rstrip('/')}/{REDIS_DATABASES[purpose]}"

    def with_values(self, **values: Any) -> Self:
        """A copy with other values, checked as at the start."""
        return type(self)(**{**self.model_dump(), **values})


# -- loading ---------------------------------------------------------------------------------------------------------


def load_settings(
    *,
    env_file: Path | None = PROJECT_ROOT / ".env",
    environ: Mapping[str, str] | None = None,
    fill_embedded: bool = True,
) -> Settings:
    """Settings from environment and `env_file`. Raises SettingsError with every mistake.

    Makes the secret key in the data folder (mode 600) when none is set. With `fill_embedded`, empty addresses of
    services are those of the embedded ones, if they were started in this data folder.
    """
    values, mistakes = _read_values(env_file, environ)
    settings, more = _checked(values)
    if mistakes or more or settings is None:
        raise SettingsError([*mistakes, *more])
    return _complete(settings, fill_embedded=fill_embedded)


def _read_values(env_file: Path | None, environ: Mapping[str, str] | None) -> tuple[dict[str, Any], list[str]]:
    """Known values by field name, and a line for each unknown name."""
    known = set(Settings.model_fields)
    if environ is None:
        from_environment = EnvSettingsSource(Settings)()
        names = list(os.environ)
    else:
        from_environment = {k.lower(): v for k, v in environ.items() if k.lower() in known and v.strip()}
        names = list(environ)
    from_file = DotEnvSettingsSource(Settings, env_file=env_file)() if env_file and env_file.exists() else {}
    file_names = {name.upper() for name in from_file}
    unknown = [n for n in names if n.startswith("VIVA_") and n.lower() not in known and n not in INTERNAL_NAMES]
    unknown += [n for n in file_names if n.lower() not in known]
    values = {k: v for k, v in {**from_file, **from_environment}.items() if k in known}
    return values, [_unknown_line(name) for name in sorted(set(unknown))]


# Not settings: how processes of one start find each other.
INTERNAL_NAMES = frozenset({"VIVA_SUPERVISED"})


def _unknown_line(name: str) -> str:
    close = difflib.get_close_matches(name, [field.upper() for field in Settings.model_fields], n=1)
    hint = f"did you mean {close[0]}?" if close else "see .env.example for all settings."
    return f"{name}: there is no such setting; {hint}"


def _checked(values: Mapping[str, Any]) -> tuple[Settings | None, list[str]]:
    """The settings and every mistake: of single values, and of those that must fit together."""
    try:
        settings = Settings(**values)
    except ValidationError as error:
        wrong = {str(detail["loc"][0]) for detail in error.errors()}
        lines = [_plain_line(detail) for detail in error.errors()]
        rest = Settings(**{name: value for name, value in values.items() if name not in wrong})
        return None, [*lines, *_misfits(rest, skip=wrong)]
    return settings, list(_misfits(settings, skip=set()))


def _plain_line(detail: Any) -> str:
    """One of pydantic's errors in plain words. Secrets are not repeated."""
    name = str(detail["loc"][0])
    context = detail.get("ctx", {})
    needs = {
        "int_parsing": "must be a whole number",
        "greater_than_equal": f"must be at least {context.get('ge')}",
        "less_than_equal": f"must be at most {context.get('le')}",
        "literal_error": f"must be one of {context.get('expected')}".replace("'", ""),
    }.get(detail["type"], detail["msg"])
    shown = "" if Settings.model_fields[name].repr is False else f" (it is {detail['input']!r})"
    return f"{name.upper()}: {needs}{shown}."


def _misfits(settings: Settings, *, skip: set[str]) -> Iterator[str]:
    for field, is_wrong, line in _RULES:
        if field not in skip and is_wrong(settings):
            yield f"{field.upper()}: {line}"


def _is_web_url(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or all(part.replace("-", "").isalnum() for part in host.split("."))
    return True


def _redis_names_a_database(settings: Settings) -> bool:
    is_redis = settings.redis_url.startswith(("redis://", "rediss://"))
    return is_redis and urlsplit(settings.redis_url).path.strip("/") != ""


def _from_root(path: Path) -> Path:
    return PROJECT_ROOT / path.expanduser()


def _sends_by(settings: Settings, *drivers: str) -> bool:
    return settings.mail_driver in drivers


Rule = tuple[str, Callable[[Settings], bool], str]

_RULES: tuple[Rule, ...] = (
    (
        "viva_host",
        lambda s: not _is_host(s.viva_host),
        "must be an address or a host name, such as 127.0.0.1 or 0.0.0.0.",
    ),
    (
        "viva_public_url",
        lambda s: bool(s.viva_public_url) and not _is_web_url(s.viva_public_url),
        "must begin with http:// or https:// and name a host, such as https://viva.example.edu.",
    ),
    (
        "viva_public_url",
        lambda s: s.viva_env == "production" and not s.viva_public_url.startswith("https://"),
        "production needs the https:// address that browsers use: microphones only work on secure pages.",
    ),
    (
        "viva_secret_key",
        lambda s: 0 < len(s.viva_secret_key) < 32,
        "must have at least 32 characters; leave it empty to have one made and kept in the data folder.",
    ),
    (
        "viva_tls_cert",
        lambda s: s.viva_tls_cert is None and s.viva_tls_key is not None,
        "is missing: a key without its certificate is of no use. Set both, or neither.",
    ),
    (
        "viva_tls_key",
        lambda s: s.viva_tls_key is None and s.viva_tls_cert is not None,
        "is missing: a certificate without its key is of no use. Set both, or neither.",
    ),
    (
        "viva_tls_cert",
        lambda s: s.viva_tls_cert is not None and not s.viva_tls_cert.is_file(),
        "there is no such file.",
    ),
    (
        "viva_tls_key",
        lambda s: s.viva_tls_key is not None and not s.viva_tls_key.is_file(),
        "there is no such file.",
    ),
    (
        "viva_tls",
        lambda s: s.viva_tls == "self-signed" and s.viva_tls_cert is not None,
        "self-signed and VIVA_TLS_CERT exclude each other; keep one.",
    ),
    (
        "mongodb_uri",
        lambda s: bool(s.mongodb_uri) and not s.mongodb_uri.startswith(("mongodb://", "mongodb+srv://")),
        "must begin with mongodb:// or mongodb+srv://; leave it empty for the embedded database.",
    ),
    (
        "mongodb_database",
        lambda s: not s.mongodb_database.replace("_", "").replace("-", "").isalnum() or len(s.mongodb_database) > 60,
        "may have letters, digits, - and _, at most 60.",
    ),
    (
        "redis_url",
        lambda s: bool(s.redis_url) and not s.redis_url.startswith(("redis://", "rediss://")),
        "must begin with redis:// or rediss://; leave it empty for the embedded one.",
    ),
    (
        "redis_url",
        _redis_names_a_database,
        "must not name a database: Viva uses the databases 0 to 4 of this server.",
    ),
    (
        "s3_endpoint",
        lambda s: bool(s.s3_endpoint) and not _is_web_url(s.s3_endpoint),
        "must begin with http:// or https://; leave it empty for the embedded store.",
    ),
    (
        "s3_public_endpoint",
        lambda s: bool(s.s3_public_endpoint) and not _is_web_url(s.s3_public_endpoint),
        "must begin with http:// or https://; leave it empty when browsers use S3_ENDPOINT too.",
    ),
    (
        "s3_public_endpoint",
        lambda s: bool(s.s3_public_endpoint) and not s.s3_endpoint,
        "needs S3_ENDPOINT; the embedded store chooses its own address.",
    ),
    ("s3_access_key", lambda s: bool(s.s3_endpoint) and not s.s3_access_key, "is missing: S3_ENDPOINT needs it."),
    ("s3_secret_key", lambda s: bool(s.s3_endpoint) and not s.s3_secret_key, "is missing: S3_ENDPOINT needs it."),
    (
        "speech_engines",
        lambda s: not s.engines or not set(s.engines) <= SPEECH_ENGINES or len(set(s.engines)) < len(s.engines),
        "must name speech engines, the preferred one first: offline, local_whisper, azure, google.",
    ),
    (
        "speech_calibration",
        lambda s: s.speech_calibration is not None and not _from_root(s.speech_calibration).is_file(),
        "there is no such file; leave it empty for the calibration that comes with Viva.",
    ),
    (
        "speech_whisper_sha256",
        lambda s: (
            "local_whisper" in s.engines and (s.speech_whisper_folder is None or len(s.speech_whisper_sha256) != 64)
        ),
        "SPEECH_ENGINES=local_whisper needs SPEECH_WHISPER_FOLDER and the SHA-256 of its model.bin.",
    ),
    (
        "azure_speech_key",
        lambda s: "azure" in s.engines and not (s.azure_speech_key and (s.azure_speech_region or s.azure_speech_host)),
        "SPEECH_ENGINES=azure needs AZURE_SPEECH_KEY and AZURE_SPEECH_REGION.",
    ),
    (
        "google_speech_credentials",
        lambda s: "google" in s.engines and not (s.google_speech_credentials or s.google_speech_endpoint),
        "SPEECH_ENGINES=google needs GOOGLE_SPEECH_CREDENTIALS, the file of a service account's key.",
    ),
    ("s3_bucket", lambda s: not 3 <= len(s.s3_bucket) <= 63, "must have 3 to 63 characters."),
    (
        "brevo_api_key",
        lambda s: _sends_by(s, "brevo", "sib") and not s.brevo_api_key,
        "is missing: MAIL_DRIVER needs it; MAIL_DRIVER=outbox keeps mail on this machine.",
    ),
    ("brevo_base_url", lambda s: not _is_web_url(s.brevo_base_url), "must be the https:// address of Brevo's API."),
    (
        "smtp_url",
        lambda s: _sends_by(s, "smtp") and not s.smtp_url.startswith(("smtp://", "smtps://")),
        "MAIL_DRIVER=smtp needs it, such as smtp://user:password@mail.example.edu:587.",
    ),
    (
        "mail_sender_address",
        lambda s: s.mail_sender_address.count("@") != 1,
        "must be one mail address, such as exams@example.edu.",
    ),
    (
        "sentry_dsn",
        lambda s: bool(s.sentry_dsn) and not _is_web_url(s.sentry_dsn),
        "must be the https:// address that Sentry shows; leave it empty to send nothing.",
    ),
)


def _complete(settings: Settings, *, fill_embedded: bool) -> Settings:
    """Absolute data folder, secret key, addresses of the embedded services."""
    data = _from_root(settings.viva_data).resolve()
    values: dict[str, Any] = {"viva_data": data, "viva_formats": _from_root(settings.viva_formats)}
    if settings.speech_calibration is not None:
        values["speech_calibration"] = _from_root(settings.speech_calibration)
    if not settings.viva_secret_key:
        values["viva_secret_key"] = _kept_secret(data / "secret_key")
    if fill_embedded:
        values |= {
            name: value
            for name, value in embedded_addresses(data).items()
            # A store of one's own brings its own public address and keys.
            if not getattr(settings, "s3_endpoint" if name.startswith("s3_") else name)
        }
    return settings.with_values(**values)


def embedded_addresses(data: Path) -> dict[str, str]:
    """What `make up` wrote about the embedded services of this data folder; empty before the first start."""
    try:
        found = json.loads((data / "run" / "services.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {name: str(found[name]) for name in EMBEDDED_NAMES if found.get(name)}


def _kept_secret(path: Path) -> str:
    """The secret in `path`, made on first use. Two processes that start together read the same one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    if not path.exists():
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
            # Sessions and sealed answers hang on it: it must be there after a power cut.
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="utf-8")


def reachable_host(host: str) -> str:
    """The name to put into addresses for a bound host: this machine's own address where all are bound."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return f"[{host}]" if ":" in host else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket sends nothing; it only asks which address would be used.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])

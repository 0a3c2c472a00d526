"""A certificate of one's own for a trial on a local network: browsers warn once, then microphones work."""

import ipaddress
import socket
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from config.settings import Settings, reachable_host
from scripts.services.memory import write_private

VALID_DAYS = 397
"""The longest that browsers accept."""


def make_self_signed(settings: Settings) -> None:
    """Makes certificate and key in the data folder, unless those there name this machine and are good for a month."""
    cert_file, key_file = settings.tls_cert_file, settings.tls_key_file
    assert cert_file is not None  # noqa: S101 - asked for by VIVA_TLS
    assert key_file is not None  # noqa: S101
    names = _names(settings)
    now = datetime.now(UTC)
    if cert_file.exists() and key_file.exists() and _still_good(cert_file.read_bytes(), names, now):
        return
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(key, names, now)
    write_private(
        key_file,
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    )
    write_private(cert_file, certificate.public_bytes(serialization.Encoding.PEM).decode())


def _names(settings: Settings) -> list[str]:
    shown = urlsplit(settings.public_url).hostname or "localhost"
    return sorted({"localhost", "127.0.0.1", socket.gethostname(), reachable_host(settings.viva_host), shown})


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return x509.DNSName(name)


def _certificate(key: ec.EllipticCurvePrivateKey, names: list[str], now: datetime) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Viva on this machine")])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS - 1))
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _still_good(pem: bytes, names: list[str], now: datetime) -> bool:
    certificate = x509.load_pem_x509_certificate(pem)
    if certificate.not_valid_after_utc < now + timedelta(days=30):
        return False
    present = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return all(_general(name) in list(present) for name in names)

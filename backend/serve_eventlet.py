# ruff: noqa: E402 - the patch must come before everything that opens a socket
import eventlet

eventlet.monkey_patch()

"""The web process of VIVA_ASYNC_MODE=eventlet: Flask-SocketIO's own server. Why gevent is the default: ADR 0010."""

from backend.app import create_app
from backend.collector import spare_what_stays
from config.settings import load_settings


def main() -> None:
    """Serves until a signal; one process, which is what this mode is for."""
    settings = load_settings()
    app = create_app(settings)
    spare_what_stays()
    tls = {"certfile": str(settings.tls_cert_file), "keyfile": str(settings.tls_key_file)} if settings.uses_tls else {}
    app.extensions["socketio"].run(app, host=settings.viva_host, port=settings.viva_port, log_output=False, **tls)


if __name__ == "__main__":
    main()

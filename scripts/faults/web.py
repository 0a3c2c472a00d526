# ruff: noqa: E402 - the patch must come before everything that opens a socket
from gevent import monkey

monkey.patch_all()

"""The product's web process with crash points: `gunicorn scripts.faults.web:app`."""

from scripts.faults import crash, doubles

crash.install()
doubles.install()

from backend.app import create_app

app = create_app()
setattr(app, "wsgi_app", crash.guarded(app.wsgi_app))  # noqa: B010 - as Flask's documentation says, without its type

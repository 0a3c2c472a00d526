# ruff: noqa: E402 - the patch must come before everything that opens a socket
from gevent import monkey

monkey.patch_all()

"""The web process as gunicorn loads it: `backend.serve:app`. The patch above is its first line on purpose."""

from backend.app import create_app
from backend.collector import spare_what_stays

app = create_app()
spare_what_stays()

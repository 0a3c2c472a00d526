"""gunicorn's settings. `make up` hands them over as variables; the defaults are those of `.env.example`.

Only the standard library here: this file is read before the worker patches sockets, so nothing may open or wrap one.
"""

import os

_host = os.environ.get("VIVA_HOST") or "127.0.0.1"
bind = f"[{_host}]:" if ":" in _host else f"{_host}:"
bind += os.environ.get("VIVA_PORT") or "8000"
workers = int(os.environ.get("VIVA_WEB_WORKERS") or "2")
worker_class = "gthread" if os.environ.get("VIVA_ASYNC_MODE") == "threading" else "gevent"
worker_connections = 5000
threads = 200 if worker_class == "gthread" else 1
certfile = os.environ.get("GUNICORN_CERT") or None
keyfile = os.environ.get("GUNICORN_KEY") or None
control_socket_disable = True
timeout = 60
graceful_timeout = 10
keepalive = 65
max_requests = 0
accesslog = None
errorlog = "-"
loglevel = "warning"
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108 - heartbeat files, not data

"""The proxy that misbehaves: what each mode does to a line."""

import socket
import socketserver
import threading

import pytest

from scripts.faults.proxy import Loop, Proxy
from scripts.services.memory import free_port


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        try:
            while data := self.request.recv(100):
                self.request.sendall(data)
        except OSError:
            return


@pytest.fixture
def proxy():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        loop = Loop()
        made = Proxy(loop, target=("127.0.0.1", server.server_address[1]))
        yield made
        made.close()
        loop.stop()
        server.shutdown()


def connect(proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def test_it_forwards_and_goes_on_after_a_fault(proxy):
    with connect(proxy) as line:
        line.sendall(b"hello")
        assert line.recv(10) == b"hello"
    proxy.set("refuse")
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.set("pass")
    with connect(proxy) as line:
        line.sendall(b"again")
        assert line.recv(10) == b"again"


def test_reset_ends_open_lines_and_new_ones(proxy):
    with connect(proxy) as line:
        line.sendall(b"hello")
        assert line.recv(10) == b"hello"
        proxy.set("reset")
        with pytest.raises(ConnectionResetError):
            line.recv(10)
    with connect(proxy) as line:
        line.sendall(b"hello")
        with pytest.raises(ConnectionResetError):
            line.recv(10)


def test_a_stalled_line_goes_on_afterwards(proxy):
    proxy.set("stall")
    with connect(proxy) as line:
        line.sendall(b"hello")
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(10)
        proxy.set("pass")
        line.settimeout(5)
        assert line.recv(10) == b"hello"


def test_half_of_a_reply_comes_then_the_end(proxy):
    proxy.set("half_close")
    with connect(proxy) as line:
        line.sendall(b"hello")
        assert line.recv(10) == b"h"
        assert line.recv(10) == b""


def test_a_lost_reply_is_one_whose_request_arrived(proxy):
    proxy.set("lose_reply", every=2)
    with connect(proxy) as line:
        line.sendall(b"one")
        assert line.recv(10) == b"one"
        line.sendall(b"two")
        with pytest.raises(ConnectionResetError):
            line.recv(10)


def test_a_port_that_connections_of_a_moment_ago_still_keep_is_not_taken(monkeypatch):
    """It is free for a server that shares it, as `free_port` asks."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        used = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", used)) as client:
            server.accept()[0].close()
            client.recv(1)
    other = free_port()
    offered = iter([used, other])
    monkeypatch.setattr("scripts.faults.proxy.free_port", lambda _host: next(offered))
    loop = Loop()
    made = Proxy(loop)
    assert made.port == other
    made.close()
    loop.stop()

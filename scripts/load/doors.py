"""The parts of a load run behind proxies of the fault programme, so that they can go away and come back."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from scripts.faults.mail_double import MailDouble
from scripts.faults.proxy import SETTINGS_OF, Loop, Proxy, addresses_through, host_and_port
from scripts.services.memory import free_port


class Doors:
    """Closed, a door refuses, and resets what is open. `mail` counts what the provider behind its door took."""

    def __init__(self, parts: Sequence[str]) -> None:
        self._parts, self._loop = parts, Loop()
        mail_port = free_port()
        self.mail = MailDouble(mail_port)
        self._proxies: list[Proxy] = []
        self._mail_port = self._open(("127.0.0.1", mail_port)) if "mail" in parts else mail_port

    def lead(self, addresses: Mapping[str, str]) -> dict[str, str]:
        """The addresses, with those of our parts through a door each."""
        ports = {
            part: self._open(host_and_port(addresses[names[0]]))
            for part, names in SETTINGS_OF.items()
            if part in self._parts
        }
        return {**addresses, **addresses_through(addresses, ports)}

    @property
    def mail_settings(self) -> dict[str, str]:
        return {
            "mail_driver": "brevo",
            "brevo_api_key": "of-a-load-run",
            "brevo_base_url": f"http://127.0.0.1:{self._mail_port}/v3",
        }

    def close(self) -> None:
        for proxy in self._proxies:
            proxy.set("refuse")

    def open(self) -> None:
        for proxy in self._proxies:
            proxy.set("pass")

    def remove(self) -> None:
        for proxy in self._proxies:
            proxy.close()
        self.mail.close()
        self._loop.stop()

    def _open(self, target: tuple[str, int]) -> int:
        self._proxies.append(Proxy(self._loop, target=target))
        return self._proxies[-1].port


@contextlib.contextmanager
def hung(parts: Sequence[str]) -> Iterator[Doors | None]:
    """None without parts."""
    doors = Doors(parts) if parts else None
    try:
        yield doors
    finally:
        if doors is not None:
            doors.remove()

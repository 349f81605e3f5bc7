"""A server with a minted certificate that does with the plain text what a test wants: no PostgreSQL."""
from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable

from simulator.minted import Minted
from simulator.sidecar import make_context


class TlsServer:
    """Accepts connections, each of which `serve` then has, after the handshake; use it in `with`. Afterwards `port` is known."""

    def __init__(self, minted: Minted, serve: Callable[[ssl.SSLSocket], None]) -> None:
        self.context = make_context(minted, (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3), None, "none")
        self.context.sslobject_class = ssl.SSLObject
        self.context.sni_callback = None  # type: ignore[assignment]
        self.serve = serve
        self.threads: list[threading.Thread] = []
        self.open: list[socket.socket] = []

    def __enter__(self) -> TlsServer:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.run(self.accept)
        return self

    def __exit__(self, *_: object) -> None:
        for each in [self.listener, *self.open]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        for each in [self.listener, *self.open]:
            each.close()

    def run(self, work: Callable[..., None], *arguments: object) -> None:
        self.threads.append(threading.Thread(target=work, args=arguments, daemon=True))
        self.threads[-1].start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed in the end
            while True:
                self.run(self.talk, self.listener.accept()[0])

    def talk(self, plain: socket.socket) -> None:
        self.open.append(plain)
        with contextlib.suppress(OSError):
            tls = self.context.wrap_socket(plain, server_side=True)
            self.open.append(tls)
            self.serve(tls)

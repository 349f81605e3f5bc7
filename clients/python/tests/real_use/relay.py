"""A TCP relay that can stall, and drop packets as a broken link does."""
from __future__ import annotations

import contextlib
import ctypes
import select
import socket
import threading

CHUNK = 65536
TURN_S = 0.05  # how soon it notices that it is to go on, or to end
DROP_ALL = (ctypes.c_uint8 * 8)(0x06, 0, 0, 0, 0, 0, 0, 0)  # a classic BPF program: return 0 bytes of the packet
SO_ATTACH_FILTER = 26


class Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


class Relay:
    """Forwards to an address; use it in `with`. Afterwards `port` is known."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.upstream = upstream
        self.stalled = threading.Event()
        self.ended = threading.Event()
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.threads: list[threading.Thread] = []

    def __enter__(self) -> Relay:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.run(self.accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.cut()
        for thread in self.threads:
            thread.join()
        for each in self.pairs:
            for end in each:
                end.close()
        self.listener.close()

    def stall(self) -> None:
        """Forward nothing more; what comes is still acknowledged, as by a host that hangs."""
        self.stalled.set()

    def go_on(self) -> None:
        self.stalled.clear()

    def drop(self) -> None:
        """Lose every packet of the clients' connections, unacknowledged, as a link that broke silently."""
        program = Program(1, ctypes.cast(DROP_ALL, ctypes.c_void_p))
        for client, _ in self.pairs:
            client.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(program))

    def cut(self) -> None:
        """End every connection without a word of TLS."""
        for each in self.pairs:
            for end in each:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def run(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self.threads.append(thread)
        thread.start()

    def accept(self) -> None:
        while self.readable(self.listener):
            client, _ = self.listener.accept()
            server = socket.create_connection(self.upstream)
            self.pairs.append((client, server))
            self.run(self.forward, client, server)
            self.run(self.forward, server, client)

    def readable(self, source: socket.socket) -> bool:
        """Wait for bytes; False at the end of the relay."""
        while not self.ended.is_set():
            if self.stalled.is_set():
                self.ended.wait(TURN_S)
            elif select.select([source], [], [], TURN_S)[0] and not self.stalled.is_set():
                return True
        return False

    def forward(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while self.readable(source):
                data = source.recv(CHUNK)
                if not data:
                    break
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

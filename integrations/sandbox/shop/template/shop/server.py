"""Serves the shop with a thread for each request, and hands its port over without a gap.

The port is shared (SO_REUSEPORT): a new version listens beside the old one before that one is told to
go. Told to go (SIGTERM), a server first answers everybody who is in its queue.
"""

import os
import signal
import socketserver
import threading
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

from shop.app import Shop


class _Handler(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format, *arguments):
        """The shop logs by itself."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    allow_reuse_port = True
    daemon_threads = False
    request_queue_size = 128

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]
        self.setup_environ()

    def drain(self):
        """Answer who is in the queue."""
        self.socket.setblocking(False)
        while True:
            try:
                request, address = self.socket.accept()
            except (BlockingIOError, OSError):
                return
            request.setblocking(True)
            self.process_request(request, address)


ServerHandler.server_software = "Shop"


def serve(port: int) -> None:
    """Serve on the loopback `port` until SIGTERM or SIGINT."""
    shop = Shop(os.getpid())
    with _Server(("127.0.0.1", port), _Handler) as server:
        server.set_app(shop)

        def stop(number, frame):
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        shop.log("info", "serving", port=server.server_port)
        server.serve_forever(poll_interval=0.05)
        server.drain()
    shop.log("info", "stopped")

"""Serve a folder of pages on 127.0.0.1."""

import contextlib
import functools
import http.server
import webbrowser
from pathlib import Path


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serve files without a line for each request."""

    def log_message(self, *arguments: object) -> None:
        pass


def server(folder: Path, port: int = 0) -> http.server.ThreadingHTTPServer:
    """Return a server of a folder on 127.0.0.1, at a free port unless one is given."""
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Quiet, directory=folder))


def serve(folder: Path, port: int, browser: bool) -> None:
    """Print the address and serve a folder until Ctrl-C."""
    try:
        listening = server(folder, port)
    except OSError:
        listening = server(folder)
    address = f"http://127.0.0.1:{listening.server_port}/"
    print(f"The book is at {address} (Ctrl-C ends it)", flush=True)
    if browser:
        webbrowser.open(address)
    with listening, contextlib.suppress(KeyboardInterrupt):
        listening.serve_forever()

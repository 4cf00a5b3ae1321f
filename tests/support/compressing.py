"""A web server as hosts run it: text goes out compressed, and everything from memory."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

TEXT = ("text/", "application/javascript", "application/json", "application/xml", "image/svg+xml")


class Answer(BaseHTTPRequestHandler):
    """Sends what the server holds; connections stay open."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet where they fit
    disable_nagle_algorithm = True
    server: Compressing

    def do_GET(self) -> None:
        found = self.server.find(unquote(urlsplit(self.path).path))
        if found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        kind, plain, small = found
        use = self.server.gzip and small is not None and "gzip" in self.headers.get("Accept-Encoding", "")
        content = small if use and small is not None else plain
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if use:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


class Compressing(ThreadingHTTPServer):
    """Holds the files of a folder that were asked for, plain and compressed."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder = folder.resolve()
        self.gzip = True
        self.held: dict[str, tuple[str, bytes, bytes | None]] = {}

    def find(self, path: str) -> tuple[str, bytes, bytes | None] | None:
        """Type, content and compressed content of a file; None where there is none."""
        if path not in self.held:
            file = self.folder / path.lstrip("/")
            file = file / "index.html" if file.is_dir() else file
            if not file.is_file():
                return None
            kind, content = guess_type(file.name)[0] or "application/octet-stream", file.read_bytes()
            small = gzip.compress(content, 6, mtime=0) if kind.startswith(TEXT) else None
            self.held[path] = (kind, content, small)
        return self.held[path]


@contextmanager
def served_compressed(folder: Path) -> Iterator[Compressing]:
    """A server of a folder meanwhile."""
    with Compressing(folder) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()

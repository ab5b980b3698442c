"""Downloads against a server on this machine that breaks off, sends damaged files, or is not there."""

import hashlib
import http.server
import io
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest

from aecourse import datasets
from aecourse.datasets import adbench as downloads

pytest.importorskip("pooch")

BLOCK = downloads.BLOCK_BYTES
CONTENT = bytes(np.random.RandomState(0).randint(0, 256, 300_000, dtype=np.uint8))
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves ``files``; ``cut`` bytes at most in an answer, damaged where ``damage`` says so."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.requests, self.cuts = {}, [], []
        self.damaged, self.ranges, self.status = 0, True, 200

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        server.requests.append(wanted)
        data = server.files.get(self.path.lstrip("/"))
        if data is None or server.status != 200:
            return self.send_error(404 if data is None else server.status)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and server.ranges else 0
        if start >= len(data):
            return self.send_error(416)
        if server.damaged:
            server.damaged -= 1
            data = data[:-1] + bytes([data[-1] ^ 1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start : start + (server.cuts.pop(0) if server.cuts else len(data))])


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    server.files["data.bin"] = CONTENT
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def fetch(server, tmp_path, **options):
    return downloads.fetch("data.bin", SHA256, server.url, cache=tmp_path, **options)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_downloaded_once(server, tmp_path):
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None] and names(tmp_path) == ["data.bin"]


def test_a_broken_download_goes_on_where_it_stopped(server, tmp_path):
    server.cuts = [6 * BLOCK, 9 * BLOCK]
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={6 * BLOCK}-", f"bytes={15 * BLOCK}-"]
    assert names(tmp_path) == ["data.bin"]


def test_it_goes_on_in_the_next_call(server, tmp_path):
    server.cuts = [6 * BLOCK]
    with pytest.raises(downloads.DownloadError, match=f"broke off.*{6 * BLOCK:,} bytes are kept"):
        fetch(server, tmp_path, attempts=1)
    assert names(tmp_path) == ["data.bin.part"]
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, f"bytes={6 * BLOCK}-"]


def test_a_server_that_ignores_ranges_sends_all_again(server, tmp_path):
    server.cuts, server.ranges = [6 * BLOCK], False
    assert fetch(server, tmp_path).read_bytes() == CONTENT


def test_a_damaged_file_is_thrown_away_and_fetched_again(server, tmp_path):
    server.damaged = 1
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.requests == [None, None]


def test_a_file_that_stays_damaged_never_reaches_the_cache(server, tmp_path):
    server.damaged = 99
    with pytest.raises(downloads.DownloadError, match="another SHA-256"):
        fetch(server, tmp_path)
    assert names(tmp_path) == [] and len(server.requests) == 3


def test_pieces_of_something_else_are_thrown_away(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(b"x" * len(CONTENT))  # as long, so that nothing lies beyond
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.requests == [f"bytes={len(CONTENT)}-", None]


def test_a_damaged_file_in_the_cache_is_replaced(server, tmp_path):
    (tmp_path / "data.bin").write_bytes(b"short")
    assert fetch(server, tmp_path).read_bytes() == CONTENT


def test_the_servers_refusal_is_passed_on_at_once(server, tmp_path):
    server.status = 503
    with pytest.raises(downloads.DownloadError, match="the server answers 503"):
        fetch(server, tmp_path)
    with pytest.raises(downloads.DownloadError, match="the server answers 404"):
        downloads.fetch("other.bin", SHA256, server.url, cache=tmp_path)
    assert len(server.requests) == 2


def closed_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_without_a_network_the_message_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AECOURSE_ADBENCH_URL", f"http://127.0.0.1:{closed_port()}/tables")
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path))
    with pytest.raises(OSError) as caught:
        datasets.load_adbench("glass")
    message = str(caught.value)
    assert "no connection to the server" in message
    assert f"copy the file to {tmp_path / '14_glass.npz'}" in message
    assert "/tables/14_glass.npz" in message and "mirror" in message


def test_a_file_is_not_fetched_into_another_folder(tmp_path):
    for name in ("../evil", "a/b", "", ".."):
        with pytest.raises(ValueError, match="without folders"):
            downloads.fetch(name, SHA256, "http://127.0.0.1:9/", cache=tmp_path)


def test_the_cache_is_where_it_should_be(monkeypatch, tmp_path):
    assert downloads.cache_folder(tmp_path / "here") == tmp_path / "here"
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path))
    assert downloads.cache_folder() == tmp_path
    monkeypatch.delenv("AECOURSE_CACHE")
    assert downloads.cache_folder().name == "aecourse"


def test_pooch_is_asked_for_in_words():
    code = (
        "import sys; sys.modules['pooch'] = None\nfrom aecourse.datasets import adbench as downloads\n"
        "try: downloads.fetch('a', '0' * 64, 'http://127.0.0.1:9/')\nexcept ImportError as e: print(e)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "aecourse[data]"' in result.stdout, result


# --- ADBench -----------------------------------------------------------------------------------


def packed(X, y):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, X=X, y=y)
    return buffer.getvalue()


def test_load_adbench_splits_as_the_benchmark_does(server, tmp_path, monkeypatch):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(1000, 4)), np.repeat([0, 1], [900, 100])
    X[:, 0] = np.arange(1000)  # so that a row is known by its number
    server.files["14_glass.npz"] = packed(X, y)
    monkeypatch.setitem(
        downloads.ADBENCH, "14_glass.npz", hashlib.sha256(server.files["14_glass.npz"]).hexdigest()
    )
    split = datasets.load_adbench("glass", base_url=server.url, cache=tmp_path)
    assert split.X_test.shape == (300, 4) and split.y_test.sum() == 30
    assert len(split.X_train) == 504 and len(split.X_val) == 126
    parts = [set(part[:, 0]) for part in (split.X_train, split.X_val, split.X_test)]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 930
    assert max(parts[0] | parts[1]) < 900  # no anomaly to train on
    again = datasets.load_adbench("14_GLASS", cache=tmp_path)  # from the cache
    np.testing.assert_array_equal(again.X_test, split.X_test)
    assert server.requests == [None]


@pytest.mark.parametrize("name", ["nothing", "", "99_glass", "glass.npz"])
def test_unknown_tables_are_refused(name):
    with pytest.raises(ValueError, match="name must be one of annthyroid, .* Waveform; found"):
        downloads.fetch_adbench(name)


def test_checksums_are_checksums():
    assert all(len(each) == 64 and int(each, 16) for each in downloads.ADBENCH.values())
    assert len(set(downloads.ADBENCH.values())) == len(downloads.ADBENCH) == 10

"""Measure the seconds from a clone of the course to the first answered cell of lesson 00.

    python -m benchmarks.bench_first_cell            with the caches of uv and pip as they are
    python -m benchmarks.bench_first_cell --fresh    with empty caches: every package is downloaded

The commands are those of a student: git clone, make lab. The cell is sent to JupyterLab's own server, as a
browser would send it. Everything is made in a temporary folder and removed; the clone has what was committed.
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path

import nbformat
import websocket

from tools import catalogue, lab

ADDRESS = re.compile(r"(http://127\.0\.0\.1:(\d+))/lab\S*\?token=(\w+)")  # as the lab prints it


def listens(port: int) -> bool:
    """Say whether a server answers: the lab prints its address before that."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def ask(base: str, token: str, method: str, path: str) -> object:
    """Ask a Jupyter server for something; return its answer."""
    request = urllib.request.Request(f"{base}/api/{path}", method=method)
    request.add_header("Authorization", f"token {token}")
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read() or "null")


def run_cell(base: str, token: str, code: str) -> str:
    """Run a cell in a new kernel of a server; return what it prints, the traceback of an error included."""
    kernel = ask(base, token, "POST", "kernels")["id"]
    channels = f"{base.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels?token={token}"
    connection = websocket.create_connection(channels, timeout=180)
    name = uuid.uuid4().hex
    header = {
        "msg_id": name,
        "msg_type": "execute_request",
        "username": "",
        "session": name,
        "version": "5.3",
    }
    content = {"code": code, "silent": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    connection.send(json.dumps(message))
    shown = ""
    while True:
        answer = json.loads(connection.recv())
        if answer["parent_header"].get("msg_id") != name:
            continue
        content = answer["content"]
        shown += content.get("text", "") + "".join(content.get("traceback", ()))
        if content.get("execution_state") == "idle":
            connection.close()
            ask(base, token, "DELETE", f"kernels/{kernel}")
            return shown


def first_cell() -> str:
    """Return the source of the first cell of code of the lesson that the lab opens with."""
    cells = nbformat.read(catalogue.NOTEBOOKS / lab.FIRST, as_version=4).cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


def environment(folder: Path, fresh: bool) -> dict[str, str]:
    """Return the environment of a student who has nothing of the course yet."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AECOURSE", "MAKE"))}
    if fresh:
        own |= {name: str(folder / name.lower()) for name in ("UV_CACHE_DIR", "PIP_CACHE_DIR")}
    return own | {"BROWSER": "true"}


def measure(folder: Path, fresh: bool) -> list[tuple[str, float]]:
    """Do what a student does; return what was reached, each with the seconds since the beginning."""
    began, reached = time.monotonic(), []

    def note(what: str) -> None:
        reached.append((what, time.monotonic() - began))

    clone = folder / "course"
    subprocess.run(["git", "clone", "--quiet", f"file://{catalogue.ROOT}", clone], check=True)
    note("cloned")
    server = subprocess.Popen(
        ["make", "lab"],
        cwd=clone,
        env=environment(folder, fresh),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said = ""
        for line in server.stdout:
            said += line
            if line.startswith("Set up in"):
                note("set up")
            if found := ADDRESS.search(line):
                break
        else:
            raise SystemExit(f"make lab ended before it printed an address:\n{said}")
        base, port, token = found.groups()
        while not listens(int(port)):
            time.sleep(0.05)
        note("JupyterLab answers")
        shown = run_cell(base, token, first_cell())
        note("first cell answered")
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    if "Traceback" in shown or not shown:
        raise SystemExit(f"the cell failed: {shown}")
    return reached


def main(arguments: list[str] | None = None) -> int:
    """Measure once and print a line for each step."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench_first_cell", description=__doc__.split("\n", 1)[0]
    )
    parser.add_argument("--fresh", action="store_true", help="with empty caches of uv and pip")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for what, seconds in measure(Path(folder), options.fresh):
            print(f"{seconds:7.1f} s  {what}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

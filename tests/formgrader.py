"""nbgrader's marking pages, on a Jupyter server of their own."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.request


@contextlib.contextmanager
def opened(course, own):
    """Start a Jupyter server in a course folder; yield what gets a page, with the pages' address.

    Parameters
    ----------
    course : path-like
        The folder that the gradebook is in.
    own : pathlib.Path
        A folder for the server's settings.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "PATH": os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]),
    }
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "jupyter_server",
            "--no-browser",
            "--allow-root",
            f"--port={port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.token=",
            "--ServerApp.password=",
            "--ServerApp.disable_check_xsrf=True",
        ],
        cwd=course,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}/formgrader"

    def get(path):
        with urllib.request.urlopen(address + path, timeout=60) as answer:
            return answer.read().decode()

    get.address = address
    try:
        waited = time.monotonic() + 90
        while time.monotonic() < waited:
            try:
                get("/api/assignments")
                break
            except OSError:
                time.sleep(0.5)
        yield get
    finally:
        server.kill()
        server.wait()


def submissions(get, name):
    """Return the number of each student's submission, by which its page is found."""
    return {row["student"]: row["id"] for row in json.loads(get(f"/api/submitted_notebooks/{name}/{name}"))}

"""Chromium for the tests, driven by Playwright, with an eye on what its pages do wrong."""

import contextlib
import pathlib
import subprocess
import threading
import time
import urllib.parse

from playwright.sync_api import Error, sync_playwright

from tools.book.serve import server
from tools.pdf import executable

SCREENSHOTS = pathlib.Path(__file__).parents[1] / "_build" / "screenshots"
WIDTHS = (360, 768, 1440)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def dumped(address, profile, milliseconds):
    """Return a page as HTML, after its scripts had so much of the browser's own time."""
    line = [
        executable(),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={profile}",
        f"--virtual-time-budget={milliseconds}",
        "--dump-dom",
        address,
    ]
    return subprocess.run(line, capture_output=True, text=True, timeout=120).stdout


@contextlib.contextmanager
def browser():
    """Open a browser without a window."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        try:
            yield opened
        finally:
            opened.close()


def keep_picture(of, name, **how):
    """Keep a screenshot of a page or an element for people to look at; return its path.

    A browser on a busy machine may need a second attempt.
    """
    path = SCREENSHOTS / f"{name}.png"
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for attempts_left in (2, 1, 0):
        try:
            of.screenshot(path=path, **how)
            return path
        except Error:
            if not attempts_left:
                raise
            time.sleep(0.5)


@contextlib.contextmanager
def served(folder):
    """Serve a folder at a free port of this machine; yield the address."""
    with server(folder) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}/"
        finally:
            listening.shutdown()


def watch(page):
    """Return a list that fills with what goes wrong: errors, failed requests, requests to other hosts."""
    faults = []

    def requested(request):
        address = urllib.parse.urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.hostname != "127.0.0.1":
            faults.append(f"request to another host: {request.url}")

    def said(message):
        if message.type == "error":
            faults.append(f"console: {message.text}")

    page.on("request", requested)
    page.on("requestfailed", lambda request: faults.append(f"request failed: {request.url}"))
    page.on("console", said)
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    return faults


def watch_files(page, folder):
    """Return a list that fills with what goes wrong on a page from a folder: errors, requests outside it."""
    faults = []
    here = folder.as_uri()

    def requested(request):
        if not request.url.startswith((here, "data:", "blob:")):
            faults.append(f"request outside the folder: {request.url}")

    page.on("request", requested)
    page.on("requestfailed", lambda request: faults.append(f"request failed: {request.url}"))
    page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    return faults

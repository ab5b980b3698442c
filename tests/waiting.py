"""Wait for an event in tests, instead of for some seconds."""

import time


def wait_until(happened, seconds=120):
    """Wait until a function returns something true; the limit only guards against a hang."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "what the test waits for did not happen"
        time.sleep(0.02)

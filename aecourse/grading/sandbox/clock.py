"""Time as a submission is charged for it: not for a processor that was busy with something else.

Both sides of the wall measure by this rule, so it imports nothing of the grader.
"""

import time

# A process that uses less than this share of the time is asleep, and sleep is charged in full.
ASLEEP = 0.1
# Seconds of waiting that are judged together.
WINDOW = 1.0
# However busy the machine is, a deadline comes after this many times its seconds.
MAX_SLOWDOWN = 5.0


def charged(wall: float, processor: float) -> float:
    """Return the seconds that a process is charged for.

    Parameters
    ----------
    wall : float
        Seconds that passed.
    processor : float
        Seconds of processor time that it used meanwhile, on all cores together.

    Returns
    -------
    float

    Examples
    --------
    >>> charged(10.0, 10.0), charged(10.0, 3.0), charged(10.0, 38.0), charged(10.0, 0.0)
    (10.0, 3.0, 10.0, 10.0)
    """
    return min(wall, processor) if processor >= ASLEEP * wall else wall


class Clock:
    """The seconds that a submission has been charged for so far.

    Attributes
    ----------
    waited : float
        Seconds that it waited for a processor, which are not charged.
    """

    def __init__(self) -> None:
        self._charged = self.waited = 0.0
        self._started = time.monotonic()

    def now(self) -> float:
        """Return the seconds charged; deadlines are on this clock."""
        return max(self._charged, (time.monotonic() - self._started) / MAX_SLOWDOWN)

    def add(self, seconds: float) -> None:
        """Charge some seconds."""
        self._charged += seconds

    def give_back(self, seconds: float) -> None:
        """Take back what was charged while another process had the processor."""
        self._charged -= seconds
        self.waited += seconds

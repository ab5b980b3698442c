"""A progress bar with the time left, that leaves nothing behind.

In a notebook it is a widget, in a terminal a line on standard error. Both vanish when the work is
done, so that the stored output of a lesson does not hold a bar whose timings differ from run to run.
Headless runs set ``AECOURSE_PROGRESS=0``, which turns bars off.
"""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm


def wanted() -> bool:
    """Say whether progress bars are shown, as they are unless ``AECOURSE_PROGRESS=0`` is set.

    Returns
    -------
    bool

    Examples
    --------
    >>> import os
    >>> from aecourse import progress
    >>> progress.wanted() == (os.environ.get("AECOURSE_PROGRESS", "1") != "0")
    True
    """
    return os.environ.get("AECOURSE_PROGRESS", "1") != "0"


def bar(
    iterable: Iterable[Any] | None = None, *, description: str = "", total: int | None = None
) -> "tqdm[Any]":
    """Wrap an iterable in a progress bar with the time left.

    Parameters
    ----------
    iterable : iterable, optional
        What to loop over. Without it, call ``update()`` on the returned bar.
    description : str
        Words in front of the bar.
    total : int, optional
        Number of steps, for an iterable without a length.

    Returns
    -------
    tqdm.tqdm
        The bar; iterate over it, or use it in a ``with`` block.

    Examples
    --------
    >>> from aecourse import progress
    >>> sum(progress.bar(range(4), description="adding"))
    6
    """
    if wanted():
        from tqdm.auto import tqdm
    else:
        from tqdm import tqdm  # the plain bar, so that no widget is made for nothing
    return tqdm(iterable, desc=description, total=total, leave=False, disable=not wanted())

"""Lines for a terminal, whoever wrote the text in them."""

import sys
import unicodedata

# Control characters, invisible ones that turn the direction of writing, halves of pairs, and unassigned ones.
NOT_SHOWN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def cleaned(text: object) -> str:
    """Return text in which each character that could command a terminal, or hide, is shown as its code.

    Parameters
    ----------
    text : object
        Line ends and tabs stay.

    Returns
    -------
    str

    Examples
    --------
    >>> cleaned("a\\x1b[2J") == "a\\\\x1b[2J", cleaned("Иванов 李明")
    (True, 'Иванов 李明')
    """
    return "".join(
        sign
        if sign in "\n\t" or unicodedata.category(sign) not in NOT_SHOWN
        else sign.encode("unicode_escape").decode("ascii")
        for sign in str(text)
    )


def say(*lines: object, wrong: bool = False) -> None:
    """Print lines, cleaned, to the standard output, or to the standard error if something is wrong.

    Parameters
    ----------
    *lines : object
    wrong : bool
    """
    stream = sys.stderr if wrong else sys.stdout
    text = "\n".join(map(cleaned, lines))
    # A terminal of another encoding must not end the command.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)

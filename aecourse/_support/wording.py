"""Numbers in sentences."""


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(1000, "row"), counted(2, "class", "classes")
    ('1 row', '1,000 rows', '2 classes')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def from_to(low: str, high: str) -> str:
    """Return a range in words; two ends that read alike are one value.

    Examples
    --------
    >>> from_to("0.93", "1.00"), from_to("1.00", "1.00")
    ('from 0.93 to 1.00', '1.00')
    """
    return low if low == high else f"from {low} to {high}"

"""Numbers as people write them: ``1,234.50``, ``1.234,50``, ``(12 %)``, ``−5 kg`` or ``CHF 1'000``.

How the numbers of a column are written is found from the whole column, because a single value often does not
tell: ``1,234`` may be a thousand or a little more than one. Babel parses numbers of a language that one must
name, price-parser guesses for each value on its own, and pandas takes one separator for all columns of a
file, so none of them can be asked what a column says.

The functions work on *shapes*. The shape of a text is the text with each digit replaced by 9, so that a
million different amounts have a dozen shapes, and only shapes are examined one by one.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Contradiction", "Style", "find_style", "look_like_numbers", "shapes", "to_floats"]

DECIMALS = (".", ",")
THOUSANDS = (",", ".", " ", "'", "_")
MOST_SHAPES = 5000  # of a column with more shapes the rarest are not examined: it holds free text
MIN_SHARE = 0.01  # a second way of writing that fewer values have is a slip, and not a contradiction

_CURRENCIES = set(
    "USD EUR GBP CHF JPY CNY INR AUD CAD NZD SEK NOK DKK PLN CZK HUF BRL MXN ZAR KRW SGD HKD TRY RUB "
    "US$ A$ C$ R$ NZ$ HK$ S$ kr kr. Kč zł Ft Rs Rs. Fr. RM".split()
)
# Units that are recognised beside each other. One single unit of a column may be any short text.
_UNITS = set(
    "% ‰ g kg mg µg t lb lbs oz m cm mm km µm nm in ft yd mi s ms min h d °C °F °K K C F l L ml mL cl dl W "
    "kW MW V mV kV A mA Hz kHz MHz GHz B kB KB MB GB TB Pa kPa hPa bar mbar psi J kJ cal kcal "
    "k M Mio Mio. Mrd Mrd. bn mn tsd. Tsd. Cr mg/dl mg/dL g/l g/L mmol/l mmol/L m/s km/h mph ° "
    "m² km² cm² mm² ft² m³ dm³ cm³ mm³ ft³ m/s² m³/h m³/s kg/m³ g/m³ mg/m³ µg/m³ kg/m² W/m² "
    "Wh kWh MWh".split()
)
# A digit of a unit, such as that of m2, must not be taken for one of the number.
_POWER = re.compile(r"(?<![A-Za-z])([kcdm]?m|ft|in|yd|s)\^?([23])(?![0-9A-Za-z])")
# Beside numbers without a unit these change the size of a number, where kg or EUR only repeat what is meant.
_MULTIPLIERS = {"%": 0.01, "‰": 0.001, "k": 1000, "K": 1000, "M": 10**6, "mn": 10**6, "Mio": 10**6}
_MULTIPLIERS |= {"Mio.": 10**6, "bn": 10**9, "Mrd": 10**9, "Mrd.": 10**9}
_PREFIXES = {"k": 1e3, "m": 1e-3, "µ": 1e-6, "c": 0.01, "d": 0.1, "n": 1e-9, "M": 1e6, "G": 1e9}
_SPECIAL = {
    "true": 1.0,
    "false": 0.0,
    "inf": np.inf,
    "+inf": np.inf,
    "-inf": -np.inf,
    "infinity": np.inf,
    "+infinity": np.inf,
    "-infinity": -np.inf,
    "∞": np.inf,
    "-∞": -np.inf,
}
_DASHES, _QUOTES = "−–‒﹣－", "’‘ʼ´`＇"
_OTHER_SIGNS = {"٫": ".", "٬": "'", "％": "%", "٪": "%", "μ": "µ", "．": ".", "，": ",", "＋": "+"}
# Numbers that a spreadsheet was told to keep as they are, ="12" or '12, and those in single marks.
_AS_TEXT = re.compile(r"""(?:(?<=\0)|^)(?:="([^"\0]*)"|'([^'\0]*)'?)(?=\0|$)""")
_TIMES_TEN = re.compile(r" ?[x×·*] ?10(?:\^|\*\*)?(?P<power>(?<=[\^*])[-+−]?\d{1,3}|[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻−", "0123456789+--")
_TO_NINES = str.maketrans("012345678", "9" * 9)
_FORM = re.compile(
    r"(?P<open>\()?(?P<sign>[-+]?) ?(?P<before>[^\d\s.,'()+_-][^\d\s,'()+_-]*)? ?(?P<inner>[-+]?) ?"
    r"(?P<core>\d(?:[\d.,' _]*\d)?[.,]?|[.,]\d+)(?P<exponent>[eE][-+]?\d{1,4}|[dD][-+]\d{1,3})? ?"
    r"(?P<after>[^\d\s.,'()+_-][^\d()+_-]{0,15}?)? ?(?P<behind>-)?(?P<close>\))?"
)


@dataclass(frozen=True)
class Style:
    """How the numbers of a column are written.

    Attributes
    ----------
    decimal : {'.', ','}
        The decimal sign.
    thousands : str
        The sign between groups of digits; empty if none was seen.
    units : dict of str to float
        Units and currencies that may accompany a number, and the factor of each.
    fraction : bool
        Whether digits after the decimal sign were seen.

    Examples
    --------
    >>> Style(",", ".").describe("1.234,50")
    "numbers written like '1.234,50' (decimal sign ',', thousands separated by '.')"
    """

    decimal: str = "."
    thousands: str = ""
    units: tuple[tuple[str, float], ...] = ()
    fraction: bool = False

    @property
    def plain(self) -> bool:
        """bool: Whether any reader of CSV files understands these numbers."""
        return self.decimal == "." and not self.thousands and not self.units

    def describe(self, example: str) -> str:
        """Say in words how the numbers are written.

        Parameters
        ----------
        example : str
            One of them.

        Returns
        -------
        str
        """
        details = [f"decimal sign {self.decimal!r}"]
        if self.thousands:
            details.append(f"thousands separated by {self.thousands!r}")
        for unit, factor in self.units:
            if unit:
                details.append(f"unit {unit!r}" + (f" times {factor:g}" if factor != 1 else ""))
        return f"{WRITTEN} {example!r} ({', '.join(details)})"


WRITTEN = "numbers written like"  # with an example, and the details in brackets

_BEFORE_THREE_DIGITS = (
    "numbers such as {0!r}, in which the {1} may be a decimal sign or separate thousands. Say which: "
    "--decimal {2} or --thousands {2} (decimal='{2}' or thousands='{2}')."
)


class Contradiction(ValueError):
    """The numbers of a column can be read in two ways, and an option must decide.

    Examples
    --------
    >>> try:
    ...     find_style(["1,234.5", "1.234,5"])
    ... except Contradiction as error:
    ...     print(error)
    numbers such as '1,234.5' and '1.234,5', of which each needs another decimal sign. Pass the right one: \
decimal= or --decimal; values that do not fit it count as unreadable.
    """


@dataclass(frozen=True)
class _Parts:
    """A shape taken apart."""

    negative: bool
    unit: str
    known: bool  # whether the unit is one that people use, and not a letter of a code such as 12A
    core: str
    exponent: bool
    readings: frozenset[tuple[str, str]]  # the (decimal, thousands) under which the core is a number


def shapes(texts: Sequence[str]) -> tuple[NDArray[np.intp], list[str], list[str]]:
    """Return the shapes of texts: each digit becomes 9.

    Parameters
    ----------
    texts : sequence of str of shape (n,)
        The texts.

    Returns
    -------
    codes : ndarray of int of shape (n,)
        The position of each text's shape in the list of shapes.
    shapes : list of str
        The different shapes.
    cleaned : list of str of shape (n,)
        The texts with one kind of blank, minus, apostrophe and digit.

    Examples
    --------
    >>> codes, found, _ = shapes(["12.5", "7", "30.1"])
    >>> codes.tolist(), found
    ([0, 1, 0], ['99.9', '9'])
    """
    joined = "\0".join(texts)
    if joined.count("\0") != len(texts) - 1:  # a text contains the sign that divides them
        joined = "\0".join(text.replace("\0", "\ufffd") for text in texts)
    if "'" in joined or '="' in joined:
        joined = _AS_TEXT.sub(lambda found: found[1] or found[2], joined)
    joined = _TIMES_TEN.sub(_exponent, joined) if "10" in joined else joined
    if _POWER.search(joined):
        joined = _POWER.sub(lambda found: found[1] + "²³"[found[2] == "3"], joined)
    if not joined.isascii():
        joined = joined.translate({ord(sign): _in_ascii(sign) for sign in set(joined) if sign > "\x7f"})
    cleaned = joined.split("\0")
    codes, found = pd.factorize(np.array(joined.translate(_TO_NINES).split("\0"), dtype=object))
    return codes, found.tolist(), cleaned


def _exponent(found: re.Match[str]) -> str:
    """Write times a power of ten as an exponent."""
    return "e" + found["power"].translate(_SUPERSCRIPTS)


def _in_ascii(sign: str) -> str:
    """Write a blank, minus, apostrophe, digit or Arabic separator as its ASCII relative."""
    if sign in _DASHES:
        return "-"
    if sign in _QUOTES:
        return "'"
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    if sign.isspace():
        return " "
    return _OTHER_SIGNS.get(sign, "" if unicodedata.category(sign) == "Cf" else sign)


def _reading_patterns() -> dict[tuple[str, str], re.Pattern[str]]:
    patterns = {}
    for decimal in DECIMALS:
        for thousands in ("", *THOUSANDS):
            if thousands == decimal:
                continue
            whole = r"\d+"
            if thousands:
                sign = re.escape(thousands)
                # groups of three, or in India groups of two before the last one
                whole = rf"(?:\d+|\d{{1,3}}(?:{sign}\d{{3}})+|\d{{1,2}}(?:{sign}\d\d)+{sign}\d{{3}})"
            mark = re.escape(decimal)
            patterns[decimal, thousands] = re.compile(rf"{whole}(?:{mark}\d*)?|{mark}\d+")
    return patterns


_READINGS = _reading_patterns()
_PLAIN = (".", "")


def _dissect(text: str) -> _Parts | None:
    """Take a text, or a shape, apart; None if it is not a number with at most a sign and a unit."""
    found = _FORM.fullmatch(text)
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    signs = [sign for sign in (found["sign"], found["inner"], found["behind"]) if sign]
    before, after = found["before"] or "", (found["after"] or "").strip()
    if len(signs) + bool(found["open"]) > 1 or (before and not _is_currency(before)):
        return None
    readings = frozenset(pair for pair, pattern in _READINGS.items() if pattern.fullmatch(found["core"]))
    if not readings:
        return None
    unit = f"{before} {after}".strip()
    letter = len(unit) == 1 and unit.isupper() and unit not in "KM" and f" {unit}" not in text
    return _Parts(
        negative=bool(found["open"]) or "-" in signs,
        unit=unit,
        known=_is_known_unit(unit) and not letter,
        core=found["core"],
        exponent=found["exponent"] is not None,
        readings=readings,
    )


def _is_currency(text: str) -> bool:
    return text in _CURRENCIES or all(unicodedata.category(sign) == "Sc" for sign in text)


def _is_known_unit(unit: str) -> bool:
    return all(part in _UNITS or _is_currency(part) for part in unit.split())


@dataclass(frozen=True)
class _Group:
    """The texts of one shape: how many there are, one of them, and what their shape says."""

    weight: int
    example: str
    parts: _Parts
    padded: bool  # whether one of them begins with a zero that is followed by another digit or separator


def find_style(
    texts: Sequence[str],
    weights: Sequence[int] | NDArray[np.int64] | None = None,
    *,
    decimal: str | None = None,
    thousands: str | None = None,
    units: Mapping[str, float] | None = None,
) -> Style | None:
    """Find out how the numbers of a column are written.

    Parameters
    ----------
    texts : sequence of str of shape (n,)
        The different texts of the column, without surrounding blanks.
    weights : sequence of int of shape (n,), optional
        How often each occurs.
    decimal, thousands : str, optional
        The signs, where the caller knows them. A column that cannot be read with them is read as it is
        written.
    units : dict of str to float, optional
        Units with the factor of each. A number without a unit has the factor 1.

    Returns
    -------
    Style or None
        None if the column holds names, or codes such as ``007``.

    Raises
    ------
    Contradiction
        If numbers can be read in two ways. The message continues "the column holds …".

    Examples
    --------
    >>> find_style(["1.234,50", "12,5"])
    Style(decimal=',', thousands='.', units=(), fraction=True)
    >>> find_style(["12A", "7B", "3"]) is None
    True
    """
    weights = np.ones(len(texts), dtype=int) if weights is None else np.asarray(weights)
    groups = _groups(texts, weights)
    if sum(group.weight for group in groups) < 0.5 * weights.sum() or not groups or _are_codes(groups):
        return None
    named = {shapes([unit])[2][0]: worth for unit, worth in (units or {}).items()}  # m2 as m²
    kept = _choose_units(groups, named)
    groups = [group for group in groups if group.parts.unit in kept]
    if sum(group.weight for group in groups) < 0.5 * weights.sum():
        return None
    sign, separator = _choose_signs(groups, decimal, thousands)
    readable = [group for group in groups if (sign, separator) in group.parts.readings]
    if separator and not any(separator in group.parts.core for group in readable):
        separator = ""
    fraction = any(sign in group.parts.core for group in readable)
    factors = tuple((unit, float(named.get(unit, 1.0))) for unit in sorted(kept))
    return Style(sign, separator, factors if any(kept) else (), fraction)


def _groups(texts: Sequence[str], weights: NDArray) -> list[_Group]:
    """Return the shapes that are numbers, the most frequent first."""
    if not len(texts):
        return []
    codes, found, cleaned = shapes(texts)
    counts = np.bincount(codes, weights=weights).astype(int)
    first = pd.Series(np.arange(len(codes))).groupby(codes).first().to_numpy()
    zero = np.fromiter((_begins_with_zero(text) for text in cleaned), bool, len(cleaned))
    padded = np.bincount(codes, weights=zero * weights)
    groups = []
    for code in np.argsort(-counts, kind="stable")[:MOST_SHAPES]:
        parts = _dissect(found[code])
        if parts is not None:
            groups.append(_Group(int(counts[code]), cleaned[first[code]], parts, padded[code] > 0))
    return groups


def look_like_numbers(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Say which texts could be numbers, however they are written.

    Parameters
    ----------
    texts : sequence of str of shape (n,)
        Texts without surrounding blanks.

    Returns
    -------
    ndarray of bool of shape (n,)

    Examples
    --------
    >>> look_like_numbers(["1.234,5", "(7 kg)", "<5", "?"]).tolist()
    [True, True, False, False]
    """
    if not len(texts):
        return np.zeros(0, dtype=bool)
    codes, found, _ = shapes(texts)
    frequent = np.argsort(-np.bincount(codes), kind="stable")[:MOST_SHAPES]
    like = np.zeros(len(found), dtype=bool)
    like[frequent] = [_dissect(found[code]) is not None for code in frequent]
    return like[codes]


def _begins_with_zero(text: str) -> bool:
    text = text.lstrip("-+(")
    return len(text) > 1 and text[0] == "0" and (text[1].isdigit() or text[1] in ",.'_ ")


def _are_codes(groups: list[_Group]) -> bool:
    """Whether all values are bare digits and some begin with a zero, as postcodes do."""
    bare = all(group.parts.core.isdigit() and not group.parts.unit for group in groups)
    if not bare or not any(group.padded for group in groups):
        return False
    total = sum(group.weight for group in groups)
    padded = sum(group.weight for group in groups if group.padded)
    return len({len(group.parts.core) for group in groups}) == 1 or padded >= MIN_SHARE * total


def _choose_units(groups: list[_Group], named: Mapping[str, float]) -> set[str]:
    """Return the units that may accompany numbers of the column; "" stands for none."""
    counts: dict[str, int] = {}
    examples: dict[str, str] = {}
    are_known: set[str] = set()
    for group in groups:
        unit = group.parts.unit
        counts[unit] = counts.get(unit, 0) + group.weight
        examples.setdefault(unit, group.example)
        are_known |= {unit} if group.parts.known else set()
    total = sum(counts.values())
    if set(counts) <= {""} | set(named):
        return set(counts)
    usual = {unit for unit, count in counts.items() if unit and count >= MIN_SHARE * total}
    if len(usual) == 1:
        (unit,) = usual
        if counts.get("", 0) >= MIN_SHARE * total and unit.split()[-1] in _MULTIPLIERS:
            raise _two_units(examples, unit, "")
        if counts[unit] >= 0.5 * total or unit in are_known:
            return {unit, ""}
        return {""}
    known = sorted(usual & are_known, key=lambda unit: -counts[unit])
    if len(known) >= 2 and sum(counts[unit] for unit in known) + counts.get("", 0) >= 0.8 * total:
        raise _two_units(examples, *known[:2])
    return {""} | set(named)


def _two_units(examples: Mapping[str, str], one: str, other: str) -> Contradiction:
    if one and other:
        options = f"--units '{one}=1' --units '{other}={_worth(other, one)}'"
    else:
        options = f"--units '{one}={_MULTIPLIERS[one.split()[-1]]}'"
    return Contradiction(
        f"numbers with different units, such as {examples[one]!r} and {examples[other]!r}. Say what each "
        f"unit is worth, such as {options} (units= in Python); a number without a unit counts once."
    )


def _worth(unit: str, other: str) -> str:
    """Return what one unit is worth in another, if a prefix tells; else an example."""
    for long, short, power in ((unit, other, 1), (other, unit, -1)):
        if long.endswith(short) and long.removesuffix(short) in _PREFIXES:
            return f"{_PREFIXES[long.removesuffix(short)] ** power:g}"
    return "1.1"


def _choose_signs(groups: list[_Group], decimal: str | None, thousands: str | None) -> tuple[str, str]:
    """Return the decimal sign and the separator of thousands under which the column can be read."""
    total = sum(group.weight for group in groups)
    cover = {
        pair: sum(group.weight for group in groups if pair in group.parts.readings) for pair in _READINGS
    }
    asked = {
        pair: count
        for pair, count in cover.items()
        if decimal in (None, pair[0]) and (thousands is None or pair[1] == thousands)
    }
    enough = (1 - MIN_SHARE) * total
    if asked and len(asked) < len(cover) and max(asked.values()) >= 0.5 * total:
        # the caller decides; the simplest of the readings that understand the most values
        return min(asked, key=lambda pair: (-asked[pair], list(_READINGS).index(pair)))
    best = [pair for pair, count in cover.items() if count == max(cover.values())]
    if cover[best[0]] < enough:
        raise _two_signs(groups, best[0])
    if (",", "") in best and (".", ",") in best and _PLAIN not in best:
        return _thousand_or_decimal(groups)
    if _PLAIN in best and (",", ".") in best and _may_be_thousands(groups):
        raise Contradiction(_BEFORE_THREE_DIGITS.format(_with_sign(groups, ".").example, "point", "."))
    return best[0]


def _thousand_or_decimal(groups: list[_Group]) -> tuple[str, str]:
    """Say what a comma is in a column in which each is followed by three digits."""
    with_comma = [group for group in groups if "," in group.parts.core]
    bare = [len(group.parts.core) for group in groups if "," not in group.parts.core]
    if any(group.padded for group in with_comma) or any(digits > 3 for digits in bare):
        return ",", ""  # nobody writes 0,123 for 123, or 1234 beside 1,234
    if bare:
        return ".", ","
    raise Contradiction(_BEFORE_THREE_DIGITS.format(with_comma[0].example, "comma", ","))


def _may_be_thousands(groups: list[_Group]) -> bool:
    """Whether all points stand before three digits, beside short numbers without a point."""
    bare = [len(group.parts.core) for group in groups if group.parts.core.isdigit()]
    padded = any(group.padded for group in groups if "." in group.parts.core)
    dots = any("." in group.parts.core for group in groups)
    return dots and not padded and bool(bare) and max(bare) <= 3


def _with_sign(groups: list[_Group], sign: str) -> _Group:
    return next(group for group in groups if sign in group.parts.core)


def _two_signs(groups: list[_Group], best: tuple[str, str]) -> Contradiction:
    one = next(group for group in groups if best in group.parts.readings)
    other = next(group for group in groups if best not in group.parts.readings)
    with_sign = [group for group in groups if best in group.parts.readings and not group.parts.core.isdigit()]
    one = with_sign[0] if with_sign else one
    return Contradiction(
        f"numbers such as {one.example!r} and {other.example!r}, of which each needs another decimal sign. "
        "Pass the right one: decimal= or --decimal; values that do not fit it count as unreadable."
    )


def to_floats(texts: Sequence[str], style: Style) -> NDArray[np.float64]:
    """Read numbers that are written in a known style.

    Parameters
    ----------
    texts : sequence of str of shape (n,)
        Texts without surrounding blanks.
    style : Style
        How they are written, from :func:`find_style`.

    Returns
    -------
    ndarray of shape (n,)
        The numbers; what cannot be read is NaN, and True and False are 1 and 0.

    Examples
    --------
    >>> to_floats(["1.234,5", "(7)", "?"], Style(",", "."))
    array([1234.5,   -7. ,    nan])
    """
    result = np.full(len(texts), np.nan)
    if not len(texts):
        return result
    codes, found, cleaned = shapes(texts)
    frequent = np.argsort(-np.bincount(codes), kind="stable")[:MOST_SHAPES]
    factors = np.full(len(found), np.nan)
    slow = np.zeros(len(found), dtype=bool)
    for code in frequent:
        shape = found[code]
        if shape.lower() in _SPECIAL:
            result[codes == code] = _SPECIAL[shape.lower()]
            continue
        parts = _dissect(shape)
        if parts is not None and (factor := _factor(parts, style)) is not None:
            factors[code] = -factor if parts.negative else factor
            slow[code] = parts.exponent or style.decimal in parts.unit
    factor = factors[codes]
    quick = np.flatnonzero(~np.isnan(factor) & ~slow[codes])
    if quick.size:
        joined = "\0".join([cleaned[row] for row in quick])
        deleted = {ord(sign): None for sign in set(joined) - set("0123456789\0" + style.decimal)}
        joined = joined.translate(deleted).replace(style.decimal, ".")
        result[quick] = np.fromiter(map(float, joined.split("\0")), float, quick.size)
        result[quick] *= factor[quick]
    for row in np.flatnonzero(~np.isnan(factor) & slow[codes]):
        result[row] = factor[row] * _one_float(cleaned[row], style)
    return result


def _factor(parts: _Parts, style: Style) -> float | None:
    """Return what a number of this shape is multiplied by, or None if the style does not allow the shape."""
    factor = dict(style.units).get(parts.unit, 1.0 if not parts.unit else None)
    if (style.decimal, style.thousands) in parts.readings:
        return factor
    if style.thousands:
        return None
    # No separator was seen before, as when all numbers were below 1000. One is accepted where it cannot be a
    # decimal sign: beside one, repeated, or in a column of whole numbers.
    for sign in THOUSANDS:
        clear = style.decimal in parts.core or parts.core.count(sign) > 1 or not style.fraction
        if (style.decimal, sign) in parts.readings and clear:
            return factor
    return None


def _one_float(text: str, style: Style) -> float:
    """Read one number with an exponent, or with a unit that holds the decimal sign."""
    found = _FORM.fullmatch(text)
    assert found is not None  # its shape was one
    core = "".join(sign for sign in found["core"] if sign.isdigit() or sign == style.decimal)
    return float(core.replace(style.decimal, ".") + (found["exponent"] or "").lower().replace("d", "e"))


def with_signs(style: Style, decimal: str | None, thousands: str | None) -> Style:
    """Return a style with other signs, where they are given.

    Parameters
    ----------
    style : Style
        The style that was found before.
    decimal, thousands : str or None
        Signs that differ in a new table.

    Returns
    -------
    Style

    Examples
    --------
    >>> with_signs(Style(), ",", None).decimal
    ','
    """
    if decimal is None:
        decimal = {".": ",", ",": "."}.get(thousands or "", style.decimal)
    kept = style.thousands if style.thousands != decimal else ""
    return replace(style, decimal=decimal, thousands=kept if thousands is None else thousands)

"""Due dates: how late a submission is, and what that costs."""

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from aecourse._support.wording import counted
from aecourse.grading.record import Record, Status
from aecourse.grading.roster import Roster, key_of, moment
from aecourse.grading.submissions import Incoming

# Times of files that lie closer together say when a class was downloaded, not when anyone handed in.
SECONDS_OF_A_DOWNLOAD = 300
# What an extension may be counted in; a number alone counts days.
WORDS_OF_UNITS = {
    1.0: "d day days tag tage jour jours día días dia dias giorno giorni dag dagen",
    7.0: "w week weeks woche wochen semaine semaines semana semanas settimana settimane",
    1 / 24: "h hour hours stunde stunden heure heures hora horas",
}
UNITS = {word: days for days, words in WORDS_OF_UNITS.items() for word in words.split()} | {"": 1.0}


@dataclass(frozen=True)
class Deadline:
    """When an assignment is due, and the share of the points that each day begun costs.

    Parameters
    ----------
    due : datetime.datetime
        With a time zone.
    penalty : float
        From 0 to 1.
    free_days : int
        Days late that cost a student nothing, over all assignments together.
    used : dict of str to int
        How many of them were used in earlier assignments, by id in the form of :func:`roster.key_of`.
    """

    due: datetime.datetime
    penalty: float = 0.0
    free_days: int = 0
    used: Mapping[str, int] = field(default_factory=dict)

    def free_of(self, student: str) -> int:
        """Return how many free days late a student has left.

        Examples
        --------
        >>> Deadline(moment("2027-03-01"), free_days=4, used={"4711": 3}).free_of("4711")
        1
        """
        return max(0, self.free_days - self.used.get(key_of(student), 0))

    def of(self, extension: str) -> datetime.datetime:
        """Return when a student's work is due, given the extension in the class list.

        Parameters
        ----------
        extension : str
            A number of days, hours or weeks, a date, or empty.

        Raises
        ------
        ValueError
            If it is none of these.

        Examples
        --------
        >>> Deadline(moment("2027-03-01")).of("2").strftime("%d.%m. %H:%M")
        '03.03. 23:59'
        """
        if not extension.strip():
            return self.due
        longer = re.fullmatch(r"\+?(\d{1,4}(?:[.,]\d+)?)\s*(\w*)", extension.strip().lower())
        if longer and longer[2] in UNITS:
            days = float(longer[1].replace(",", ".")) * UNITS[longer[2]]
            return self.due + datetime.timedelta(days=days)
        try:
            return moment(extension)
        except ValueError as error:
            raise ValueError(
                f"extension {extension!r}: expected a number of days such as 2, '12 hours', '1 week', or a "
                "date such as 2027-03-01 23:59."
            ) from error


def times_say_something(submissions: Sequence[Incoming]) -> bool:
    """Say whether the times at which files were changed can be those of handing in.

    Parameters
    ----------
    submissions : list of Incoming
    """
    times = [one.handed_in for one in submissions if one.handed_in and not one.time_is_sure]
    return len(times) < 2 or max(times) - min(times) > SECONDS_OF_A_DOWNLOAD


def applied(
    deadline: Deadline, records: Sequence[Record], submissions: Sequence[Incoming], roster: Roster
) -> list[Record]:
    """Return the records with what lateness costs them.

    A time in a name, of a platform, or in the table of files and students counts. The time of a file alone is
    told to the instructor and costs nothing, since copying can change it. Free days are used first, from the
    first day late on; what is late beyond them costs the penalty.

    Parameters
    ----------
    deadline : Deadline
    records, submissions : list
        In the same order.
    roster : Roster
        With the extensions.

    Returns
    -------
    list of Record

    Raises
    ------
    ValueError
        If an extension is neither a number of days nor a date.
    """
    usable = times_say_something(submissions)
    judged = []
    for record, incoming in zip(records, submissions, strict=True):
        found = roster.by_id(record.student)
        due = deadline.of(found[0].extension if len(found) == 1 else "")
        seconds = incoming.handed_in - due.timestamp()
        known = incoming.handed_in > 0 and (incoming.time_is_sure or usable)
        if record.status == Status.NOTHING_SUBMITTED or not (known or incoming.marked_late):
            judged.append(record)
        elif known and seconds > 0:
            judged.append(_late(record, incoming, deadline, math.ceil(seconds / 86400), due))
        elif incoming.marked_late and not known:
            words = "marked as late by the platform, which does not say by how long"
            judged.append(replace(record, late="Handed in late", warnings=[*record.warnings, words]))
        else:
            judged.append(record)
    return judged


def _late(
    record: Record, incoming: Incoming, deadline: Deadline, days: int, due: datetime.datetime
) -> Record:
    when = datetime.datetime.fromtimestamp(incoming.handed_in).astimezone()
    how_long = counted(days, "day")
    words = f"handed in {when:%Y-%m-%d %H:%M}, due {due:%Y-%m-%d %H:%M}: {how_long} late"
    if not incoming.time_is_sure:
        words += ", by the time of the file alone; nothing is taken off"
        return replace(record, late_days=days, warnings=[*record.warnings, words])
    left = deadline.free_of(record.student)
    free = min(days, left)
    share = min(1.0, deadline.penalty * (days - free))
    costs = []
    if deadline.free_days:
        costs.append(f"{free} of your {left} remaining free days are used")
    if share:
        costs.append(f"{100 * share:g} % of the points are taken off")
    late = f"Handed in {how_long} late" + (f": {', and '.join(costs)}" if costs else "")
    return replace(
        record,
        late_days=days,
        late_days_free=free,
        late=late,
        late_penalty=share,
        warnings=[*record.warnings, words],
    )

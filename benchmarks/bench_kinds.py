"""Show how many kinds of tables are read, noted or refused.

``python -m benchmarks.bench_kinds`` writes each kind to a temporary folder, looks at it as ``aecourse look``
does, and prints what became of it: *read* without a word, *noted* with the first sentence on what was
noticed, or *refused* with the sentence.
"""

import bz2
import gzip
import io
import lzma
import os
import pickle
import sys
import tempfile
import zipfile
from pathlib import Path

os.environ["AECOURSE_PROGRESS"] = "0"

import numpy as np
import pandas as pd

from aecourse.tabular import look

N = 240
_RNG = np.random.RandomState(0)
NUMBERS = _RNG.normal(1500, 400, N)
BASE = pd.DataFrame({"x": _RNG.normal(size=N).round(3), "kind": _RNG.choice(["a", "b"], N)})


def _table(values: object) -> pd.DataFrame:
    return BASE.assign(v=values)


def _csv(values: object) -> bytes:
    return _table(values).to_csv(index=False).encode()


def _some(values: list[str], other: str, every: int = 30) -> list[str]:
    """Return the values with another one in every 30th place."""
    return [other if place % every == every - 1 else value for place, value in enumerate(values)]


def _zip(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _written(method: str) -> bytes:
    buffer = io.BytesIO()
    getattr(_table(NUMBERS), method)(buffer)
    return buffer.getvalue()


def kinds() -> dict[str, bytes]:
    """Return {kind: content of the file}."""
    text = [f"{value:.1f}" for value in NUMBERS]
    plain = _csv(text)
    rows = plain.decode().splitlines()
    whole = [f"{int(value)}" for value in NUMBERS]
    days = pd.date_range("2023-05-01", periods=N, freq="29h")
    shuffled = _RNG.permutation(N)
    columns = {
        "plain numbers": text,
        "thousands 1,234.5": [f"{value:,.1f}" for value in NUMBERS],
        "thousands 1.234,5": [f"{value:,.1f}".translate(str.maketrans(",.", ".,")) for value in NUMBERS],
        "thousands 1 234,5": [
            f"{value:,.1f}".replace(".", ";").replace(",", " ").replace(";", ",") for value in NUMBERS
        ],
        "thousands 1'234.5": [f"{value:,.1f}".replace(",", "'") for value in NUMBERS],
        "decimal comma": [each.replace(".", ",") for each in text],
        "three digits after a comma": [f"{value / 1000:.3f}".replace(".", ",") for value in NUMBERS],
        "currency in front": [f"${each}" for each in text],
        "currency behind": [f"{each} €" for each in text],
        "percent": [f"{value / 100:.1f}%" for value in NUMBERS],
        "one unit": [f"{each} kg" for each in text],
        "two units": [
            f"{each} kg" if place % 2 else f"{float(each) * 1000:.0f} g" for place, each in enumerate(text)
        ],
        "brackets for negative": [each if place % 3 else f"({each})" for place, each in enumerate(text)],
        "Unicode minus": [each if place % 3 else f"\u2212{each}" for place, each in enumerate(text)],
        "exponents": [f"{value:.3e}" for value in NUMBERS],
        "question marks": _some(text, "?"),
        "25 % question marks": _some(text, "?", 4),
        "n/a": _some(text, "n/a"),
        "dashes": _some(text, "-"),
        "-999": _some(text, "-999"),
        "99999999": _some(text, "99999999"),
        "1e20": _some(text, "1e20"),
        "infinite": _some(text, "inf"),
        "half empty": _some(text, "", 2),
        "always empty": [""] * N,
        "always the same": ["7"] * N,
        "a copy of x": BASE["x"].tolist(),
        "true and false": _RNG.choice(["true", "false"], N).tolist(),
        "yes and no": _RNG.choice(["yes", "no"], N).tolist(),
        "free text": [f"note {place} of {value:.2f}" for place, value in enumerate(NUMBERS)],
        "60 texts": [f"user{number}" for number in _RNG.randint(60, size=N)],
        "codes with leading zeros": [f"{number:05d}" for number in _RNG.randint(9, size=N)],
        "a class called None": _RNG.choice(["None", "red"], N).tolist(),
        "row numbers": [str(place) for place in range(N)],
        "row numbers, shuffled": [str(place) for place in shuffled],
        "a counter with gaps": [str(number) for number in np.cumsum(_RNG.randint(1, 9, N))],
        "identifiers above 2^53": [str(2**60 + 7 * int(place)) for place in shuffled],
        "UUIDs": [f"{_RNG.randint(2**31):08x}-{_RNG.randint(2**16):04x}" for _ in range(N)],
        "dates": days.strftime("%Y-%m-%d").tolist(),
        "dates 14-Mar-2024": days.strftime("%d-%b-%Y").tolist(),
        "dates 31/12/2024": days.strftime("%d/%m/%Y").tolist(),
        "dates 03/04/2024 only": pd.to_datetime(_RNG.choice(["2024-03-04", "2024-05-06", "2024-01-02"], N))
        .strftime("%d/%m/%Y")
        .tolist(),
        "dates 20240301": days.strftime("%Y%m%d").tolist(),
        "months 2024-03": days.strftime("%Y-%m").tolist(),
        "ISO times with zone": [f"{day.isoformat()}Z" for day in days],
        "seconds since 1970": [str(int(day.timestamp())) for day in days],
        "times of day": [
            f"{hour:02d}:{minute:02d}"
            for hour, minute in zip(_RNG.randint(24, size=N), _RNG.randint(60, size=N), strict=True)
        ],
        "durations": [f"{value // 60:.0f}:{value % 60:02.0f}" for value in _RNG.randint(10, 3000, N)],
        "weeks": [f"2024-W{week:02d}" for week in _RNG.randint(1, 53, N)],
        "whole numbers": whole,
    }
    halves = [f"{value * (1 if place < N / 2 else 1000):.1f}" for place, value in enumerate(NUMBERS)]
    zones = [f"{day.isoformat()}{'+02:00' if place % 2 else '-05:00'}" for place, day in enumerate(days)]
    two_signs = [each if place % 2 else each.replace(".", ",") for place, each in enumerate(text)]
    dates = days.strftime("%Y-%m-%d").tolist()
    words = _RNG.choice(["red", "blue"], N).tolist()
    columns |= {
        "ja and nein": _RNG.choice(["ja", "nein"], N).tolist(),
        "one unit, then another": halves,
        "thousands in some": [f"{v:,.1f}" if place % 2 else f"{v:.1f}" for place, v in enumerate(NUMBERS)],
        "two decimal signs": two_signs,
        "groups of two digits, as in India": [f"{int(v) // 100},{int(v) % 100:02d},000" for v in NUMBERS],
        "#DIV/0!": _some(text, "#DIV/0!"),
        "#REF! among texts": _some(words, "#REF!"),
        "NaN among texts": _some(words, "NaN"),
        "(null)": _some(text, "(null)"),
        "Arabic digits": [each.translate(str.maketrans("0123456789.", "٠١٢٣٤٥٦٧٨٩٫")) for each in text],
        "full-width digits": [
            each.translate(str.maketrans("0123456789.", "０１２３４５６７８９．")) for each in text
        ],
        "invisible signs": [f"\u200b{each}" for each in text],
        "an apostrophe in front": [f"'{each}" for each in text],
        "single quotation marks": [f"'{each}'" for each in text],
        "Fortran's exponents": [f"{value:.3e}".replace("e", "D") for value in NUMBERS],
        "times a power of ten": [f"{value / 1000:.4f}×10³" for value in NUMBERS],
        "exponents with a comma": [f"{value:.3e}".replace(".", ",") for value in NUMBERS],
        "percent above 100": [f"{value / 10:.1f}%" for value in NUMBERS],
        "percent and shares": [
            f"{value / 100:.1f}%" if place % 2 else f"{value / 10000:.3f}"
            for place, value in enumerate(NUMBERS)
        ],
        "dates before 1900": pd.date_range("1850-01-01", periods=N, freq="29h").strftime("%Y-%m-%d").tolist(),
        "9999-12-31 among dates": _some(dates, "9999-12-31"),
        "1900-01-01 among dates": _some(dates, "1900-01-01"),
        "0000-00-00 among dates": _some(dates, "0000-00-00"),
        "two offsets from UTC": zones,
        "an offset for some": [
            f"{day.isoformat()}{'Z' if place % 2 else ''}" for place, day in enumerate(days)
        ],
        "capitals in some": _RNG.choice(["Red", "red", "blue"], N).tolist(),
        "below a limit": _some(text, "<500", 5),
        "ranges": [f"{int(value)}-{int(value) + 10}" for value in NUMBERS],
        "half numbers, half words": [each if place < N / 2 else "red" for place, each in enumerate(text)],
    }
    files = {name: _csv(values) for name, values in columns.items()}
    total = f"{NUMBERS.sum():.1f}"
    files |= {
        '="12" as spreadsheets write it': "\n".join(
            [rows[0], *(f'{row.rpartition(",")[0]},"=""{row.rpartition(",")[2]}"""' for row in rows[1:])]
        ).encode(),
        "marks of the encoding in the middle": "\n".join(
            [*rows[:100], *(f"\ufeff{row}" for row in rows[100:])]
        ).encode(),
        "two tables, one after another": plain + b"\xef\xbb\xbf" + plain,
        "the names every 40 rows": "\n".join(
            [row for place, row in enumerate(rows[1:]) for row in ([] if place % 40 else [rows[0]]) + [row]]
        ).encode(),
        "two encodings": plain.replace(b"kind", "größe".encode()) + "1,ö,2\n".encode("cp1252"),
        "line ends in fields": plain.replace(b",a,", b',"a\nb",'),
        "units below the names": "\n".join([rows[0], "m,,kg", *rows[1:]]).encode(),
        "a remark above": b"# written by a logger\n" + plain,
        "a title above": b"My measurements\n\n" + plain,
        "a remark below": plain + b"(240 rows affected)\n",
        "a total below": plain + f",total,{total}\n".encode(),
        "a sum below": plain + f",,{total}\n".encode(),
        "rows of separators": "\n".join([*rows[:100], *[",,"] * 20, *rows[100:]]).encode(),
        "an index twice": "\n".join(
            [f",Unnamed: 0,{rows[0]}", *(f"{place},{place},{row}" for place, row in enumerate(rows[1:]))]
        ).encode(),
        "a separator at each end": "\n".join(f"{row}," for row in rows).encode(),
        "blanks between fields": plain.replace(b",", b"  "),
        "colons between fields": plain.replace(b",", b":"),
        "all columns the same": pd.DataFrame(dict.fromkeys("abc", text)).to_csv(index=False).encode(),
        "one row": "\n".join(rows[:2]).encode(),
        "500 columns": pd.DataFrame(
            _RNG.normal(size=(60, 500)).round(2), columns=[f"c{place}" for place in range(500)]
        )
        .to_csv(index=False)
        .encode(),
        "Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "pickle": pickle.dumps(BASE),
        "ARFF": b"@RELATION t\n@ATTRIBUTE x NUMERIC\n@DATA\n" + plain,
    }
    return files | {
        "semicolons": plain.replace(b",", b";"),
        "tabs": plain.replace(b",", b"\t"),
        "bars": plain.replace(b",", b"|"),
        "sep=; line": b"sep=;\n" + plain.replace(b",", b";"),
        "UTF-8 with mark": b"\xef\xbb\xbf" + plain,
        "UTF-16": plain.decode().encode("utf-16"),
        "Latin-1": plain.replace(b"kind", "größe".encode("latin-1")),
        "lines end as on old Macs": plain.replace(b"\n", b"\r"),
        "no header": "\n".join(rows[1:]).encode(),
        "years as names": "\n".join(["2019,2020,2021", *rows[1:]]).encode(),
        "a name twice": "\n".join(["x,x,v", *rows[1:]]).encode(),
        "a short row": "\n".join([*rows[:50], "1,a", *rows[50:]]).encode(),
        "a long row": "\n".join([*rows[:50], "1,a,2,3", *rows[50:]]).encode(),
        "cut off": plain[:-8],
        "an open quotation mark": "\n".join([*rows[:50], '1,"a,2', *rows[50:]]).encode(),
        "zero bytes": plain[:200] + b"\0" + plain[200:],
        "empty": b"",
        "names only": rows[0].encode(),
        "gz": gzip.compress(plain),
        "bz2": bz2.compress(plain),
        "xz": lzma.compress(plain),
        "zip": _zip(data=plain),
        "zip of two": _zip(one=plain, two=plain),
        "gz, cut off": gzip.compress(plain)[:-9],
        "Parquet": _written("to_parquet"),
        "Feather": _written("to_feather"),
        "JSON": _table(NUMBERS).to_json(orient="records").encode(),
        "web page": b"<!doctype html><p>Please log in",
        "PDF": b"%PDF-1.7 and so on",
        "old Excel": b"\xd0\xcf\x11\xe0" + bytes(600),
    }


def become(path: Path) -> tuple[str, str]:
    """Look at a file; return what became of it, and the sentences."""
    try:
        lines = look(path, budget=0.05)
    except (ValueError, OSError) as error:
        return "refused", str(error).replace(str(path), "FILE")
    unclear = [line for line in lines if ": unclear. " in line]
    refused = [line for line in lines if "would refuse" in line]
    if unclear or refused:
        return "refused", "\n".join(map(str.strip, [*unclear, *refused]))
    said = [line for line in lines[1:-1] if "Left out" in line or not line.startswith("  ")]
    styled = [line for line in lines[1:-1] if line.startswith("  'v'") and " written " in line]
    return ("noted", "\n".join(map(str.strip, [*said, *styled]))) if said or styled else ("read", "")


def main() -> int:
    """Print the table; return the exit status."""
    counts = dict.fromkeys(("read", "noted", "refused"), 0)
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, content) in enumerate(kinds().items()):
            path = Path(folder) / f"table{number}"
            path.write_bytes(content)
            outcome, sentence = become(path)
            counts[outcome] += 1
            print(f"{name:<28} {outcome:<8} {sentence[:150].splitlines()[0] if sentence else ''}".rstrip())
    print(f"{sum(counts.values())} kinds: " + ", ".join(f"{n} {outcome}" for outcome, n in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

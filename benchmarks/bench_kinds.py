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
_NUMBERS = _RNG.normal(1500, 400, N)
_BASE = pd.DataFrame({"x": _RNG.normal(size=N).round(3), "kind": _RNG.choice(["a", "b"], N)})


def _table(values: object) -> pd.DataFrame:
    return _BASE.assign(v=values)


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
    getattr(_table(_NUMBERS), method)(buffer)
    return buffer.getvalue()


def kinds() -> dict[str, bytes]:
    """Return {kind: content of the file}."""
    text = [f"{value:.1f}" for value in _NUMBERS]
    plain = _csv(text)
    rows = plain.decode().splitlines()
    whole = [f"{int(value)}" for value in _NUMBERS]
    days = pd.date_range("2023-05-01", periods=N, freq="29h")
    shuffled = _RNG.permutation(N)
    columns = {
        "plain numbers": text,
        "thousands 1,234.5": [f"{value:,.1f}" for value in _NUMBERS],
        "thousands 1.234,5": [f"{value:,.1f}".translate(str.maketrans(",.", ".,")) for value in _NUMBERS],
        "thousands 1 234,5": [
            f"{value:,.1f}".replace(".", ";").replace(",", " ").replace(";", ",") for value in _NUMBERS
        ],
        "thousands 1'234.5": [f"{value:,.1f}".replace(",", "'") for value in _NUMBERS],
        "decimal comma": [each.replace(".", ",") for each in text],
        "three digits after a comma": [f"{value / 1000:.3f}".replace(".", ",") for value in _NUMBERS],
        "currency in front": [f"${each}" for each in text],
        "currency behind": [f"{each} €" for each in text],
        "percent": [f"{value / 100:.1f}%" for value in _NUMBERS],
        "one unit": [f"{each} kg" for each in text],
        "two units": [
            f"{each} kg" if place % 2 else f"{float(each) * 1000:.0f} g" for place, each in enumerate(text)
        ],
        "brackets for negative": [each if place % 3 else f"({each})" for place, each in enumerate(text)],
        "Unicode minus": [each if place % 3 else f"\u2212{each}" for place, each in enumerate(text)],
        "exponents": [f"{value:.3e}" for value in _NUMBERS],
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
        "a copy of x": _BASE["x"].tolist(),
        "true and false": _RNG.choice(["true", "false"], N).tolist(),
        "yes and no": _RNG.choice(["yes", "no"], N).tolist(),
        "free text": [f"note {place} of {value:.2f}" for place, value in enumerate(_NUMBERS)],
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
    files = {name: _csv(values) for name, values in columns.items()}
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
        "JSON": _table(_NUMBERS).to_json(orient="records").encode(),
        "web page": b"<!doctype html><p>Please log in",
        "PDF": b"%PDF-1.7 and so on",
        "old Excel": b"\xd0\xcf\x11\xe0" + bytes(600),
    }


def become(path: Path) -> tuple[str, str]:
    """Look at a file; return what became of it, and the sentence."""
    try:
        lines = look(path, budget=0.05)
    except (ValueError, OSError) as error:
        return "refused", str(error).replace(str(path), "FILE")
    unclear = [line for line in lines if ": unclear. " in line]
    refused = [line for line in lines if "would refuse" in line]
    if unclear or refused:
        return "refused", [*unclear, *refused][0].strip()
    said = [line for line in lines[1:-1] if "Left out" in line or not line.startswith("  ")]
    styled = [line for line in lines[1:-1] if line.startswith("  'v'") and " written " in line]
    return ("noted", [*said, *styled][0].strip()) if said or styled else ("read", "")


def main() -> int:
    """Print the table; return the exit status."""
    counts = dict.fromkeys(("read", "noted", "refused"), 0)
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, content) in enumerate(kinds().items()):
            path = Path(folder) / f"table{number}"
            path.write_bytes(content)
            outcome, sentence = become(path)
            counts[outcome] += 1
            print(f"{name:<28} {outcome:<8} {sentence[:150]}".rstrip())
    print(f"{sum(counts.values())} kinds: " + ", ".join(f"{n} {outcome}" for outcome, n in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

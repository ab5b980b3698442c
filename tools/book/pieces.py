"""The interactive pieces of the lessons: where they appear, and the scripts and data that fill them.

``docs/pieces/pieces.toml`` says what they are. Below a cell of the lesson's page the book puts a hidden
section with a title and what to try; a script fills and shows it. Without JavaScript nothing of it is seen.
"""

import base64
import functools
import html
import io
import json
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from nbformat import NotebookNode
from numpy.typing import NDArray

from aecourse import baselines, datasets
from aecourse._support.files import read_undamaged
from tools import catalogue, explorer_data

FOLDER = catalogue.ROOT / "docs" / "pieces"
SHARED = ("parts.js", "pieces.css")
# What every piece loads, from the folder of the lessons' pages; the explorer's files are there already.
STYLES = ("explorer/explorer.css", "pieces/pieces.css")
SCRIPTS = ("explorer/calculate.js", "explorer/chart.js", "pieces/parts.js")
TYPES = {np.dtype("uint8"): "uint8", np.dtype("<i2"): "int16"}  # these are kept as bytes
SCORES = explorer_data.Lab(
    "01",
    "Lesson 01: k-NN on two blobs",
    "",
    ("normal rows", "anomalies"),
    "distance",
    (0.03, 5.0),
    (0.05, 0.1, 0.2, 0.5, 1, 2, 5),
    log=True,
)
START = 0.35  # the middle one of the lesson's three thresholds


@dataclass(frozen=True)
class Piece:
    """One piece: its script, the lesson and the cell below which it appears, its words, its stored arrays."""

    name: str
    lesson: str
    after: str
    title: str
    what_to_try: str
    sha256: str = ""  # of its stored arrays, if it has some

    def stored(self) -> dict[str, NDArray[Any]]:
        """Return the stored arrays."""
        restore = "'git checkout' restores it in a clone; 'python -m tools.make_pieces' makes it again."
        content = read_undamaged(FOLDER / f"{self.name}.npz", self.sha256, restore)
        with np.load(io.BytesIO(content)) as archive:
            return dict(archive)

    def place(self) -> str:
        """Return the place that the script fills, as HTML without an empty line."""
        return "\n".join(
            [
                f'<section class="explorer piece" data-piece="{self.name}" '
                f'aria-labelledby="piece-{self.name}" hidden>',
                f'<p class="piece-title" id="piece-{self.name}">Try it: {html.escape(self.title)}</p>',
                f"<p>{html.escape(self.what_to_try)}</p>",
                "</section>",
            ]
        )


@functools.cache
def pieces() -> tuple[Piece, ...]:
    """Return all pieces, in the order of the file."""
    table = tomllib.loads((FOLDER / "pieces.toml").read_text(encoding="utf-8"))
    return tuple(Piece(**each) for each in table["piece"])


def put_in(page: NotebookNode, lesson: str) -> None:
    """Put the places of a lesson's pieces into its page, and what fills them at its end."""
    own = [piece for piece in pieces() if piece.lesson == lesson]
    for piece in own:
        ids = [cell.get("id") for cell in page.cells]
        if piece.after not in ids:
            raise ValueError(
                f"lesson {lesson} has no cell {piece.after!r}, below which docs/pieces/pieces.toml puts the "
                f"piece {piece.name!r}. Name one of its cells there."
            )
        cell = nbformat.v4.new_markdown_cell(piece.place())
        page.cells.insert(ids.index(piece.after) + 1, cell)
    if own:
        scripts = [*SCRIPTS, *(f"pieces/{piece.name}{end}" for piece in own for end in (".data.js", ".js"))]
        lines = [f'<link rel="stylesheet" href="../_static/{name}">' for name in STYLES]
        lines += [f'<script defer src="../_static/{name}"></script>' for name in scripts]
        page.cells.append(nbformat.v4.new_markdown_cell("```{raw} html\n" + "\n".join(lines) + "\n```"))


def plain(array: NDArray[Any]) -> Any:
    """Return an array in types that JSON has: bytes as text, other numbers as lists, NaN as null."""
    if array.dtype in TYPES:
        return {"type": TYPES[array.dtype], "base64": base64.b64encode(array.tobytes()).decode()}
    if np.isnan(array).any():
        return [None if np.isnan(number) else number for number in array.tolist()]
    return array.tolist()


def knn_scores() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the scores of lesson 01's k-NN detector on its test rows, and their labels."""
    shape = datasets.make_shape("two blobs", n_anomalies=60, random_state=0)
    detector = baselines.KNNDistance(scale=False).fit(shape.X_train)
    return detector.anomaly_score(shape.X_test), shape.y_test.astype(np.int64)


def data_of(piece: Piece) -> dict[str, Any]:
    """Return what a piece shows, in types that JSON has."""
    if piece.sha256:
        return {name: plain(array) for name, array in piece.stored().items()}
    return explorer_data.scores_data(SCORES, *knn_scores(), bins=32) | {"start": START}


def write_static(folder: Path) -> None:
    """Write scripts, style and data of all pieces into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*SHARED, *(f"{piece.name}.js" for piece in pieces())):
        shutil.copyfile(FOLDER / name, folder / name)
    for piece in pieces():
        # A script, since a page that was opened from a disk may fetch no data.
        text = json.dumps(data_of(piece), allow_nan=False)
        script = f"(window.pieceData ??= {{}}).{piece.name} = {text};\n"
        (folder / f"{piece.name}.data.js").write_text(script, encoding="utf-8")

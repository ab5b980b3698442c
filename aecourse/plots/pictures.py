"""A figure as a picture: vectors, sharp on any screen, and a small PNG for places that show no vectors."""

import base64
import html
import io
import itertools
import re
from collections.abc import Iterable, Iterator

import matplotlib
import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image

#: A scatter of more points than this is embedded as pixels: each point would take about 15 bytes.
MANY_POINTS = 5_000
#: Dots per inch of pixels inside an SVG: two for each pixel that a page gives the figure.
SHARP = 200
# Letters are outlines, not names of a font: a figure looks the same where the font is missing, and its labels
# stay where the layout has put them. For the figures of lessons 00 to 03 that takes 970 kB instead of 690 kB.
# The salt gives shapes the same names every time; they are random otherwise.
_SETTINGS = {"svg.fonttype": "path", "svg.hashsalt": "aecourse"}


def small_png(figure: Figure) -> bytes:
    """Return the figure as a PNG with 256 colours: half the size, with hardly a visible difference."""
    buffer, small = io.BytesIO(), io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white")
    with Image.open(buffer) as image:
        # Maximum coverage keeps the rare bright shades of an error map, which median cut merges.
        few = image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(small, format="png", optimize=True)
    return small.getvalue()


def svg(figure: Figure, title: str) -> str:
    """Return the figure as SVG on white paper: lines and letters as vectors, images and crowds as pixels.

    The same figure gives the same text, in one line. The title is what a screen reader says of it.
    """
    for points in figure.findobj(PathCollection):
        if len(np.asarray(points.get_offsets())) > MANY_POINTS:
            points.set_rasterized(True)
    for image in figure.findobj(AxesImage):
        if image.get_size()[1] * figure.dpi < image.get_window_extent().width * SHARP:
            image.set_interpolation("none")  # its own pixels, fewer than those of the screen
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context(_SETTINGS):
        figure.savefig(buffer, format="svg", dpi=SHARP, facecolor="white", metadata=nothing)
    start, drawing = buffer.getvalue().split("<defs>", 1)
    box = re.findall(r'viewBox="(.*?)"', start)[0]
    width, height = (round(inches * figure.dpi) for inches in figure.get_size_inches())
    return (
        "<svg xmlns='http://www.w3.org/2000/svg' role='img' "
        f"width='{width}' height='{height}' viewBox='{box}'>"
        f"<title>{html.escape(title, quote=False)}</title><defs>{_tidy(drawing)}"
    )


def _tidy(drawing: str) -> str:
    """Drop what no reader sees, and say once what neighbours share: a third of the size."""
    drawing = re.sub(r"<!--.*?-->", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r"(?<=data:image/png;base64,)[^\"]+", _few_colours, drawing)
    drawing = re.sub(r'<g id="[^"]*"', "<g", drawing)  # names of groups, to which nothing refers
    drawing = re.sub(r'(?<= )(?:d|x|y|style)="[^"]*"|translate\([^)]*\)', _short, drawing)
    drawing = re.sub(r"transform=\"translate\(([\d.-]+) 0\)\"/>", r'x="\1"/>', drawing)  # of letters
    drawing = re.sub(r"(C[0-9a-f]+_[0-9a-f]+)_[0-9a-f]{10}", r"\1", drawing)  # one name is enough
    drawing = drawing.replace("DejaVuSans-", "L").replace("xlink:href", "href")
    # A notebook's file writes a backslash before each double quote, and a line's beginning before each line.
    drawing = re.sub(r"\s*\n\s*", "", drawing).replace('"', "'")
    pieces = _without_plain_groups(re.findall(r"<[^>]+>|[^<]+", drawing))
    clipped = r"(<g clip-path='[^']*'>)(?:<use [^>]*>)+</g>(?:\1(?:<use [^>]*>)+</g>)+"
    drawing = re.sub(clipped, lambda run: run[0].replace(f"</g>{run[1]}", ""), "".join(pieces))
    return "".join(_sharing(re.findall(r"<[^>]+>|[^<]+", drawing)))


def _without_plain_groups(pieces: Iterable[str]) -> Iterator[str]:
    """Leave out groups without attributes: they say nothing."""
    kept: list[bool] = []  # of each group that is open
    for piece in pieces:
        if piece.startswith("<g ") or piece == "<g>":
            kept.append(piece != "<g>")
            if kept[-1]:
                yield piece
        elif piece == "</g>":
            if kept.pop():
                yield piece
        elif piece != "<g/>":
            yield piece


def _look(piece: str) -> str:
    """Return the attributes of a shape that its neighbours may share, or nothing."""
    found = re.fullmatch(r"<(?:path d|use)[^>]*?((?: clip-path='[^']*')?(?: style='[^']*')?)/>", piece)
    # A group that is half transparent is not the same as shapes that are, one on another.
    return found[1] if found and not re.search(r"[;']opacity", found[1]) else ""


def _sharing(pieces: Iterable[str]) -> Iterator[str]:
    """Put neighbouring shapes that look alike into a group that says so once."""
    for number, (look, run) in enumerate(itertools.groupby(pieces, _look)):
        shapes = list(run)
        if not look or len(shapes) == 1:
            yield from shapes
            continue
        group = "".join(shape.replace(look, "") for shape in shapes)
        points = re.findall(r"<use href='#(\w+)' x='([\d.-]+)' y='([\d.-]+)'/>", group)
        if len(points) == len(shapes) > 5 and len({name for name, _, _ in points}) == 1:
            yield _points(f"P{number}", points[0][0], look, [f"{x} {y}" for _, x, y in points])
        else:
            yield f"<g{look}>{group}</g>"


def _points(name: str, shape: str, look: str, places: list[str]) -> str:
    """Return points of one look as the markers of a line that is not drawn: a third of the space."""
    return (
        f"<marker id='{name}' overflow='visible' markerUnits='userSpaceOnUse'><use href='#{shape}'{look}/>"
        f"</marker><path d='M{'L'.join(places)}' style='fill:none;marker:url(#{name})'/>"
    )


def _few_colours(data: re.Match[str]) -> str:
    """Return an embedded PNG's data with a palette, which takes a fraction of the space."""
    with Image.open(io.BytesIO(base64.b64decode(data[0]))) as image:
        pixels = np.array(image.convert("RGBA"))
    pixels[..., 3] = (pixels[..., 3] + np.uint16(8)) // 17 * 17  # 16 shades at the rims of points are enough
    colours, place = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    if len(colours) <= 256:
        few = Image.fromarray(place.reshape(pixels.shape[:2]).astype(np.uint8)).convert("P")
        few.putpalette(colours.tobytes(), "RGBA")
    else:
        few = Image.fromarray(pixels).quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    small = io.BytesIO()
    few.save(small, format="png", optimize=True)
    return min(data[0].strip(), base64.b64encode(small.getvalue()).decode(), key=len)


def _short(attribute: re.Match[str]) -> str:
    """Return an attribute with rounded numbers and without spaces that mean nothing."""
    rounded = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", attribute[0])
    rounded = re.sub(r"(\.\d*?)0+(?=\D)", lambda zeros: zeros[1].rstrip("."), rounded)
    short = re.sub(r"\s*\n\s*|(?<=[MLQCSVH:;]) ", "", rounded)
    # Of points on a line along an axis, as a contour has hundreds of, the first and the last are enough.
    short = re.sub(r"(?<=[ML])([\d.]+ ([\d.]+))(?:L[\d.]+ \2(?=L[\d.]+ \2(?![\d.])))+", r"\1", short)
    return re.sub(r"(?<=[ML])(([\d.]+) [\d.]+)(?:L\2 [\d.]+(?=L\2 ))+", r"\1", short)

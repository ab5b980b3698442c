"""A figure as a picture: vectors, sharp on any screen, and a small PNG for places that show no vectors."""

import html
import io
import re

import matplotlib
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from PIL import Image

#: A scatter of more points than this is embedded as pixels: each point would take about 80 bytes.
MANY_POINTS = 1_000
#: Dots per inch of pixels inside an SVG: two for each pixel that a page gives the figure.
SHARP = 200
# Letters are outlines, not names of a font: a figure looks the same where the font is missing, and its labels
# stay where the layout has put them. That takes about twice the space. The salt gives shapes the same names
# every time; they are random otherwise.
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
        if len(points.get_offsets()) > MANY_POINTS:
            points.set_rasterized(True)
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context(_SETTINGS):
        figure.savefig(buffer, format="svg", dpi=SHARP, facecolor="white", metadata=nothing)
    start, drawing = buffer.getvalue().split("<defs>", 1)
    box = re.findall(r'viewBox="(.*?)"', start)[0]
    width, height = (round(inches * figure.dpi) for inches in figure.get_size_inches())
    return (
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' role='img' "
        f"width='{width}' height='{height}' viewBox='{box}'>"
        f"<title>{html.escape(title, quote=False)}</title><defs>{_tidy(drawing)}"
    )


def _tidy(drawing: str) -> str:
    """Drop what no reader sees, and round places to a hundredth of a point: half the size."""
    drawing = re.sub(r"<!--.*?-->", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r'<g id="[^"]*"', "<g", drawing)  # names of groups, to which nothing refers
    drawing = re.sub(r'(?<= )(?:d|x|y|style)="[^"]*"|translate\([^)]*\)', _short, drawing)
    # A notebook's file writes a backslash before each double quote, and a line's beginning before each line.
    return re.sub(r"\s*\n\s*", "", drawing).replace('"', "'").replace("DejaVuSans-", "letter-")


def _short(attribute: re.Match[str]) -> str:
    """Return an attribute with rounded numbers and without spaces that mean nothing."""
    rounded = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", attribute[0])
    rounded = re.sub(r"(\.\d*?)0+(?=\D)", lambda zeros: zeros[1].rstrip("."), rounded)
    return re.sub(r"\s*\n\s*|(?<=[MLQCSVH:;]) ", "", rounded)

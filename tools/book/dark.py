"""The colours that a drawing has on the book's dark pages.

Light and dark change places and hues stay: white paper becomes the page's dark ground, dark letters become
light ones, pale areas become dim ones. Lightness is that of Oklab (B. Ottosson, 2020, "A perceptual color
space for image processing"), in which equal steps look equal whatever the hue.
"""

import re

import numpy as np

#: The ground of the book's dark pages.
GROUND = "#121212"
_LIGHTEST = 0.95  # what black becomes
# Between the two, shades are spread so that what stands out from white paper by 3 to 1 or more does so from
# the dark ground too.
_SPREAD = 0.6

# Linear light of red, green and blue to the cones' answers, and their cube roots to Oklab.
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _to_lab(colour: str) -> np.ndarray:
    values = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return _LAB @ np.cbrt(_CONES @ linear)


def _to_colour(lab: np.ndarray) -> str:
    linear = np.clip(np.linalg.solve(_CONES, np.linalg.solve(_LAB, lab) ** 3), 0, 1)
    values = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(255 * value):02x}" for value in values)


def darkened(colour: str) -> str:
    """Return the colour that stands for another one on the dark ground.

    Examples
    --------
    >>> darkened("#ffffff"), darkened("#222222")
    ('#121212', '#c3c3c3')
    """
    lab = _to_lab(colour)
    darkest = _to_lab(GROUND)[0]
    lab[0] = darkest + (_LIGHTEST - darkest) * max(0.0, 1 - lab[0]) ** _SPREAD
    return _to_colour(lab)


def has_pixels(svg: str) -> bool:
    """Return whether a drawing holds images, whose colours cannot be exchanged."""
    return "<image" in svg


def dark_svg(svg: str) -> str:
    """Return a drawing in the colours of the dark pages."""
    dark = re.sub(r"#[0-9a-fA-F]{6}\b", lambda found: darkened(found[0].lower()), svg)
    # What names no colour is drawn in black.
    return dark.replace("<svg ", f"<svg fill='{darkened('#000000')}' ", 1)

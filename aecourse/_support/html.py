"""Pages for people: Jinja2 templates that escape every value, whoever wrote it."""

import base64
import functools
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

import jinja2
import markupsafe


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("aecourse", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, /, **values: object) -> str:
    """Return the page that a template of ``aecourse/templates`` makes of some values.

    Text is escaped in every place; only what a template itself holds is markup.
    """
    return _environment().get_template(template).render(values)


ATTACHMENT = "attachment:"


@functools.cache
def _renderer_class() -> Any:
    import mistune

    class Renderer(mistune.HTMLRenderer):
        """Shows the pictures that are attached to a cell, by their names."""

        def __init__(self, pictures: Mapping[str, str]) -> None:
            super().__init__(escape=True)
            self._pictures = pictures

        def image(self, text: str, url: str, title: str | None = None) -> str:
            name = urllib.parse.unquote(url.removeprefix(ATTACHMENT))
            if url.startswith(ATTACHMENT):
                url = self._pictures.get(name, url)
            return super().image(text, url, title)

    return Renderer


def _markdown(pictures: Mapping[str, str]) -> Callable[[str], object]:
    import mistune

    # Markup in the text is escaped, links that run a script lose their target, formulas stay TeX.
    renderer = _renderer_class()(pictures)
    return mistune.create_markdown(renderer=renderer, plugins=["table", "strikethrough", "math"])


def from_markdown(text: str, pictures: Mapping[str, str] | None = None) -> markupsafe.Markup:
    """Return Markdown that anybody wrote as HTML that is safe on a page.

    Parameters
    ----------
    text : str
    pictures : dict of str to str, optional
        The addresses of attached pictures, by name; ``![words](attachment:name)`` shows one.

    Returns
    -------
    Markup
        Headings, lists, tables, emphasis and links; HTML in the text is shown as text.

    Examples
    --------
    >>> print(from_markdown("*yes* <script>"))
    <p><em>yes</em> &lt;script&gt;</p>
    <BLANKLINE>
    """
    try:
        return markupsafe.Markup(_markdown(pictures or {})(text))  # noqa: S704
    except Exception:  # nested too deeply: shown as it is
        return markupsafe.Markup("<pre>{}</pre>").format(text)


def png_address(data: bytes) -> str:
    """Return the address of a picture that is part of the page itself."""
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")

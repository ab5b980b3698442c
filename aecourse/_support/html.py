"""Pages for people: Jinja2 templates that escape every value, whoever wrote it."""

import base64
import functools

import jinja2


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


def png_address(data: bytes) -> str:
    """Return the address of a picture that is part of the page itself."""
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")

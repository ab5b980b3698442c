"""The course as a web book: `python -m tools.book` builds it with Sphinx, of which `extension` is a part."""

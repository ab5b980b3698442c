"""The lessons as slides: `python -m tools.slides` makes a deck of each lesson's page in the book."""

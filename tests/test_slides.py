"""The rule by which a lesson's page becomes slides; how they look is tested in a browser."""

import re

import pytest

from tools import catalogue, readme
from tools.slides.deck import SHORT, deck

WORDS = "And " + " ".join(["word"] * SHORT)
PAGE = f"""
<article><section id="title"><h1>03 · A lesson<a class="headerlink" href="#">#</a></h1>
<p>What it is about. And <a href="../glossary.html">more</a>.</p>
<div class="run-lesson"><p>Run it</p></div><p>set-up</p>
<div class="cell"><div class="cell_input"><pre>import</pre></div></div>
<section id="one"><h2>1 · One</h2><p><em>(minutes so far: 3)</em></p>
<section id="a"><h3>1.1 A</h3><p>The first sentence. {WORDS}.</p><p>Short. Both stay.</p>
<ul><li><p>An item. {WORDS}.</p></li><li>another</li></ul>
<div class="cell"><div class="cell_input"><pre>x = 1</pre></div>
<div class="cell_output"><div class="output"><pre>1</pre></div></div></div>
<div class="cell tag_checks"><details><pre>assert secret</pre></details></div></section>
<section id="b"><h3>1.2 B</h3>
<div class="cell"><div class="cell_input"><pre>draw()</pre></div><div class="cell_output">
<img src="../_images/a.svg" class="only-light" alt="a">
<img src="../_images/a_dark.svg" class="only-dark" alt="a"></div></div>
<section class="piece" hidden><p>move it</p></section></section></section>
<section id="exercises"><h2>Exercises</h2><section id="e"><h3>Exercise 03.1</h3><p>A question. {WORDS}?</p>
<div class="cell tag_exercise"><div class="cell_input"><pre>answer = ...</pre></div>
<div class="cell_output"><pre>not yet</pre></div></div>
<div class="self-check" data-definition="secret"></div>
<div class="cell tag_solution"><details><pre>secret</pre></details></div></section></section>
<section id="quiz"><h2>Quiz</h2><p>1. Why?</p>
<details><summary>Answer</summary><p>secret</p></details></section>
<section id="summary"><h2>Summary</h2>
<div class="cell tag_headline"><div class="cell_input"><pre>print(best)</pre></div>
<div class="cell_output"><div class="output"><pre>the best</pre></div></div></div></section>
<section id="further-reading"><h2>Further reading</h2><p>a book</p></section></section></article>
"""


@pytest.fixture(scope="module")
def made():
    return deck(PAGE)


def shown(slide):
    return [re.sub("<[^>]+>", "", block.html).strip() for block in slide.blocks]


def test_headings_begin_slides(made):
    headings = [[slide.heading for slide in stack] for stack in made.stacks]
    assert headings == [
        ["03 · A lesson"],
        ["1 · One", "1.1 A", "1.2 B"],
        ["Exercise 03.1"],
        ["Quiz"],
        ["Summary"],
    ]
    assert shown(made.stacks[0][0]) == ["What it is about. And more.", "set-up"]
    assert shown(made.stacks[1][0]) == ["1.1 A", "1.2 B"]


def test_of_a_text_the_slide_has_the_first_sentence_and_the_notes_have_all(made):
    slide = made.stacks[1][1]
    assert shown(slide) == ["The first sentence.", "Short. Both stay.", "An item.", "another", "x = 1", "1"]
    assert WORDS in slide.blocks[0].notes and WORDS in slide.blocks[2].notes
    assert [block.kind for block in slide.blocks] == ["", "", "item", "item", "", "output"]


def test_the_code_of_a_picture_and_of_the_headline_is_in_the_notes(made):
    (picture,) = made.stacks[1][2].blocks
    assert 'src="pictures/a.svg"' in picture.html and "draw()" in picture.notes
    assert [path.name for path in made.pictures] == ["a.svg"]
    (headline,) = made.stacks[4][0].blocks
    assert "the best" in headline.html and "print(best)" in headline.notes


def test_questions_are_whole_and_their_answers_nowhere(made):
    slide = made.stacks[2][0]
    assert shown(slide) == [f"A question. {WORDS}?", "answer = ..."]
    assert shown(made.stacks[3][0]) == ["1. Why?"]
    assert "secret" not in repr(made) and "not yet" not in repr(made) and "move it" not in repr(made)


@pytest.mark.parametrize(
    ("page", "says"),
    [("<p>no article</p>", "no article"), ("<article><section><p>a</p></section></article>", "no heading")],
)
def test_another_page_is_refused(page, says):
    with pytest.raises(ValueError, match=says):
        deck(page)


def test_the_guide_has_a_lecture_for_every_lesson_in_minutes_before_the_exercises():
    guide = readme.GUIDE.read_text(encoding="utf-8")
    entries = catalogue.read()
    table = readme.lectures(entries)
    assert table in guide
    rows = [row.split(" | ") for row in table.split("\n")[2:-1]]
    assert [row[1][:2] for row in rows] == [entry.number for entry in entries]
    for entry, row in zip(entries, rows, strict=True):
        assert 0 < int(row[2]) < entry.reading
        assert 45 * (int(row[3]) - 1) < int(row[2]) <= 45 * int(row[3])
        assert f"{entry.path.stem}.html" in row[4]

"""The web book: its pages, links, words, citations and pictures. How it looks is tested in a browser."""

import ast
import inspect
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse
import urllib.request

import nbformat
import pytest
from site_build import built_site, pages

from aecourse.plots import style
from tools import catalogue, readme
from tools.book import build, citations, dark, glossary
from tools.book import pages as sources

ROOT = catalogue.ROOT
LESSONS = [entry.path.stem for entry in catalogue.read()]
ASSIGNMENTS = sorted(path.stem for path in (ROOT / "assignments" / "release").glob("*/*.ipynb"))


def lesson(name):
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


def lesson_page(name):
    return pages()[f"lessons/{name}.html"]


def words_of(notebook):
    """Return a lesson's running text: Markdown without code, mathematics, headings and further reading."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    text = re.sub(r"^## Further reading\s*$.*?(?=^#|\Z)", "", text, flags=re.MULTILINE | re.DOTALL)
    for code in (r"```.*?```", r"`[^`]*`", r"\$\$.*?\$\$", r"(?<![\\$])\$[^$\n]+\$", r"^#.*?$"):
        text = re.sub(code, " ", text, flags=re.DOTALL | re.MULTILINE)
    return text


# --- Pages ---------------------------------------------------------------------------------------


def test_every_page_is_there():
    expected = {
        "index.html",
        "search.html",
        "genindex.html",
        "glossary.html",
        "bibliography.html",
        "instructors.html",
        "explorer/index.html",
        "reference/index.html",
    }
    expected |= {f"lessons/{name}.html" for name in LESSONS}
    expected |= {f"assignments/{name}.html" for name in ASSIGNMENTS}
    expected |= {f"reference/{name}.html" for name in sources.modules()}
    assert expected <= set(pages())


def test_lessons_follow_each_other():
    for before, after in zip(LESSONS, LESSONS[1:], strict=False):
        assert lesson_page(before).next == f"{after}.html"
        assert lesson_page(after).previous == f"{before}.html"


def test_landing_page_has_the_tables_of_the_readme():
    text = " ".join(pages()["index.html"].text.split())
    entries = catalogue.read()
    for entry in entries:
        assert entry.about in text
        assert f"lessons/{entry.path.stem}.html" in pages()["index.html"].links
    rows = re.findall(r"^\| (\d\d .*?) \| (.*?) \|$", readme.results(entries), re.MULTILINE)
    assert len(rows) == len(entries)
    for _, result in rows:
        assert " ".join(result.split()) in text
    assert "make course" in text and "make lab" in text


def test_every_link_and_anchor_resolves():
    faults, checked = [], 0
    for name, page in pages().items():
        for link in page.links:
            address = urllib.parse.urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = page.path
            if address.path:
                target = (page.path.parent / urllib.parse.unquote(address.path)).resolve()
            inside = str(target.relative_to(built_site())) if target.is_relative_to(built_site()) else None
            if inside is None or not target.is_file():
                faults.append(f"{name}: {link}: no such file")
            elif (
                address.fragment
                and inside in pages()
                and urllib.parse.unquote(address.fragment) not in (pages()[inside].ids)
            ):
                faults.append(f"{name}: {link}: no such place on the page")
            checked += 1
    assert faults == []
    assert checked > 1000


def test_nothing_is_loaded_from_another_host():
    faults = []
    for name, page in pages().items():
        for tag, address in page.loads:
            parts = urllib.parse.urlsplit(address)
            here = page.path.parent / urllib.parse.unquote(parts.path)
            if parts.scheme in ("http", "https") or parts.netloc:
                faults.append(f"{name}: <{tag}> {address}")
            elif parts.scheme != "data" and not here.is_file():
                faults.append(f"{name}: <{tag}> {address}: no such file")
    for sheet in built_site().rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        elsewhere = re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//[^)\s]+", text)
        faults += [f"{sheet.name}: {address}" for address in elsewhere]
    assert faults == []


def test_lessons_say_what_they_need():
    for entry in catalogue.read():
        text = " ".join(lesson_page(entry.path.stem).text.split())
        minutes = f"about {entry.reading} to work through; under {entry.minutes:g}"
        assert minutes in text.replace(".0 to compute", " to compute")
        assert "Prerequisites" in text and "Run this lesson" in text
        for way in ("make lab", "Colab"):
            assert way in text
        copies = [link for link in lesson_page(entry.path.stem).links if link.endswith(entry.path.name)]
        assert len(copies) == 1
        copy = (lesson_page(entry.path.stem).path.parent / copies[0]).resolve()
        given, stored = nbformat.read(copy, as_version=4), entry.notebook()
        assert [cell.source for cell in given.cells] == [cell.source for cell in stored.cells]
        assert not any(cell.get("outputs") for cell in given.cells)  # the page shows them; a student runs it


@pytest.mark.parametrize("name", ["index", "glossary", *(f"lessons/{name}" for name in LESSONS)])
def test_a_page_says_what_it_is_about(name):
    text = (built_site() / f"{name}.html").read_text(encoding="utf-8")
    about = re.search(r'<meta name="description" content="([^"]{30,})"', text)[1]
    assert f'<meta property="og:description" content="{about}"' in text
    title = re.search(r"<title>(.*?)</title>", text)[1]
    assert re.search(r'<meta property="og:title" content="([^"]+)"', text)[1] in title
    if number := re.match(r"lessons/(\d\d)", name):
        assert title.startswith(f"{number[1]} · ") and about.startswith(f"Lesson {number[1]}, ")


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_is_there_as_a_script(name):
    page = lesson_page(name)
    (link,) = [link for link in page.links if link.endswith(".py")]
    script = (page.path.parent / link).resolve().read_text(encoding="utf-8")
    compile(script, name, "exec")
    for cell in lesson(name).cells:
        if cell.cell_type == "code":
            assert cell.source in script


def test_the_book_is_light():
    # `make pdf` may have put files for paper next to it.
    paper = built_site() / "pdf"
    files = [path for path in built_site().rglob("*") if path.is_file() and paper not in path.parents]
    sizes = {path: path.stat().st_size for path in files}
    assert sum(sizes.values()) < 25_000_000
    heavy = {path.name: size for path, size in sizes.items() if path.suffix == ".html" and size > 1_000_000}
    assert heavy == {}


def test_the_book_is_built_in_under_90_seconds():
    """Of the processor, so that a busy machine fails nothing; two cores need less by the clock."""
    seconds = float((built_site() / build.SECONDS).read_text())
    assert 1 < seconds < 90


# --- Running a lesson ------------------------------------------------------------------------------


def test_without_an_address_the_lessons_say_how_to_run_them_from_a_copy():
    box = sources.how_to_run("notebooks/06_mnist_zeros_lab.ipynb", None)
    assert "https://" not in box
    assert "ADDRESS-OF-YOUR-COPY" in box and "make lab" in box


@pytest.mark.parametrize(
    "address, colab",
    [
        (
            "https://github.com/someone/course",
            "https://colab.research.google.com/github/someone/course/blob/main/notebooks/a.ipynb",
        ),
        ("https://git.example.org/course", None),
    ],
)
def test_with_an_address_the_lessons_link_to_colab(address, colab):
    box = sources.how_to_run("notebooks/a.ipynb", address)
    assert f"git clone --quiet --depth 1 {address} course" in box
    assert (f"({colab})" in box) if colab else ("colab.research" not in box and "upload the notebook" in box)


@pytest.mark.parametrize(
    "address, expected",
    [
        (
            "https://github.com/someone/course",
            "https://github.com/someone/course/issues/new?title=Fault%20in%20a",
        ),
        (
            "https://gitlab.com/group/course",
            "https://gitlab.com/group/course/-/issues/new?issue%5Btitle%5D=Fault%20in%20a",
        ),
        ("https://git.example.org/course", None),
        (None, None),
    ],
)
def test_a_fault_is_reported_where_the_course_is(address, expected):
    row = sources.buttons("notebooks/a.ipynb", address)
    assert "a.ipynb>`" in row and "a.py>`" in row
    assert (f"[Report a fault on this page]({expected})" in row) if expected else ("Report" not in row)
    assert ("[Run in Colab](https://colab" in row) == (address is not None and "github" in address)


def test_the_address_is_one_setting(monkeypatch):
    monkeypatch.delenv("AECOURSE_REPOSITORY", raising=False)
    before = build.fingerprint()
    monkeypatch.setenv("AECOURSE_REPOSITORY", "https://github.com/someone/course.git/")
    assert sources.repository() == "https://github.com/someone/course"
    assert build.fingerprint() != before
    monkeypatch.setenv("AECOURSE_REPOSITORY", "")
    assert sources.repository() is None


# --- Folds -----------------------------------------------------------------------------------------


def test_solutions_checks_and_quiz_answers_are_folded():
    for name in LESSONS:
        notebook = lesson(name)
        solutions = [cell for cell in notebook.cells if "solution" in cell.metadata.get("tags", [])]
        checks = [cell for cell in notebook.cells if "checks" in cell.metadata.get("tags", [])]
        prose = "".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        answers = prose.count("<details>")
        folds = lesson_page(name).folds
        assert len(solutions) >= 1 and answers >= 5
        assert sum("hide" in classes for classes, _ in folds) == len(solutions) + len(checks)
        assert sum("hide" not in classes for classes, _ in folds) == answers
        assert not any(is_open for _, is_open in folds)


def test_assignments_show_neither_solutions_nor_hidden_tests():
    looked_for = 0
    for name in ASSIGNMENTS:
        released = (ROOT / "assignments" / "release" / name / f"{name}.ipynb").read_text(encoding="utf-8")
        source = nbformat.read(ROOT / "assignments" / "source" / name / f"{name}.ipynb", as_version=4)
        page = pages()[f"assignments/{name}.html"]
        copies = [link for link in page.links if link.endswith(f"{name}.ipynb")]
        assert len(copies) == 1
        shown = page.text + (page.path.parent / copies[0]).resolve().read_text(encoding="utf-8")
        assert "BEGIN SOLUTION" not in shown and "BEGIN HIDDEN" not in shown
        code = "\n".join(cell.source for cell in source.cells)
        blocks = re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", code, re.DOTALL)
        assert blocks
        for line in {line.strip() for block in blocks for line in block.split("\n")}:
            if len(line) > 12 and json.dumps(line)[1:-1] not in released:
                looked_for += 1
                assert line not in shown and json.dumps(line)[1:-1] not in shown, (name, line)
    assert looked_for > 100
    stray = {path.name for path in built_site().rglob("*.ipynb")}
    assert stray == {f"{name}.ipynb" for name in LESSONS + ASSIGNMENTS}


# --- Pictures --------------------------------------------------------------------------------------


def test_every_picture_has_a_description():
    for name, page in pages().items():
        for source, alt in page.pictures:
            assert alt and len(alt.split()) >= 5, (name, source, alt)


def test_the_pictures_of_a_lesson_have_the_descriptions_stored_beside_them():
    total = 0
    for name in LESSONS:
        stored = [
            output.metadata["image/svg+xml"]["alt"]
            for cell in lesson(name).cells
            for output in cell.get("outputs", ())
            if "image/svg+xml" in output.get("data", {})
        ]
        found = [(source, alt) for source, alt in lesson_page(name).pictures if "_images/" in source]
        shown = [alt for source, alt in found if not source.endswith("_dark.svg")]
        assert [" ".join(alt.split()) for alt in shown] == [" ".join(alt.split()) for alt in stored]
        for before, after in itertools.pairwise([*found, ("", "")]):
            if before[0].removesuffix(".svg") + "_dark.svg" == after[0]:
                assert before[1] == after[1]
        total += len(stored)
    assert total > 50


def drawings():
    """Return {path: drawing} of the lessons' and the guides' drawings in their own colours."""
    found = (built_site() / "_images").glob("*.svg")
    return {path: path.read_text(encoding="utf-8") for path in found if not path.stem.endswith("_dark")}


def test_drawings_have_dark_colours_and_pictures_with_pixels_keep_their_paper():
    twice = 0
    for name, page in pages().items():
        sources = {source for source, _ in page.pictures}
        for source in (source for source in sources if source.endswith(".svg")):
            if source.endswith("_dark.svg"):
                assert source.removesuffix("_dark.svg") + ".svg" in sources
                continue
            drawing = (page.path.parent / source).read_text(encoding="utf-8")
            assert dark.has_pixels(drawing) != (source.removesuffix(".svg") + "_dark.svg" in sources), name
            twice += not dark.has_pixels(drawing)
    assert twice > 60


HOUSE = {*style.PALETTE.values(), *(colour for colour, _, _ in style.SERIES), *style.CLASS_COLOURS}


@pytest.mark.parametrize("colour", sorted(HOUSE - {style.PALETTE["grid"]}))
def test_a_colour_of_the_house_stands_out_in_the_dark(colour):
    from test_plots import contrast

    least = 4.5 if colour == style.PALETTE["text"] else 3
    assert contrast(colour, "white") >= 3
    assert contrast(dark.darkened(colour), dark.GROUND) >= least


def test_every_colour_of_a_drawing_stands_out_in_the_dark_if_it_does_on_paper():
    from test_plots import contrast

    colours = {
        colour.lower()
        for drawing in drawings().values()
        if not dark.has_pixels(drawing)
        for colour in re.findall(r"#[0-9a-fA-F]{6}\b", drawing)
    }
    assert len(colours) > 15
    pale = {
        colour: dark.darkened(colour)
        for colour in colours
        if contrast(colour, "white") >= 3 and contrast(dark.darkened(colour), dark.GROUND) < 3
    }
    assert pale == {}


def test_dark_colours_are_those_of_the_ground_and_of_its_letters():
    assert dark.darkened("#ffffff") == dark.GROUND
    drawing = "<svg width='9'><path style='fill:#FFFFFF;stroke:#222222'/><path id='no-colour'/></svg>"
    text = dark.darkened("#222222")
    assert dark.dark_svg(drawing) == (
        f"<svg fill='{dark.darkened('#000000')}' width='9'>"
        f"<path style='fill:{dark.GROUND};stroke:{text}'/><path id='no-colour'/></svg>"
    )
    assert dark.has_pixels("<svg><image href='data:,'/></svg>") and not dark.has_pixels(drawing)


def test_colours_of_code_stand_out():
    """WCAG 2.2's 4.5 to 1 for every kind of token, in light and in dark; a browser checks the rest."""
    from test_plots import contrast

    rules_of_code = (built_site() / "_static" / "pygments.css").read_text(encoding="utf-8")
    checked = 0
    for theme in ("light", "dark"):
        ground = re.search(
            rf'html\[data-theme="{theme}"\] \.highlight \{{ background: (#\w+)', rules_of_code
        )[1]
        rules = re.findall(rf'html\[data-theme="{theme}"\] \.highlight (\.\w+) \{{([^}}]*)\}}', rules_of_code)
        for kind, rule in rules:
            colour = re.search(r"(?<![-\w])color: (#\w+)", rule)
            own_ground = re.search(r"background-color: (#\w+)", rule)
            if colour and kind not in (".hll",):
                behind = own_ground[1] if own_ground else ground
                assert contrast(colour[1], behind) >= 4.5, (theme, kind, rule)
                checked += 1
    assert checked > 60


# --- Words -----------------------------------------------------------------------------------------


def test_every_term_is_defined_once():
    names = [term.name for term in glossary.terms()]
    forms = [form for term in glossary.terms() for form in (term.name, *term.forms)]
    assert len(set(names)) == len(names) and len(set(forms)) == len(forms)
    text = (built_site() / "glossary.html").read_text(encoding="utf-8")
    defined = re.findall(r'<dt id="(term-[^"]+)">', text)
    assert len(defined) == len(set(defined)) == len(names)
    for term in glossary.terms():
        assert 5 <= len(term.definition.split()) <= 60, term.name
        assert any(name.startswith(f"{term.lesson}_") for name in LESSONS) or int(term.lesson) > 9, term.name


def test_the_glossary_uses_its_own_words():
    forms = {form for term in glossary.terms() for form in (term.name, *term.forms)}
    shunned = [word for term in glossary.terms() for word in term.instead_of]
    assert len(shunned) > 40 and not forms & set(shunned)
    for term in glossary.terms():
        found = re.search(glossary.either(shunned), term.definition)
        assert found is None, (term.name, found)


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_uses_one_word_for_one_thing(name):
    words = words_of(lesson(name))
    found = {
        (term.name, match.group())
        for term in glossary.terms()
        if term.instead_of
        for match in re.finditer(glossary.either(term.instead_of), words)
    }
    assert found == set(), f"the course's words are {sorted(found)} (term, what the lesson says)"


@pytest.mark.parametrize("name", LESSONS)
def test_the_first_use_of_each_term_leads_to_the_glossary(name):
    page = lesson_page(name)
    links = {}
    for start, _, target in page.term_links:
        assert target not in links, f"{target} is linked twice"
        links[target] = start
    ids = {target.removeprefix("term-").lower(): target for target in pages()["glossary.html"].ids}
    linked = 0
    for term in glossary.terms():
        target = ids[term.name.replace(" ", "-").lower()]
        free = [
            match.start()
            for match in term.pattern.finditer(page.prose)
            if not any(start <= match.start() < end for start, end in page.linked)
        ]
        assert not free or links.get(target, len(page.prose)) < free[0], (
            f"{term.name}: first used at ...{page.prose[max(0, free[0] - 60) : free[0] + 40]!r}"
        )
        linked += target in links
    assert linked == len(links) >= 5


def test_terms_are_found_as_whole_words_and_the_longest_wins():
    terms = {term.name: term for term in glossary.terms()}
    text = (
        "The denoising autoencoder has a false-alarm\nrate; autoencoders score. "
        "Double precision, then precision."
    )
    uses = [(text[start:end], term.name) for start, end, term in glossary.first_uses(text, terms.values())]
    assert uses == [
        ("denoising autoencoder", "denoising autoencoder"),
        ("false-alarm\nrate", "false-alarm rate"),
        ("autoencoders", "autoencoder"),
        ("precision", "precision"),
    ]
    assert glossary.first_uses(text, [terms["precision"]])[0][0] > text.index("then")


# --- Citations -------------------------------------------------------------------------------------


def reading(name):
    return [
        text
        for cell in lesson(name).cells
        if cell.cell_type == "markdown"
        for _, _, text in citations.reading_items(cell.source)
    ]


def docstring_references():
    """Yield (where, citation) for every reference in the package's docstrings."""
    for path in sorted((ROOT / "aecourse").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
                for _, _, items in citations.reference_sections(ast.get_docstring(node).split("\n")):
                    for _, text in items:
                        yield f"{path.name}: {getattr(node, 'name', '')}", text


@pytest.mark.parametrize("name", LESSONS)
def test_every_further_reading_is_in_the_bibliography(name):
    items = reading(name)
    assert len(items) >= 2
    missing = [text for text in items if citations.find(text) is None]
    assert missing == [], "add these to docs/references.bib"
    linked = [link for link in lesson_page(name).links if "bibliography.html#cite-" in link]
    assert [link.partition("#cite-")[2] for link in linked] == [citations.find(text) for text in items]


def test_every_reference_of_a_docstring_is_in_the_bibliography():
    items = list(docstring_references())
    missing = [
        (where, text)
        for where, text in items
        if citations.find(text) is None and not citations.ELSEWHERE.search(text)
    ]
    assert missing == [], "add these to docs/references.bib"
    assert len(items) > 40


def test_every_work_in_the_bibliography_is_cited():
    cited = {citations.find(text) for name in LESSONS for text in reading(name)}
    cited |= {citations.find(text) for _, text in docstring_references()}
    works = {key for key, _, _ in citations.entries()}
    assert works - cited == set()
    assert {f"cite-{key}" for key in works} <= pages()["bibliography.html"].ids


def test_a_citation_needs_title_and_year():
    adam = "D. P. Kingma and J. Ba (2015). Adam: a method for stochastic\n  optimization. *ICLR*."
    assert citations.find(adam) == "kingma2015"
    assert citations.find(adam.replace("2015", "2014")) is None
    assert citations.find("S. Hariri and others (2021). Extended isolation forest.") == "hariri2021"
    assert citations.find("F. T. Liu, K. M. Ting and Z.-H. Zhou (2008). Isolation forest. ICDM.") == "liu2008"


def test_references_of_a_docstring_become_links():
    lines = [
        "Score [1]_ of ``threshold_``.",
        "",
        "References",
        "----------",
        ".. [1] J. Davis and M. Goadrich (2006). The relationship between",
        "   precision-recall and ROC curves. ICML.",
        "",
        "Examples",
        "--------",
        ">>> a_",
    ]
    citations.cite_docstring(lines)
    assert lines[0] == "Score :cite:`davis2006` of ``threshold_``."
    assert lines[4].startswith("* J. Davis and M. Goadrich (2006).")
    assert lines[4].endswith("ICML. :cite:`davis2006`")
    assert lines[-1] == ">>> a_" and not any("[1]" in line for line in lines)
    assert citations.escape("shape (n, *image_shape), |code| and model_ and `x_`") == (
        r"shape (n, \*image_shape), \|code\| and model\_ and `x_`"
    )


# --- Reference -------------------------------------------------------------------------------------


def test_the_reference_has_every_public_name():
    import importlib

    documented = set().union(*(page.ids for name, page in pages().items() if name.startswith("reference/")))
    names = 0
    for module_name in sources.modules():
        module = importlib.import_module(f"aecourse.{module_name}")
        assert f"module-aecourse.{module_name}" in documented
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                assert f"aecourse.{module_name}.{name}" in documented
                names += 1
    assert names > 60


def test_names_of_the_package_in_lessons_lead_to_the_reference():
    documented = set().union(*(page.ids for name, page in pages().items() if name.startswith("reference/")))
    for name in LESSONS:
        linked = {link.partition("#")[2] for link in lesson_page(name).links if "/reference/" in link}
        text = "\n".join(cell.source for cell in lesson(name).cells if cell.cell_type == "markdown")
        mentioned = set(re.findall(r"(?<!`)`([a-z_]+\.\w+)(?:\([^`]*\))?`(?!`)", text))
        wanted = {f"aecourse.{code}" for code in mentioned | set(sources.package_names(lesson(name)))}
        assert wanted & documented <= linked
        assert len(linked) >= 2
    linked = {link.partition("#")[2] for link in lesson_page("09_threshold_evaluation").links}
    assert {"aecourse.thresholds.Conformal", "aecourse.explorer.explore"} <= linked


# --- The commands ----------------------------------------------------------------------------------


def test_a_second_build_does_nothing(monkeypatch):
    stamp = (built_site() / ".fingerprint").read_text()
    monkeypatch.setattr(build, "fingerprint", lambda: stamp)
    monkeypatch.setattr(build, "write_sources", lambda folder: pytest.fail("the book is built again"))
    assert build.build() == build.SITE


def test_a_warning_is_an_error(tmp_path, capfd):
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "index.md").write_text("# A page\n\nA link to [nothing](nowhere.md).\n")
    assert build.sphinx(tmp_path / "sources", tmp_path / "html") != 0
    assert "nowhere.md" in capfd.readouterr().err


def test_make_site_open_serves_the_book_on_this_machine_only():
    built_site()
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.book", "--serve", "--no-browser", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    try:
        lines = [process.stdout.readline(), process.stdout.readline()]
        address = re.search(r"http://127\.0\.0\.1:\d+/", "".join(lines)).group()
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=20) as answer:
            assert "Anomaly detection with autoencoders" in answer.read().decode()
    finally:
        process.terminate()
        process.wait(timeout=20)
    makefile = pathlib.Path(ROOT / "Makefile").read_text(encoding="utf-8")
    assert 'site-open: setup\n\t@"$(BIN)/python" -m tools.book --serve' in makefile

"""Write the lessons' self-checks and quizzes for learning platforms: Moodle XML, GIFT and QTI 2.1.

    python -m tools.quizzes                 all lessons, into _build/quizzes
    python -m tools.quizzes -o FOLDER       the same, elsewhere

Choices and numbers are marked by the platform, with the lesson's own hints. The questions of a quiz are
answered in words, so the platform shows the lesson's answer and leaves the marking to a person. Exercises
that ask for a function are left out: the assignments have their own grader.

References
----------
.. [1] Moodle documentation: Moodle XML format, and GIFT format.
.. [2] IMS Global Learning Consortium: Question and Test Interoperability 2.1, 2012.
"""

import argparse
import html
import re
import sys
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from nbformat import NotebookNode

from aecourse._support.files import whole_file, write_whole
from tools import catalogue
from tools.book import selfchecks
from tools.places import built_path, make_folder

QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
CONTENT_PACKAGE = "http://www.imsglobal.org/xsd/imscp_v1p1"
SCHEMA = "http://www.w3.org/2001/XMLSchema-instance"
QUIZ_ITEM = re.compile(
    r"^\*\*(\d+)\.\*\*\s+(.*?)\s*<details><summary>Answer</summary>\s*(.*?)\s*</details>",
    re.DOTALL | re.MULTILINE,
)
MATH = re.compile(r"(?<![\\$])\$([^$\n]+)\$")


@dataclass(frozen=True)
class Answer:
    """One answer that a platform recognises: an option's words, or a number and how far from it counts."""

    words: str
    right: bool
    said: str  # to the student who gives it
    tol: float | None = None


@dataclass(frozen=True)
class Question:
    """One question, as HTML; without answers it is answered in words, and ``said`` is the lesson's answer."""

    name: str
    kind: str  # "choice", "number" or "words"
    text: str
    answers: tuple[Answer, ...]
    said: str  # in general, or to an answer that is not recognised


def as_html(markdown: str) -> str:
    """Return Markdown as HTML that is also XML, with formulas as MathJax finds them."""
    kept: list[str] = []

    def keep(formula: re.Match[str]) -> str:
        kept.append(rf"\({html.escape(formula[1])}\)")
        return f"FORMULA{len(kept) - 1}END"

    made = MarkdownIt("commonmark", {"html": False, "xhtmlOut": True}).enable("table")
    text = made.render(MATH.sub(keep, markdown)).strip()
    return re.sub(r"FORMULA(\d+)END", lambda mark: kept[int(mark[1])], text)


def without_heading(question: str) -> str:
    """Return what follows the last heading."""
    return re.split(r"^#+ .*\n", question, flags=re.MULTILINE)[-1].strip()


def without_options(question: str) -> str:
    """Return the question of a choice without its heading and without the options listed in it."""
    body = without_heading(question)
    first = selfchecks.OPTION.search(body)
    return body[: first.start()].strip() if first else body.strip()


def self_checks(notebook: NotebookNode) -> list[Question]:
    """Return the self-checks of a lesson that a platform can mark."""
    found = []
    for _, exercise, question in selfchecks.questions(notebook):
        if not selfchecks.answerable(exercise):
            continue
        values = selfchecks.definition(exercise, question)
        if values["kind"] == "choice":
            hints = {wrong["right"].lower(): wrong["hint"] for wrong in reversed(values["wrong"])}
            answers = [
                Answer(
                    values["labels"][option] or option,
                    option.lower() == values["right"].lower(),
                    values["why"]
                    if option.lower() == values["right"].lower()
                    else hints.get(option.lower(), values["hint"]),
                )
                for option in values["options"]
            ]
            text = without_options(question)
        else:
            answers = [Answer(f"{values['value']:.12g}", True, values["why"], values["tol"])]
            answers += [Answer(f"{w['value']:.12g}", False, w["hint"], w["tol"]) for w in values["wrong"]]
            text = without_heading(question)
        kind = "choice" if values["kind"] == "choice" else "number"
        found.append(Question(f"Exercise {exercise.id}", kind, as_html(text), tuple(answers), values["hint"]))
    return found


def quiz(notebook: NotebookNode, number: str) -> list[Question]:
    """Return the questions of a lesson's quiz, to be answered in words."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return [
        Question(f"Quiz {number}.{place}", "words", as_html(question), (), as_html(answer))
        for place, question, answer in QUIZ_ITEM.findall(text)
    ]


def questions(entry: catalogue.Entry) -> list[Question]:
    """Return the self-checks and the quiz of a lesson."""
    notebook = entry.notebook()
    return self_checks(notebook) + quiz(notebook, entry.number)


# --- Moodle XML ------------------------------------------------------------------------------------


def _text(parent: ET.Element, tag: str, words: str, markup: bool = False) -> ET.Element:
    """Add an element that holds its words in ``text``, as Moodle wants them."""
    element = ET.SubElement(parent, tag, {"format": "html"} if markup else {})
    ET.SubElement(element, "text").text = words
    return element


def _moodle_question(parent: ET.Element, question: Question) -> None:
    kinds = {"choice": "multichoice", "number": "numerical", "words": "essay"}
    element = ET.SubElement(parent, "question", type=kinds[question.kind])
    _text(element, "name", question.name)
    _text(element, "questiontext", question.text, markup=True)
    _text(element, "generalfeedback", question.said if question.kind == "words" else "", markup=True)
    ET.SubElement(element, "defaultgrade").text = "1"
    if question.kind == "choice":
        for tag, value in (("single", "true"), ("shuffleanswers", "false"), ("answernumbering", "abc")):
            ET.SubElement(element, tag).text = value
    answers = question.answers
    if question.kind == "number":
        answers += (Answer("*", False, question.said, 0.0),)  # any other number
    for answer in answers:
        words = html.escape(answer.words, quote=False) if question.kind == "choice" else answer.words
        made = ET.SubElement(element, "answer", fraction="100" if answer.right else "0")
        if question.kind == "choice":
            made.set("format", "html")
        ET.SubElement(made, "text").text = words
        if answer.tol is not None:
            ET.SubElement(made, "tolerance").text = f"{answer.tol:.12g}"
        _text(made, "feedback", html.escape(answer.said, quote=False), markup=True)
    if question.kind == "words":
        for tag, value in (("responseformat", "editor"), ("responserequired", "1"), ("attachments", "0")):
            ET.SubElement(element, tag).text = value


def moodle(lessons: dict[str, list[Question]]) -> str:
    """Return the questions as Moodle XML, each lesson in a category of its own."""
    root = ET.Element("quiz")
    for title, asked in lessons.items():
        category = ET.SubElement(root, "question", type="category")
        _text(category, "category", f"$course$/{title.replace('/', '//')}")
        for question in asked:
            _moodle_question(root, question)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


# --- GIFT ------------------------------------------------------------------------------------------


def _gift(words: str) -> str:
    """Return words with GIFT's own characters escaped, in one line; a backslash as HTML writes it."""
    words = words.replace("\\", "&#92;")
    return re.sub(r"([~=#{}:])", r"\\\1", words).replace("\n", "\\n")


def gift(lessons: dict[str, list[Question]]) -> str:
    """Return the questions as GIFT."""
    blocks = []
    for title, asked in lessons.items():
        blocks.append(f"$CATEGORY: $course$/{title.replace('/', '//')}")
        for question in asked:
            lines = [f"::{_gift(question.name)}::[html]{_gift(question.text)}{{"]
            if question.kind == "number":
                lines[0] += "#"
            for answer in question.answers:
                said = _gift(html.escape(answer.said, quote=False))
                if question.kind == "choice":
                    mark = "=" if answer.right else "~"
                    lines.append(f"{mark}{_gift(html.escape(answer.words, quote=False))}#{said}")
                else:
                    lines.append(f"=%{100 if answer.right else 0}%{answer.words}:{answer.tol:.12g}#{said}")
            if question.kind == "words":
                lines.append(f"####{_gift(question.said)}")
            blocks.append("\n".join([*lines, "}"]))
    return "\n\n".join(blocks) + "\n"


# --- QTI 2.1 ---------------------------------------------------------------------------------------


def _sub(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes)
    element.text = text or None
    return element


def _outcome(parent: ET.Element, name: str, kind: str, value: str) -> None:
    _sub(_sub(parent, "setOutcomeValue", identifier=name), "baseValue", value, baseType=kind)


def _branch(processing: ET.Element, tag: str, answer: Answer, place: int, kind: str) -> None:
    """Add what happens if the response is this answer."""
    branch = _sub(processing, tag)
    if kind == "choice":
        test, base, value = _sub(branch, "match"), "identifier", f"choice_{place}"
    else:
        tolerance = f"{answer.tol:.12g} {answer.tol:.12g}"
        test = _sub(branch, "equal", toleranceMode="absolute", tolerance=tolerance)
        base, value = "float", answer.words
    _sub(test, "variable", identifier="RESPONSE")
    _sub(test, "baseValue", value, baseType=base)
    _outcome(branch, "SCORE", "float", "1" if answer.right else "0")
    _outcome(branch, "FEEDBACK", "identifier", f"said_{place}")


def _interaction(body: ET.Element, question: Question) -> None:
    if question.kind == "choice":
        choices = _sub(
            body, "choiceInteraction", responseIdentifier="RESPONSE", shuffle="false", maxChoices="1"
        )
        for place, answer in enumerate(question.answers):
            _sub(choices, "simpleChoice", answer.words, identifier=f"choice_{place}")
    elif question.kind == "number":
        _sub(_sub(body, "p"), "textEntryInteraction", responseIdentifier="RESPONSE", expectedLength="15")
    else:
        _sub(body, "extendedTextInteraction", responseIdentifier="RESPONSE")


def qti_item(question: Question, identifier: str) -> str:
    """Return one question as an item of QTI 2.1."""
    root = ET.Element(
        "assessmentItem",
        {
            "xmlns": QTI,
            "xmlns:xsi": SCHEMA,
            "xsi:schemaLocation": f"{QTI} http://www.imsglobal.org/xsd/qti/qtiv2p1/imsqti_v2p1.xsd",
            "identifier": identifier,
            "title": question.name,
            "adaptive": "false",
            "timeDependent": "false",
        },
    )
    base = {"choice": "identifier", "number": "float", "words": "string"}[question.kind]
    declared = _sub(root, "responseDeclaration", identifier="RESPONSE", cardinality="single", baseType=base)
    for place, answer in enumerate(question.answers):
        if answer.right:
            value = f"choice_{place}" if question.kind == "choice" else answer.words
            _sub(_sub(declared, "correctResponse"), "value", value)
    score = _sub(root, "outcomeDeclaration", identifier="SCORE", cardinality="single", baseType="float")
    _sub(_sub(score, "defaultValue"), "value", "0")
    _sub(root, "outcomeDeclaration", identifier="FEEDBACK", cardinality="single", baseType="identifier")
    body = _sub(root, "itemBody")
    body.append(ET.fromstring(f"<div>{question.text}</div>"))
    _interaction(body, question)
    condition = _sub(_sub(root, "responseProcessing"), "responseCondition")
    if question.answers:
        for place, answer in enumerate(question.answers):
            _branch(condition, "responseElseIf" if place else "responseIf", answer, place, question.kind)
    else:
        _sub(_sub(_sub(condition, "responseIf"), "isNull"), "variable", identifier="RESPONSE")
        _outcome(condition[0], "SCORE", "float", "0")
    _outcome(_sub(condition, "responseElse"), "FEEDBACK", "identifier", "said_otherwise")
    otherwise = question.said if question.kind == "words" else html.escape(question.said)
    feedback = {f"said_{place}": html.escape(answer.said) for place, answer in enumerate(question.answers)}
    for name, said in {**feedback, "said_otherwise": otherwise}.items():
        shown = _sub(root, "modalFeedback", outcomeIdentifier="FEEDBACK", showHide="show", identifier=name)
        shown.append(ET.fromstring(f"<div>{said}</div>"))
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def qti_package(number: str, asked: list[Question]) -> dict[str, str]:
    """Return the files of a package of QTI 2.1 for one lesson: {name: content}."""
    manifest = ET.Element("manifest", {"xmlns": CONTENT_PACKAGE, "identifier": f"aecourse_{number}"})
    about = _sub(manifest, "metadata")
    _sub(about, "schema", "QTIv2.1 Package")
    _sub(about, "schemaversion", "1.0.0")
    _sub(manifest, "organizations")
    resources = _sub(manifest, "resources")
    files = {}
    for question in asked:
        identifier = "item_" + re.sub(r"\W+", "_", question.name.lower())
        files[f"{identifier}.xml"] = qti_item(question, identifier)
        resource = _sub(
            resources,
            "resource",
            identifier=f"resource_{identifier}",
            type="imsqti_item_xmlv2p1",
            href=f"{identifier}.xml",
        )
        _sub(resource, "file", href=f"{identifier}.xml")
    ET.indent(manifest)
    text = ET.tostring(manifest, encoding="unicode")
    return {"imsmanifest.xml": f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', **files}


def write(folder: Path, entries: list[catalogue.Entry]) -> int:
    """Write the three forms into a folder; return the number of questions."""
    make_folder(folder)
    lessons = {f"{entry.number} {entry.title}": questions(entry) for entry in entries}
    write_whole(folder / "moodle.xml", moodle(lessons))
    write_whole(folder / "quizzes.gift", gift(lessons))
    for entry, asked in zip(entries, lessons.values(), strict=True):
        with (
            whole_file(folder / f"qti21_{entry.number}.zip") as temporary,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as package,
        ):
            for name, content in qti_package(entry.number, asked).items():
                package.writestr(zipfile.ZipInfo(name), content)  # with no time, so that it is the same again
    return sum(map(len, lessons.values()))


def main(arguments: list[str] | None = None) -> int:
    """Write the questions of all lessons."""
    parser = argparse.ArgumentParser(prog="python -m tools.quizzes", description=__doc__.split("\n", 1)[0])
    parser.add_argument("-o", "--out", type=Path, default=built_path("quizzes"))
    options = parser.parse_args(arguments)
    number = write(options.out, catalogue.read())
    print(
        f"{number} questions are in {options.out}: moodle.xml, quizzes.gift and qti21_NN.zip of each lesson"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The quizzes for learning platforms, read back by strict readers of the three formats."""

import html
import re
import xml.etree.ElementTree as ET
import zipfile

import pytest

from aecourse import exercises
from tools import catalogue, quizzes

ENTRIES = catalogue.read()
ASKED = {entry.number: quizzes.questions(entry) for entry in ENTRIES}
MARKED = {question.name: question for asked in ASKED.values() for question in asked if question.answers}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("quizzes")
    assert quizzes.main(["-o", str(out)]) == 0
    return out


def test_every_exercise_that_a_page_can_judge_and_every_quiz_is_there():
    for number, asked in ASKED.items():
        assert sum(question.kind == "words" for question in asked) == 5, number
        assert sum(question.kind != "words" for question in asked) >= 1, number
    for question in (question for asked in ASKED.values() for question in asked):
        assert len(re.sub("<[^>]+>", "", question.text)) > 20 and "<h3>" not in question.text, question


def is_right(question, answer):
    """Return whether a question's answers, taken in order, count this one as right."""
    for known in question.answers:
        if question.kind == "choice" and known.words == answer:
            return known.right
        if question.kind == "number" and abs(float(known.words) - float(answer)) <= known.tol:
            return known.right
    return False


@pytest.mark.parametrize("name", MARKED)
def test_a_platform_marks_as_the_lesson_does(name):
    question = MARKED[name]
    exercise = exercises.all_exercises()[name.removeprefix("Exercise ")]
    values = (exercise.right_example, *(wrong.example for wrong in exercise.wrong))
    options = dict(zip(exercise.is_right.form.get("options", ()), question.answers, strict=False))
    for value in values:
        given = options[value].words if question.kind == "choice" else value
        assert is_right(question, given) == exercise.accepts(value)
        (said,) = [known.said for known in question.answers if is_known(question, known, given)][:1]
        assert exercises.verdict(exercise, value).partition(" ")[2] in ("yet. " + said, said)


def is_known(question, known, given):
    return known.words == given if question.kind == "choice" else abs(float(known.words) - given) <= known.tol


# --- Moodle XML ------------------------------------------------------------------------------------

COMMON = ["name", "questiontext", "generalfeedback", "defaultgrade"]
MOODLE = {
    "multichoice": [*COMMON, "single", "shuffleanswers", "answernumbering", "answer"],
    "numerical": [*COMMON, "answer"],
    "essay": [*COMMON, "responseformat", "responserequired", "attachments"],
    "category": ["category"],
}


def read_moodle(text):
    """Return {name: Question} of Moodle XML; whatever is not in its documentation is refused."""
    root = ET.fromstring(text)
    assert text.startswith("<?xml ") and root.tag == "quiz"
    found, kinds = {}, {"multichoice": "choice", "numerical": "number", "essay": "words"}
    for element in root:
        kind = element.get("type")
        assert element.tag == "question" and set(element.keys()) == {"type"}
        tags = [child.tag for child in element]
        assert sorted(set(tags), key=tags.index) == MOODLE[kind], (kind, tags)
        if kind == "category":
            assert element.findtext("category/text").startswith("$course$/")
            continue
        assert element.find("questiontext").get("format") == "html"
        answers = []
        for answer in element.iter("answer"):
            assert answer.get("fraction") in ("0", "100")
            tol = float(answer.findtext("tolerance")) if kind == "numerical" else None
            words = answer.findtext("text") if kind == "numerical" else html.unescape(answer.findtext("text"))
            said = html.unescape(answer.findtext("feedback/text"))
            answers.append(quizzes.Answer(words, answer.get("fraction") == "100", said, tol))
        said = element.findtext("generalfeedback/text") or ""
        if kind == "numerical":
            assert answers[-1].words == "*"
            said = answers.pop().said
        assert kind == "essay" or sum(answer.right for answer in answers) == 1
        name = element.findtext("name/text")
        text = element.findtext("questiontext/text")
        assert name not in found
        found[name] = quizzes.Question(name, kinds[kind], text, tuple(answers), said)
    return found


def test_moodle_reads_what_was_meant(folder):
    found = read_moodle((folder / "moodle.xml").read_text(encoding="utf-8"))
    meant = {question.name: question for asked in ASKED.values() for question in asked}
    assert list(found) == list(meant)
    for name, question in meant.items():
        assert found[name].text == question.text and found[name].kind == question.kind
        assert same_answers(found[name], question)
        assert question.kind == "choice" or found[name].said == question.said


def same_answers(one, other):
    assert len(one.answers) == len(other.answers)
    for mine, yours in zip(one.answers, other.answers, strict=True):
        assert (mine.words, mine.right, mine.said) == (yours.words, yours.right, yours.said)
        assert mine.tol == pytest.approx(yours.tol) if yours.tol is not None else mine.tol is None
    return True


# --- GIFT ------------------------------------------------------------------------------------------


def unescaped(text):
    """Return GIFT's text as Moodle would show it; a special character that is not escaped is refused."""
    assert not re.search(r"(?<!\\)[~=#{}:]", text), text
    return re.sub(r"\\([~=#{}:])", r"\1", text.replace("\\n", "\n")).replace("&#92;", "\\")


def read_gift(text):
    """Return {name: Question} of GIFT."""
    found, special = {}, r"(?<!\\)"
    for block in text.strip().split("\n\n"):
        if block.startswith("$CATEGORY: $course$/"):
            continue
        parts = re.fullmatch(
            rf"::(.+?){special}::\[html\](.*?){special}\{{(#?)(.*){special}\}}", block, re.DOTALL
        )
        name, asked, numeric, inside = parts.groups()
        answers, general = [], ""
        for line in filter(None, inside.split("\n")):
            if line.startswith("####"):
                general = unescaped(line[4:])
            elif numeric:
                percent, value, tol, said = re.fullmatch(
                    r"=%(\d+)%([-\d.e+]+):([\d.e+-]+)#(.*)", line
                ).groups()
                answers.append(
                    quizzes.Answer(value, percent == "100", html.unescape(unescaped(said)), float(tol))
                )
            else:
                mark, words, said = re.fullmatch(rf"([=~])(.*?){special}#(.*)", line).groups()
                words, said = (html.unescape(unescaped(each)) for each in (words, said))
                answers.append(quizzes.Answer(words, mark == "=", said))
        kind = "number" if numeric else "choice" if answers else "words"
        name = unescaped(name)
        assert name not in found
        found[name] = quizzes.Question(name, kind, unescaped(asked), tuple(answers), general)
    return found


def test_gift_reads_what_was_meant(folder):
    found = read_gift((folder / "quizzes.gift").read_text(encoding="utf-8"))
    meant = {question.name: question for asked in ASKED.values() for question in asked}
    assert list(found) == list(meant)
    for name, question in meant.items():
        assert found[name].kind == question.kind and found[name].text == question.text
        assert same_answers(found[name], question)
        assert question.kind != "words" or found[name].said == question.said


# --- QTI 2.1 ---------------------------------------------------------------------------------------

ORDER = ["responseDeclaration", "outcomeDeclaration", "itemBody", "responseProcessing", "modalFeedback"]
FLOW = set("p ul ol li code pre strong em br table thead tbody tr th td div a".split())


def local(element):
    return element.tag.rpartition("}")[2]


def find(element, path):
    return element.find("/".join(f"{{{quizzes.QTI}}}{tag}" for tag in path.split("/")))


def check_item(root):
    """Refuse what QTI 2.1 does not allow: order, required attributes, references to what is declared."""
    assert root.tag == f"{{{quizzes.QTI}}}assessmentItem"
    assert {"identifier", "title", "adaptive", "timeDependent"} <= set(root.keys())
    tags = [local(child) for child in root]
    assert [ORDER.index(tag) for tag in tags] == sorted(ORDER.index(tag) for tag in tags)
    declared = {child.get("identifier") for child in root if local(child).endswith("Declaration")}
    assert declared == {"RESPONSE", "SCORE", "FEEDBACK"}
    for element in root.iter():
        for attribute in ("identifier", "responseIdentifier", "outcomeIdentifier"):
            if name := element.get(attribute):
                assert re.fullmatch(r"[A-Za-z_][\w.-]*", name), name
        if local(element) in ("variable", "setOutcomeValue"):
            assert element.get("identifier") in declared
        if local(element).endswith("Interaction"):
            assert element.get("responseIdentifier") == "RESPONSE"
    body = find(root, "itemBody")
    interactions = [each for each in body.iter() if local(each).endswith("Interaction")]
    assert len(interactions) == 1
    inside = {local(each) for child in body if child is not interactions[0] for each in child.iter()}
    assert inside <= FLOW | {"textEntryInteraction"}
    branches = [local(each) for each in find(root, "responseProcessing/responseCondition")]
    assert branches[0] == "responseIf" and branches[-1] == "responseElse"
    assert set(branches[1:-1]) <= {"responseElseIf"}


def outcome_of(root, given):
    """Process a response as QTI 2.1 says; return SCORE and the words of the feedback that is shown."""
    values = {"SCORE": "0", "FEEDBACK": None}
    for branch in find(root, "responseProcessing/responseCondition"):
        test = branch[0] if local(branch) != "responseElse" else None
        if test is not None and local(test) == "isNull":
            continue
        value = test[1].text if test is not None else None
        if test is not None and local(test) == "match" and value != given:
            continue
        if test is not None and local(test) == "equal":
            low, high = map(float, test.get("tolerance").split())
            assert test.get("toleranceMode") == "absolute" and low == high
            if abs(float(given) - float(value)) > low:
                continue
        for step in branch:
            if local(step) == "setOutcomeValue":
                values[step.get("identifier")] = step[0].text
        break
    shown = [each for each in root if each.get("identifier") == values["FEEDBACK"]]
    return float(values["SCORE"]), "".join(shown[0].itertext()).strip()


def near_the_edge(answer):
    """A number that just counts as this answer: nearer the middle, a stricter answer may come first."""
    return repr(float(answer.words) + 0.9 * answer.tol)


@pytest.mark.parametrize("number", ASKED)
def test_qti_is_in_order_and_marks_as_meant(folder, number):
    with zipfile.ZipFile(folder / f"qti21_{number}.zip") as package:
        files = {name: ET.fromstring(package.read(name)) for name in package.namelist()}
    manifest = files.pop("imsmanifest.xml")
    space = f"{{{quizzes.CONTENT_PACKAGE}}}"
    assert [child.tag.removeprefix(space) for child in manifest] == ["metadata", "organizations", "resources"]
    listed = manifest.findall(f"{space}resources/{space}resource")
    assert {each.get("type") for each in listed} == {"imsqti_item_xmlv2p1"}
    assert [each.get("href") for each in listed] == [each[0].get("href") for each in listed] == list(files)
    assert len(files) == len(ASKED[number])
    for root, question in zip(files.values(), ASKED[number], strict=True):
        check_item(root)
        assert root.get("title") == question.name
        for place, answer in enumerate(question.answers):
            given = f"choice_{place}" if question.kind == "choice" else near_the_edge(answer)
            assert outcome_of(root, given) == (float(answer.right), answer.said)
        if question.kind == "number":
            assert outcome_of(root, "-98765.4321") == (0.0, question.said)


@pytest.mark.parametrize(
    ("spoil", "reader"),
    [
        (lambda text: text.replace("<defaultgrade>1</defaultgrade>", "", 1), read_moodle),
        (lambda text: text.replace('fraction="100"', 'fraction="0"', 1), read_moodle),
    ],
)
def test_the_reader_of_moodle_refuses_what_is_wrong(folder, spoil, reader):
    text = (folder / "moodle.xml").read_text(encoding="utf-8")
    assert spoil(text) != text
    with pytest.raises(AssertionError):
        reader(spoil(text))


def test_formulas_are_kept_and_characters_escaped():
    text = quizzes.as_html("If $a_1 < b$ then `x = {1: 2}`.")
    assert text == "<p>If \\(a_1 &lt; b\\) then <code>x = {1: 2}</code>.</p>"
    question = quizzes.Question("Q: 1", "choice", text, (quizzes.Answer("a = b", True, "#1"),), "")
    (read,) = read_gift(quizzes.gift({"L": [question]})).values()
    assert read == question

"""What must hold of a lesson's file so that comparing its outputs means something.

nbval alone is not enough: a notebook without outputs passes it, a failing ``%magic`` passes it,
and it never looks at a picture. Each function here returns the faults of one kind as sentences.
"""

import ast
import itertools
import json
import re

from tools import text as texts

EXCUSED = "nbval-ignore-output"
EXCUSES = {"timing", "version"}
TAGS = EXCUSES | {EXCUSED, "headline", "solution", "exercise", "checks"}
MAX_BYTES = 1_000_000
ABSOLUTE_PATH = re.compile(r"(?<![\w.])/(?:home|root|work|Users|tmp|usr|opt|mnt|content)/|\b[A-Z]:\\\\")
HEADINGS = ("## Exercises", "## Quiz", "## Summary", "## Further reading")


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds_of_picture(output):
    return sorted(kind for kind in output.get("data", {}) if kind.startswith("image/"))


def text_of(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def execution(notebook):
    """Executed in order from a clean kernel, with outputs stored."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    faults = []
    if counts != list(range(1, len(counts) + 1)):
        faults.append(f"cells were not executed once, in order: {counts}")
    with_output = sum(bool(cell.outputs) for cell in code_cells(notebook))
    if with_output < 0.5 * len(counts):
        faults.append(f"only {with_output} of {len(counts)} code cells have a stored output")
    return faults


def comparison(notebook):
    """Every output is compared, but those of timings and versions, by tag."""
    faults = []
    for cell in code_cells(notebook):
        tags = set(cell.metadata.get("tags", []))
        if tags - TAGS:
            faults.append(f"{cell.id}: unknown tags {sorted(tags - TAGS)}")
        if EXCUSED in tags and len(tags & EXCUSES) != 1:
            faults.append(f"{cell.id}: excused from comparison without saying timing or version")
        if tags & EXCUSES and EXCUSED not in tags:
            faults.append(f"{cell.id}: tagged {sorted(tags & EXCUSES)} but compared")
        if re.search(r"#\s*(NBVAL_|PYTEST_VALIDATE)", cell.source):
            faults.append(f"{cell.id}: a comment tells nbval to skip or ignore it")
        if EXCUSED in tags and any(kinds_of_picture(output) for output in cell.outputs):
            faults.append(f"{cell.id}: a picture is excused, so its description is not compared")
    return faults


def source(notebook):
    """Plain Python only: the errors of magics and shell lines pass nbval."""
    faults = []
    for cell in code_cells(notebook):
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            faults.append(f"{cell.id}: not plain Python ({error.msg}, line {error.lineno})")
        if "get_ipython(" in cell.source:
            faults.append(f"{cell.id}: calls get_ipython")
    return faults


def outputs(notebook):
    """No standard error, no error, no progress bar, no warning, no path of a machine."""
    faults = []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "error":
                faults.append(f"{cell.id}: stored output is an error: {output.ename}")
            if output.get("name") == "stderr":
                faults.append(f"{cell.id}: standard error is stored: {output.text[:60]!r}")
            text = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
            if re.search(r"\d+%\|.*\||━|ETA:|\d+/\d+ \[=|\dms/step", text):
                faults.append(f"{cell.id}: a progress bar is stored")
            if "Warning:" in text:
                faults.append(f"{cell.id}: a warning is stored: {text[:60]!r}")
            if ABSOLUTE_PATH.search(text):
                faults.append(f"{cell.id}: an absolute path is stored: {ABSOLUTE_PATH.search(text).group()}…")
    return faults


def pictures(notebook):
    """Each picture is there as vectors, and carries a description, which stands in for it when compared."""
    faults = []
    for cell in code_cells(notebook):
        for output in cell.outputs:
            kinds = kinds_of_picture(output)
            if not kinds:
                continue
            if kinds != ["image/png", "image/svg+xml"]:
                faults.append(f"{cell.id}: a picture is stored as {kinds}, not as vectors and as PNG")
            alts = {output.metadata.get(kind, {}).get("alt", "") for kind in kinds}
            if min(map(len, alts)) < 40:
                faults.append(f"{cell.id}: a picture has no description for those who do not see it")
            elif alts != {output.data.get("text/plain")}:
                faults.append(f"{cell.id}: a picture's compared text is not its description")
    return faults


def file_facts(notebook, n_bytes):
    """Small, the README's kernel, stable cell ids, nothing that differs from run to run."""
    faults = []
    if n_bytes >= MAX_BYTES:
        faults.append(f"the file has {n_bytes:,} bytes; at most {MAX_BYTES:,}")
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        faults.append("the kernel is not python3")
    ids = [cell.get("id", "") for cell in notebook.cells]
    if len(set(ids)) != len(ids):
        faults.append("two cells have the same id")
    for cell in notebook.cells:
        if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f-]{27})?", cell.get("id", "")):
            faults.append(f"{cell.id}: a random id, which changes when the lesson is made again")
        if "execution" in cell.metadata:
            faults.append(f"{cell.id}: execution times are stored")
    if ABSOLUTE_PATH.search(json.dumps([cell.source for cell in notebook.cells])):
        faults.append("an absolute path stands in a cell")
    return faults


def anatomy(notebook):
    """The parts that every lesson has."""
    faults = []
    first, text = notebook.cells[0].source, text_of(notebook)
    if not re.match(r"# \d\d · \S", first):
        faults.append(f"the first line must be '# NN · title'; found {first[:40]!r}")
    for words in ("What you will learn", "Prerequisites", "Minutes"):
        if f"**{words}**" not in first:
            faults.append(f"the first cell lacks **{words}**")
    faults += [
        f"there is no section {heading!r}" for heading in HEADINGS if f"\n{heading}" not in "\n" + text
    ]
    sections = re.findall(r"^## \d+ · .+$", text, re.MULTILINE)
    if len(sections) < 2:
        faults.append(f"only {len(sections)} numbered sections")
    if text.count("minutes so far") < len(sections):
        faults.append("a numbered section does not say the minutes so far")
    quiz = text.partition("\n## Quiz")[2].partition("\n## ")[0]
    if quiz.count("<details>") != 5 or quiz.count("</details>") != 5:
        faults.append(f"the quiz has {quiz.count('<details>')} folded answers; five are wanted")
    headlines = [cell for cell in code_cells(notebook) if "headline" in cell.metadata.get("tags", [])]
    if len(headlines) != 1:
        faults.append(f"{len(headlines)} cells are tagged headline; one is wanted")
    return faults


def exercises(notebook):
    """Two to five exercises, each with a folded solution."""
    faults = []
    exercises = re.findall(r"^### Exercise \d\d\.\d", text_of(notebook), re.MULTILINE)
    if not 2 <= len(exercises) <= 5:
        faults.append(f"{len(exercises)} exercises; two to five are wanted")
    solutions = [cell for cell in code_cells(notebook) if "solution" in cell.metadata.get("tags", [])]
    if len(solutions) < len(exercises):
        faults.append(f"{len(solutions)} folded solutions for {len(exercises)} exercises")
    above = {cell.id: before for before, cell in itertools.pairwise(notebook.cells)}
    for cell in solutions:
        if dict(cell.metadata.get("jupyter", {})) != texts.FOLDED:
            faults.append(f"{cell.id}: the solution or its output is not folded")
        if not texts.is_fold(above[cell.id]):
            faults.append(f"{cell.id}: no folded heading: write one line of text, and a cell of it, above")
    return faults


def all_faults(notebook, n_bytes=0):
    """Return every fault of a lesson."""
    checks = (execution, comparison, source, outputs, pictures, anatomy, exercises)
    return [fault for check in checks for fault in check(notebook)] + file_facts(notebook, n_bytes)

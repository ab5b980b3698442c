"""A submission runs as in a notebook: magics and habits of Jupyter, Colab, Kaggle and VS Code."""

import base64
import io
import json
import struct

import numpy as np
import pytest
from PIL import Image

from aecourse.grading import assignment, feedback, grade, submissions
from aecourse.grading.inside import student
from aecourse.grading.inside.shell import CappedText
from tools import made_up_assignment

SOURCE = made_up_assignment.source(seconds=240, memory_mb=3072)
ABOUT = assignment.read(SOURCE)

# Each stands first in a cell of its own, with a line after it that must be reached.
HABITS = [
    "%matplotlib inline",
    "%matplotlib notebook",
    "%matplotlib widget",
    "%matplotlib qt",
    "%matplotlib tk",
    "%matplotlib",
    "%pylab inline",
    "%gui asyncio",
    "%load_ext autoreload\n%autoreload 2",
    "%load_ext tensorboard\n%tensorboard --logdir logs",
    "%tensorflow_version 2.x",
    "%config InlineBackend.figure_format = 'retina'",
    "%config InlineBackend.figure_formats = ['svg']",
    "%pip install --quiet seaborn",
    "!pip install --quiet seaborn",
    "!ls -la && pwd",
    "!nvidia-smi",
    "!wget -q https://example.org/data.csv",
    "files = !ls",
    "%cd /tmp\n%pwd",
    "%env OMP_NUM_THREADS=1",
    "%time sum(range(10))",
    "%timeit -n 1 -r 1 sum(range(10))",
    "%who",
    "%precision 3",
    "%xmode minimal",
    "%lsmagic",
    "%history -n 1",
    "%pdb off",
    "%prun -q sum(range(10))",
    "%store",
    "np.mean?",
    "get_ipython().kernel",
    "get_ipython().run_line_magic('matplotlib', 'inline')",
    "get_ipython().system('ls')",
    "from google.colab import drive\ndrive.mount('/content/drive')",
    "from google.colab import files\nfiles.download('a.csv')",
    "from google.colab import output\noutput.clear()",
    "from kaggle_secrets import UserSecretsClient\nUserSecretsClient().get_secret('key')",
    "#@title Data { display-mode: \"form\" }",
    "# %% [markdown]",
    "name = input('Your name: ')",
    "from tqdm.auto import tqdm\nfor _ in tqdm(range(3)): pass",
    "from tqdm.notebook import tqdm\nfor _ in tqdm(range(3)): pass",
    "import ipywidgets\nipywidgets.interact(lambda x: x, x=3)",
    "import asyncio\nawait asyncio.sleep(0)",
    "from IPython.display import HTML, Markdown, Math, clear_output, display\n"
    "display(HTML('<b>x</b>'), Markdown('*x*'), Math('x^2'))\nclear_output(wait=True)",
    "handle = display('a', display_id=True)\nhandle.update('b')",
    "1 + 1\n_ = In, Out",
    "import warnings\nwarnings.filterwarnings('ignore')",
    "%watermark -v -p numpy",
    "%load_ext memory_profiler\n%memit sum(range(10))",
    "%lprun -f len len([])",
    "get_ipython().magic('time 1')",
    "import matplotlib\nmatplotlib.use('TkAgg')",
    "import matplotlib as mpl\nmpl.use('Qt5Agg')",
    "from matplotlib import pyplot\npyplot.switch_backend('MacOSX')",
    "import pdb\npdb.set_trace()",
    "breakpoint()",
    "%pdb on",
    "import getpass\ngetpass.getpass('Key: ')",
    "import faulthandler\nfaulthandler.enable()",
    "import subprocess, sys\nsubprocess.run('ls', stdout=sys.stdout)",
]  # fmt: skip
CELL_HABITS = [
    "%%time", "%%capture out", "%%capture", "%%timeit -n 1 -r 1", "%%prun -q", "%%memit", "%%wandb",
]  # fmt: skip
OWN_CELLS = [
    "%%writefile helper.py\ndef double(x): return 2 * x",
    "%%bash\necho hello",
    "%%html\n<b>x</b>",
    "%%javascript\nalert(1)",
    "%%latex\n$x$",
    "%%svg\n<svg/>",
    "%%script true\nnothing",
    "%%ai\nwhat is an anomaly?",
]


def shown_by(*cells):
    """Grade the model solution with cells before it; return the record and what each of them reported."""
    raw = json.loads(made_up_assignment.submission(ABOUT))
    raw["cells"][2:2] = [assignment.new_cell("code", f"own-{n}", cell) for n, cell in enumerate(cells)]
    record = grade.grade(SOURCE, submissions.Incoming("10001", "", "", assignment.to_bytes(raw)))
    return record, [cell["report"] for cell in record.shown[2 : 2 + len(cells)]]


def test_magics_and_habits_stop_no_cell():
    cells = [f"{habit}\nprint('reached')" for habit in HABITS]
    cells += [f"{habit}\nreached = True" for habit in CELL_HABITS] + OWN_CELLS
    record, reports = shown_by(*cells, "from helper import double\nprint(double(4))")
    assert {cell: r["error"] for cell, r in zip(cells, reports, strict=False) if r["error"]} == {}
    for cell, report in zip(cells[: len(HABITS)], reports, strict=False):
        assert any("reached\n" in output.get("text", "") for output in report["outputs"]), cell
    assert (record.status, record.automatic) == ("graded", 8)


@pytest.mark.parametrize("habit", ["%matplotlib inline", "%matplotlib qt", "%load_ext autoreload", "%%time"])
def test_a_magic_first_in_an_answer_costs_nothing(habit):
    answers = {cell.name: f"{habit}\n{cell.source}" for cell in ABOUT.cells if cell.kind == "solution"}
    data = assignment.answered(ABOUT, answers)
    record = grade.grade(SOURCE, submissions.Incoming("10001", "", "", data))
    assert (record.status, record.automatic) == ("graded", 8), record.shown


PLOT = "import matplotlib.pyplot as plt\n"


@pytest.mark.parametrize(
    "cell",
    [
        PLOT + "plt.plot([1, 2])\nplt.show()",
        PLOT + "plt.plot([1, 2]);",
        PLOT + "figure = plt.figure()\nfigure.add_subplot().plot([1])\nplt.close(figure)\nfigure",
        PLOT + "%config InlineBackend.figure_formats = ['svg']\nplt.plot([1, 2])\nplt.show()",
        "%matplotlib notebook\n" + PLOT + "plt.plot([1])\nplt.show()",
        "import matplotlib\nmatplotlib.use('TkAgg')\n" + PLOT + "plt.plot([1])\nplt.show()",
        # Noise cannot be compressed: drawn as it is, this one would take 2 MB.
        PLOT + "plt.figure(figsize=(8, 8), dpi=150)\nplt.imshow(np.random.rand(900, 900))\nplt.show()",
        "import pandas as pd\npd.Series([1, 2]).plot();",
        PLOT + "plt.plot([1])\nplt.savefig('a.png')\nplt.close()\n"
        "from IPython.display import Image\nImage('a.png')",
        "from aecourse import plots\n"
        "plots.show(plots.loss_curves({'loss': [3, 2]}), 'The loss falls from 3 to 2.')",
    ],
)
def test_a_picture_reaches_the_page(cell):
    record, [report] = shown_by(cell)
    [picture] = [output["picture"] for output in report["outputs"] if "picture" in output]
    assert struct.unpack(">II", base64.b64decode(picture)[16:24])[0] > 100
    page = feedback.student_page(record)
    assert page.count("data:image/png;base64") == 1 and "<svg" not in page and "image/svg" not in page


def test_a_picture_is_drawn_smaller_until_it_fits():
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, "PNG")
    whole = base64.b64encode(stream.getvalue()).decode()
    assert student.fitted(whole, len(whole)) == whole
    smaller = student.fitted(whole, 200_000)
    width, height = Image.open(io.BytesIO(base64.b64decode(smaller))).size
    assert len(smaller) <= 200_000 and width / height == pytest.approx(4 / 3, rel=0.02) and width > 150
    for broken in ("no base64", base64.b64encode(b"no picture").decode(), whole[:5000]):
        assert student.fitted(broken, len(broken) - 1) == ""
    assert student.fitted(whole, 0) == ""


def test_an_error_below_a_magic_that_is_not_installed_is_the_cells_own():
    report = shown_by("%%memit\n1 / 0")[1][0]
    assert report["error"]["name"] == "ZeroDivisionError"


def test_a_semicolon_hides_a_value():
    assert [report["outputs"] for report in shown_by("7;", "7")[1]] == [[], [{"text": "7"}]]


def test_the_last_state_of_a_progress_bar_is_shown():
    bar = "from tqdm import tqdm\nfor _ in tqdm(range(2000), mininterval=0): pass"
    cleared = (
        "from IPython.display import clear_output\n"
        "for n in range(3):\n    clear_output(wait=True)\n    print(n)"
    )
    fit = (
        "import keras\nm = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])\n"
        "m.compile(loss='mse')\nh = m.fit(np.zeros((64, 1)), np.zeros((64, 1)), batch_size=1)"
    )
    _, reports = shown_by(bar, cleared, fit, "print('\\x1b[31mred\\x1b[0m')")
    texts = ["".join(output.get("text", "") for output in report["outputs"]) for report in reports]
    assert "100%" in texts[0] and texts[0].count("it/s") == 1
    assert texts[1] == "2\n"
    assert texts[2].count("64/64") == 1 and "63/64" not in texts[2] and "\x1b" not in texts[2]
    assert texts[3] == "red\n"


@pytest.mark.parametrize(
    "written, kept",
    [
        (["a\rb"], "b"),
        (["a\r\nb"], "a\nb"),
        (["10%", "\r", "100%\n", "done"], "100%\ndone"),
        (["abc\b\b\bxy"], "xy"),
        (["\x1b[1mbold\x1b[0m \x1b]0;title\x07"], "bold "),
        (["abcdefghijkl"], "abcdefghij\n… 2 more characters were not kept"),
        (["a" * 8 + "\r"] * 9 + ["end"], "end"),
    ],
)
def test_text_is_kept_as_a_terminal_shows_it(written, kept):
    text = CappedText(10)
    for part in written:
        assert text.write(part) == len(part)
    assert text.text() == kept

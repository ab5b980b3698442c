"""pyproject.toml, requirements.lock and environment.yml agree; the README's generated parts are current."""

import pathlib
import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from aecourse import doctor
from tools import readme, setup_env
from tools.hosted import RECIPE

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text()
# What a student installs; the other extras are for those who work on the course.
STUDENT = EXTRAS["course"][0].removeprefix("aecourse[").removesuffix("]").split(",")
COURSE = [*PROJECT["dependencies"], *(text for extra in STUDENT for text in EXTRAS[extra])]
# Installed from the lock beside it.
UPKEEP = [text for extra in ["site", "browser", "onnx", "excel", "dev"] for text in EXTRAS[extra]]


def pins():
    """Return the versions that the lock pins, by name; a package may have several, by platform."""
    found = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, re.MULTILINE):
        found.setdefault(name, []).append(version)
    return found


def test_environment_yml_asks_for_what_pyproject_asks():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    plain = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pip[-1] == "-e ."
    assert [Requirement(text) for text in pip[:-1]] == [Requirement(text) for text in COURSE]
    (python,) = [entry.removeprefix("python") for entry in plain if entry.startswith("python")]
    assert SpecifierSet(python) == SpecifierSet(PROJECT["requires-python"])


def test_the_extras_of_the_course_are_listed_once():
    """Everything else names the extra `course`."""
    assert doctor.needed_extras() == sorted(STUDENT) and set(STUDENT) <= set(EXTRAS)
    assert "--extra course" in (ROOT / "Makefile").read_text()
    assert 'pip install -e ".[course]"' in (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("README.md", "Makefile", "aecourse/doctor.py", "CONTRIBUTING.md", "environment.yml"):
        assert not re.search(r"\blab\W+test\W+theano\b", (ROOT / name).read_text(encoding="utf-8")), name


def test_the_lock_fits_the_ranges():
    pinned = pins()
    for text in [*COURSE, *UPKEEP]:
        requirement = Requirement(text)
        for version in pinned[requirement.name]:
            assert requirement.specifier.contains(version), (text, version)


def test_every_range_has_both_ends_and_no_exact_pin():
    for text in [*COURSE, *UPKEEP]:
        operators = {specifier.operator for specifier in Requirement(text).specifier}
        assert ">=" in operators and "==" not in operators, text
        # Released by calendar, without a promise on what the next year breaks.
        by_date = {"packaging", "distributed", "dask", "pyarrow"}
        assert "<" in operators or Requirement(text).name in by_date, text


def test_every_pin_has_hashes_and_no_address():
    blocks = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(blocks) > 100
    for block in blocks:
        assert "--hash=sha256:" in block, block.split("\n")[0]
    assert "://" not in LOCK and "index-url" not in LOCK and " @ " not in LOCK


def test_the_lock_serves_every_platform():
    assert "sys_platform == 'win32'" in LOCK and re.search(
        r"sys_platform == 'darwin'|platform_system == 'Darwin'", LOCK
    )


def test_the_packages_of_the_course_are_there():
    names = {Requirement(text).name for text in COURSE}
    assert names >= {
        "jupyterlab",
        "tensorflow",
        "numpy",
        "pandas",
        "matplotlib",
        "seaborn",
        "scikit-learn",
        "nbval",
        "pytest",
    }


def test_the_readme_is_current():
    result = subprocess.run(
        [sys.executable, "-m", "tools.readme", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout


def test_the_readme_gives_the_recipe_that_is_tested():
    text = README.replace("\n  ", "\n")
    assert "\n".join(RECIPE).format(address="ADDRESS-OF-YOUR-COPY") in text


def test_the_readme_and_the_set_up_name_the_same_disk():
    rows = {"student": "Linux, `make lab`", "all": "Linux, `make course`, `make test`"}
    for kind, row in rows.items():
        (disk,) = re.findall(rf"^\| {re.escape(row)} \| [\d.]+ \| ([\d.]+) \|", README, re.MULTILINE)
        assert float(disk) == setup_env.LOCKS[kind][1]


def test_readme_check_finds_a_changed_figure(tmp_path, monkeypatch):
    text = readme.README.read_text(encoding="utf-8")
    figure = re.search(r"AUROC 0\.\d+", text).group()
    copy = tmp_path / "README.md"
    copy.write_text(text.replace(figure, "AUROC 1.000"), encoding="utf-8")
    monkeypatch.setattr(readme, "README", copy)
    assert readme.main(["--check"]) == 1
    assert readme.main([]) == 0 and copy.read_text(encoding="utf-8") == text
    assert readme.main(["--check"]) == 0


def test_every_relative_link_of_the_readme_leads_somewhere():
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_importing_the_package_is_light():
    """In processor time, which a busy machine does not stretch; TensorFlow alone would take seconds."""
    code = (
        "import sys, time; start = time.process_time(); import aecourse; took = time.process_time() - start;"
        "assert took < 0.3, took; assert not {'tensorflow', 'keras', 'sklearn', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error():
    import aecourse

    assert "datasets" in dir(aecourse)
    with pytest.raises(AttributeError, match="nothing"):
        aecourse.nothing  # noqa: B018


def test_the_citation_names_the_version_and_the_licence():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"] and citation["license"] == PROJECT["license"]
    assert citation["authors"] == [{"name": author["name"]} for author in PROJECT["authors"]]


def test_the_changelog_has_the_version():
    assert f"\n## {PROJECT['version']}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_paths_and_commands_of_the_contributors_guide_exist():
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:aecourse|assignments|docs|notebooks|tests|tools)/[\w./]*\w)`", guide)
    paths += re.findall(r"tests/test_\w+\.py", guide)
    assert len(paths) > 15
    assert [path for path in paths if not re.search("NN|aN|NAME", path) and not (ROOT / path).exists()] == []
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"(?:^|`)make ([a-z][a-z -]*)", guide, re.MULTILINE)
    named = {target for words in targets for target in words.split()}
    assert {"lesson", "lint", "types", "test"} <= named
    rules = [re.sub("^stored-.*", "stored-%", name) for name in named]
    assert [name for name in rules if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []

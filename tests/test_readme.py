"""The README's promises, and those of the pages it leads to, and the Space's settings."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import gradio
import pytest

import kmtalk
import kmtalk.edits
from kmtalk import __main__ as program
from kmtalk.assets import asset

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ("README.md", "docs/animators.md", "docs/researchers.md", "examples/README.md", "assets/kmtalk-base/README.md")


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


def commands(page):
    """The lines of a page's shell blocks that start kmtalk, as arguments."""
    lines = "\n".join(re.findall(r"```bash\n(.*?)```", read(page), re.DOTALL)).replace("\\\n", "").splitlines()
    told = [line.split("python -m kmtalk ", 1)[1] for line in lines if line.startswith("python -m kmtalk ")]
    return [shlex.split(line, comments=True) for line in told]


def front_matter():
    block = README.split("---\n")[1]
    return dict(re.findall(r"^(\w+): *(.+)$", block, re.MULTILINE))


def test_front_matter_suits_a_space():
    settings = front_matter()
    assert settings["sdk"] == "gradio"
    assert settings["sdk_version"] == gradio.__version__
    assert settings["python_version"].strip('"') in ("3.12.12", "3.10.13")
    assert settings["app_file"] == "app.py" and (ROOT / "app.py").is_file()
    assert settings["license"] == "apache-2.0"
    assert len(settings["short_description"]) <= 60


def test_requirements_serve_the_space_and_the_constraints_pin_them():
    wanted = (ROOT / "requirements.txt").read_text()
    assert "torch>=2.8,<2.14" in wanted
    pinned = {
        line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    }
    names = {re.split(r"[<>=]", line)[0].strip().lower() for line in wanted.splitlines() if line.strip()}
    assert names <= pinned, names - pinned


def test_system_packages_exist_under_the_same_name_on_bookworm_and_trixie():
    known = {"libegl1", "libegl-mesa0", "libgl1", "libgl1-mesa-dri", "espeak-ng", "fonts-dejavu-core"}
    assert set((ROOT / "packages.txt").read_text().split()) <= known


def test_committed_files_stay_small():
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True).stdout.split("\0")
    large = [name for name in tracked if name and (ROOT / name).is_file() and (ROOT / name).stat().st_size > 10 * 2**20]
    assert large == []


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_links_to_exists(page):
    lines = re.findall("^#+ (.+)$", read(page), re.MULTILINE)
    headings = {re.sub(r"[^a-z0-9 -]", "", line.lower()).replace(" ", "-") for line in lines}
    for target in re.findall(r"\]\(([^)]+)\)", read(page)):
        if target.startswith("#"):
            assert target[1:] in headings, target
        elif "://" not in target:
            assert (ROOT / page).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_files_named_on_a_page_exist(page):
    named = re.findall(r"`(?:python )?((?:assets|benchmarks|docs|examples|kmtalk)/[^`* ]+?)/?`", read(page))
    for target in named:
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_commands_on_a_page_are_understood(page):
    for arguments in commands(page):
        program.make_parser().parse_args(arguments)


def test_every_command_is_on_a_page():
    shown = {arguments[0] for page in PAGES[:3] for arguments in commands(page)}
    assert shown == {command.__name__.rsplit(".", 1)[1] for command in program.COMMANDS}


def test_the_animators_edits_work_and_show_every_operation():
    edits = json.loads(re.search(r"```json\n(.*?)```", read("docs/animators.md"), re.DOTALL).group(1))
    assert {edit["do"] for edit in edits} == set(re.findall(r'"do": "(.+?)"', kmtalk.edits.__doc__))
    assert kmtalk.animate(asset("examples", "bubbles.wav"), edits=edits).edits == tuple(edits)


def test_the_python_example_runs(tmp_path):
    code = re.search(r"## From Python\n\n```python\n(.*?)```", README, re.DOTALL).group(1)
    example = ROOT / "assets" / "examples" / "bubbles.wav"
    (tmp_path / "voice.wav").write_bytes(example.read_bytes())
    environment = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    done = subprocess.run([sys.executable, "-c", environment + code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "voice.mp4").is_file() and (tmp_path / "voice.glb").is_file()

"""The README's promises and the Space's settings."""

import re
import subprocess
import sys
from pathlib import Path

import gradio

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


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


def test_pictures_and_files_named_in_the_readme_exist():
    for target in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README) + re.findall(r"`(assets/[^`*]+?)/?`", README):
        assert (ROOT / target).exists(), target


def test_the_python_example_runs(tmp_path):
    code = re.search(r"## From Python\n\n```python\n(.*?)```", README, re.DOTALL).group(1)
    example = ROOT / "assets" / "examples" / "bubbles.wav"
    (tmp_path / "speech.wav").write_bytes(example.read_bytes())
    environment = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    done = subprocess.run([sys.executable, "-c", environment + code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "speech.mp4").is_file() and (tmp_path / "speech.glb").is_file()

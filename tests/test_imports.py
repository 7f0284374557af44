"""The house: imports point down its floors, nothing heavy is loaded early, and the public names are these."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import kmtalk

ROOT = Path(kmtalk.__file__).parent.parent
PACKAGE = ROOT / "kmtalk"
FLOORS = (
    "app __main__",
    "commands",
    "__init__ doctor experiments",
    "train",
    "evaluate takes web",
    "animate",
    "edits",
    "draft",
    "relabelling stages",
    "data export",
    "models render",
    "life",
    "handles motion",
    "alignment",
    "boundaries keys localise metrics prosody textgrid",
    "bands",
    "audio face",
    "assets batch decode files ipa npz phonemes version",
    "errors",
)
"""From the roof down: a module imports only from floors below its own, or from its own package."""
STOREYS = {name: len(FLOORS) - floor for floor, names in enumerate(FLOORS) for name in names.split()}


def modules():
    """Every module's dotted name and its file; the package itself is "kmtalk", the page "app"."""
    found = {"app": ROOT / "app.py"}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imported(path):
    """The modules of the house that a file imports, wherever in it it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "kmtalk")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where they point"
            if node.module.split(".")[0] == "kmtalk":
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    yield inner if inner in MODULES else node.module


def part(module):
    """What stands in FLOORS: the first name below kmtalk."""
    names = module.split(".")
    return "app" if module == "app" else "__init__" if len(names) == 1 else names[1]


def test_every_part_has_its_floor():
    assert {part(module) for module in MODULES} == set(STOREYS)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    for target in imported(MODULES[module]):
        here, there = part(module), part(target)
        assert STOREYS[there] < STOREYS[here] or here == there, f"{module} imports {target}, which is not below it"


def test_there_are_no_loops():
    graph = {module: set(imported(path)) - {module} for module, path in MODULES.items()}
    while leaves := [module for module, targets in graph.items() if not targets & graph.keys()]:
        graph = {module: targets for module, targets in graph.items() if module not in leaves}
    assert not graph


@pytest.mark.parametrize("module", [module for module in MODULES if not module.startswith("kmtalk.data")])
def test_dataset_names_live_in_data(module):
    assert not re.search(r"vocaset|biwi", MODULES[module].read_text(encoding="utf-8"), re.IGNORECASE)


def in_a_fresh_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_importing_kmtalk_is_light():
    heavy = ("torch", "transformers", "huggingface_hub", "gradio", "moderngl", "pyrender", "trimesh", "matplotlib")
    code = (
        "import sys, time\nbefore = time.process_time()\nimport kmtalk\n"
        f"print(time.process_time() - before)\nprint([name for name in {heavy} if name in sys.modules])"
    )
    seconds, loaded = in_a_fresh_python(code).splitlines()
    assert loaded == "[]"
    assert float(seconds) < 3  # about half a second, mostly NumPy and SciPy, on an idle core


def test_public_names():
    classes = "Animation Face KMTalk KMTalkConfig Motion Phoneme Shot"
    names = f"{classes} animate export load_audio load_face render render_comparison".split()
    assert sorted(kmtalk.__all__) == names
    for name in names:
        assert callable(getattr(kmtalk, name)), name
        assert inspect.getdoc(getattr(kmtalk, name)), name
    with pytest.raises(AttributeError, match="no attribute 'animat'"):
        _ = kmtalk.animat


def test_functions_are_not_hidden_by_the_modules_of_their_name():
    code = (
        "import kmtalk.animate, kmtalk.export, kmtalk.render\nfrom kmtalk.animate import load_model\nimport kmtalk\n"
        "print(*(type(getattr(kmtalk, name)).__name__ for name in ('animate', 'export', 'render')))"
    )
    assert in_a_fresh_python(code).split() == ["function"] * 3


def test_the_model_is_loaded_when_it_is_asked_for():
    from kmtalk.models.kmtalk import KMTalk, KMTalkConfig

    assert kmtalk.KMTalk is KMTalk
    assert kmtalk.KMTalkConfig is KMTalkConfig


@pytest.mark.parametrize("module", [module for module in MODULES if module != "app"])
def test_public_things_say_what_they_are(module):
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{module} has no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{module}.{node.name} has no docstring"

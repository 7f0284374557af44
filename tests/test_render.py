"""Pictures: what they show, who may draw them, and what bad arguments are told."""

import dataclasses
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from kmtalk.errors import InputError
from kmtalk.face import Face, load_face
from kmtalk.motion import Animation, Motion
from kmtalk.render import CAMERAS, RENDERERS, Camera, frames, render, still
from kmtalk.render.opengl import close_context, open_context
from kmtalk.render.surface import make_surface, move_head

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "kmtalk" / "web"
FOREHEAD = np.s_[12:22, 40:88]
MOUTH = np.s_[72:92, 48:80]
INSTALLED = [name for name in RENDERERS if find_spec(name)]


@pytest.fixture(scope="module")
def face() -> Face:
    return load_face("ari")


def weights(face: Face, **named: float) -> np.ndarray:
    values = np.zeros(len(face.basis_names), np.float32)
    for name, value in named.items():
        values[face.basis_names.index(name)] = value
    return values


def ball(scale: float = 1.0, shift: float = 0.0, flip: bool = False) -> Face:
    """A lumpy sphere without a look, its one shape pulling it wide."""
    trimesh = pytest.importorskip("trimesh")
    mesh = trimesh.creation.icosphere(subdivisions=3)
    template = (mesh.vertices * [0.7, 1.0, 0.8] * scale + shift).astype(np.float32)
    triangles = mesh.faces[:, ::-1] if flip else mesh.faces
    wider = (mesh.vertices * [0.1 * scale, 0, 0]).astype(np.float32)[None]
    count = len(template)
    no_pivot = np.full(3, shift, np.float32)
    return Face(
        "ball", template, triangles.astype(np.int32), wider, ("wide",), {}, {}, np.ones(count, np.float32), no_pivot
    )


def moving(face: Face, count: int) -> Animation:
    curve = np.linspace(0, 0.6, count, dtype=np.float32)[:, None] * weights(face, jawOpen=1.0)
    audio = np.zeros(count * 640, np.float32)
    motion = Motion(curve, face.basis_names, 25.0, np.zeros((count, 6), np.float32))
    return Animation(audio, face, motion, (), np.array([0, count - 1]), curve[[0, -1]])


def difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.abs(first.astype(int) - second.astype(int))


@pytest.mark.parametrize("renderer", INSTALLED)
def test_weights_move_the_mouth_and_leave_the_forehead(face: Face, renderer: str):
    neutral = still(face, weights(face), size=128, renderer=renderer)
    open_mouth = still(face, weights(face, jawOpen=0.7), size=128, renderer=renderer)
    assert neutral.shape == (128, 128, 3)
    assert neutral.dtype == np.uint8
    skin, corner = neutral[50:70, 54:74].mean((0, 1)), neutral[:8, :8].mean((0, 1))
    assert skin[0] > skin[2] + 20  # warm
    assert skin.mean() > corner.mean() + 60
    changed = difference(neutral, open_mouth)
    assert changed[MOUTH].mean() > 12
    assert changed[FOREHEAD].max() <= 2


def test_the_face_stands_in_the_middle(face: Face):
    lit = still(face, weights(face), size=128).mean(2) > 90
    columns = np.flatnonzero(lit[20:90].any(0))
    assert abs(columns.mean() - 63.5) < 4
    assert lit[20:90].mean() > 0.25


@pytest.mark.parametrize("size", [(192, 128), (128, 192)])
def test_oblong_pictures_keep_the_proportions(face: Face, size: tuple[int, int]):
    picture = still(face, weights(face), size=size, camera=Camera())
    width, height = size
    assert picture.shape == (height, width, 3)
    middle = picture[(height - 128) // 2 :, (width - 128) // 2 :][:128, :128]
    square = still(face, weights(face), size=128)
    assert difference(middle, square)[24:100, 36:92].mean() < 4


def test_cameras_see_different_sides(face: Face):
    pictures = [still(face, weights(face), size=128, camera=camera) for camera in CAMERAS]
    assert difference(pictures[0], pictures[1]).mean() > 5
    assert difference(pictures[0], pictures[2]).mean() > 5
    same = still(face, weights(face), size=128, camera=Camera())
    assert np.array_equal(pictures[0], same)


def test_backdrop_shows_in_the_corner(face: Face):
    teal = still(face, weights(face), size=128, background="#1a8080")
    assert difference(teal[:8, :8], np.array([0x1A, 0x80, 0x80])).max() <= 1
    studio, light = (still(face, weights(face), size=128, background=name) for name in (None, "light"))
    assert studio[:8, :8].max() < 40 < 150 < light[:8, :8].min()
    assert difference(light, teal)[30:60, 54:74].max() == 0


def test_move_head_turns_about_the_pivot_as_far_as_the_weight_says():
    face = dataclasses.replace(ball(), head_pivot=np.float32([1, 0, 0]))
    vertices = np.zeros((len(face.template), 3), np.float32)
    vertices[:, 0] = 2
    quarter_turn = np.float32([0, np.pi / 2, 0, 0.5, 0, 0])
    moved = move_head(face, vertices, quarter_turn)
    np.testing.assert_allclose(moved[0], [1.5, 0, -1], atol=1e-6)
    half = dataclasses.replace(face, head_weight=face.head_weight / 2)
    np.testing.assert_allclose(move_head(half, vertices, quarter_turn)[0], [1.75, 0, -0.5], atol=1e-6)


def test_head_pose_moves_the_head_and_leaves_the_shoulders(face: Face):
    surface = make_surface(face)
    at_rest, _ = surface.pose(weights(face))
    nodding, _ = surface.pose(weights(face), np.float32([0.1, 0, 0, 0, 0, 0]))
    moved = np.linalg.norm(nodding - at_rest, axis=1)
    assert moved[at_rest[:, 1] > 0].min() > 0.005
    assert moved[at_rest[:, 1] < -0.2].max() < 1e-6


def test_pieces_that_enclose_nothing_look_to_the_front():
    """A small patch for a face above a larger one for a chest, as a scan may be cut, wound either way."""
    square = np.float32([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * 0.05
    vertices = np.concatenate([square + np.float32([0, 0.2, 0.05]), square * np.float32([3, 1, 1])])
    triangles = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32)
    still = np.zeros((1, 8, 3), np.float32)
    for wound in (triangles, triangles[:, ::-1]):
        face = dataclasses.replace(
            ball(), template=vertices, triangles=wound, basis=still, head_weight=np.ones(8, np.float32)
        )
        np.testing.assert_allclose(make_surface(face).pose(np.zeros(1))[1], [[0, 0, 1]] * 8, atol=1e-6)


def test_normals_point_outwards():
    for flip in (False, True):
        positions, normals = make_surface(ball(flip=flip)).pose(np.zeros(1))
        outwards = positions - positions.mean(0)
        assert np.einsum("ij,ij->i", outwards, normals).min() > 0
        np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("renderer", INSTALLED)
def test_a_face_without_a_look_is_clay_in_any_unit(renderer: str):
    picture = still(ball(), np.zeros(1), size=128, renderer=renderer)
    assert picture[60:68, 60:68].mean() > 90
    assert 0.2 < (picture.mean(2) > 80).mean() < 0.6
    millimetres = still(ball(scale=1000, shift=300), np.zeros(1), size=128, renderer=renderer)
    assert difference(picture, millimetres).mean() < 0.5
    inside_out = still(ball(flip=True), np.zeros(1), size=128, renderer=renderer)
    assert difference(picture, inside_out).mean() < 0.5
    wide = still(ball(), np.ones(1), size=128, renderer=renderer)
    assert difference(picture, wide).mean() > 1


def test_bad_arguments_are_told_what_is_allowed(face: Face, tmp_path: Path):
    animation = moving(face, 2)
    for size in (511, 32, 4000, (512, 511), -2):
        with pytest.raises(InputError, match="even numbers from 64 to 3840"):
            frames(animation, size=size)
    for size in ("512", (512,), 512.0):
        with pytest.raises(InputError, match=r"shorter side in pixels, or \(width, height\)"):
            frames(animation, size=size)
    with pytest.raises(InputError, match="no camera 'top': use one of front, three-quarter, close"):
        frames(animation, camera="top")
    with pytest.raises(InputError, match="no renderer 'blender': use one of moderngl, pyrender"):
        frames(animation, renderer="blender")
    with pytest.raises(InputError, match=r"must end in \.mp4, \.webm or \.png\.zip"):
        render(animation, tmp_path / "talk.avi")
    with pytest.raises(InputError, match="does not exist"):
        render(animation, tmp_path / "nowhere" / "talk.mp4")


@pytest.mark.parametrize("renderer", INSTALLED)
def test_two_threads_draw_at_once(face: Face, renderer: str):
    animation = moving(face, 4)
    alone = list(frames(animation, size=128, renderer=renderer))
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: list(frames(animation, size=128, renderer=renderer)), range(2)))
    for pictures in both:
        assert len(pictures) == 4
        assert all(np.array_equal(a, b) for a, b in zip(alone, pictures, strict=True))


def test_an_iterator_goes_on_in_another_thread(face: Face):
    pictures = frames(moving(face, 3), size=128)
    first = next(pictures)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(next, pictures).result()
    third = next(pictures)
    assert difference(first, second)[MOUTH].mean() > 1
    assert difference(second, third)[MOUTH].mean() > 1
    assert next(pictures, None) is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_does_not_grow_with_every_picture():
    def resident() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    clay = ball()
    for _ in range(4):
        still(clay, np.zeros(1), size=512)
    before = resident()
    for _ in range(20):
        still(clay, np.zeros(1), size=512)
    assert resident() - before < 40  # a context that is not given back keeps 11 MB


def test_shaders_are_webgl2_shaders_too():
    programs = {
        "diffuse.glsl face.vert.glsl": "diffuse.glsl backdrop.glsl face.frag.glsl",
        "shadow.vert.glsl": "shadow.frag.glsl",
        "backdrop.vert.glsl": "backdrop.glsl backdrop.frag.glsl",
    }
    heading = "#version 300 es\nprecision highp float;\nprecision highp sampler2DShadow;\n"
    context = open_context()
    for pair in programs.items():
        vertex, fragment = (heading + "".join((WEB / file).read_text() for file in files.split()) for files in pair)
        context.program(vertex, fragment)
    close_context(context)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="hides Linux libraries")
@pytest.mark.parametrize("hidden", ["driver", "library"])
def test_missing_opengl_names_the_packages(hidden: str, tmp_path: Path):
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    if hidden == "driver":
        environment["__EGL_VENDOR_LIBRARY_DIRS"] = str(tmp_path)
    else:
        (tmp_path / "libEGL.so.1").write_bytes(b"")
        environment["LD_LIBRARY_PATH"] = str(tmp_path)
    script = (
        "import numpy as np\n"
        "from kmtalk.errors import InputError\n"
        "from kmtalk.face import load_face\n"
        "from kmtalk.render import still\n"
        "try:\n    still(load_face('ari'), np.zeros(54))\n"
        "except InputError as error:\n    print(error)\n"
    )
    result = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert "install libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri" in result.stdout, result.stderr
    assert "\n" not in result.stdout.strip()


@pytest.mark.skipif(not find_spec("pyrender"), reason="needs pyrender")
def test_pyrender_loaded_for_windows_is_told_apart():
    script = (
        "import OpenGL.platform, numpy as np\n"
        "from kmtalk.errors import InputError\n"
        "from kmtalk.face import load_face\n"
        "from kmtalk.render import still\n"
        "try:\n    still(load_face('ari'), np.zeros(54), renderer='pyrender')\n"
        "except InputError as error:\n    print(error)\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYOPENGL_PLATFORM"}
    environment["PYTHONPATH"] = str(ROOT)
    result = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert "set the environment variable PYOPENGL_PLATFORM=egl" in result.stdout, result.stderr

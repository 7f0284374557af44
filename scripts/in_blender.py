"""Open a GLB in Blender itself and say how far it moves from what kmtalk draws.

Blender's module wants a Python of its own version (5.0: 3.11) and an older NumPy, so it is kept beside the environment:
    pip install --no-deps --target BLENDER bpy==5.0.1
    PYTHONPATH=BLENDER python scripts/in_blender.py
"""

import sys
import tempfile
from pathlib import Path

import bpy
import numpy as np
from scipy.spatial import cKDTree

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import kmtalk
from kmtalk.assets import asset
from kmtalk.render.surface import make_surface


def open_glb(path: Path, fps: float) -> bpy.types.Object:
    """Import a GLB into an empty scene and return its mesh."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = round(fps)
    bpy.ops.import_scene.gltf(filepath=str(path))
    return next(thing for thing in bpy.data.objects if thing.type == "MESH" and thing.data.shape_keys)


def posed(mesh: bpy.types.Object) -> np.ndarray:
    """Return the vertices of the current frame, (V, 3) metres with +Y up."""
    moved = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get())
    x, y, z = np.array([moved.matrix_world @ vertex.co for vertex in moved.to_mesh().vertices]).T
    return np.stack([x, z, -y], axis=1)


def main() -> None:
    """Compare the shape keys of all frames, and the vertices of every tenth."""
    animation = kmtalk.animate(asset("examples", "bubbles.wav"))
    with tempfile.TemporaryDirectory() as folder:
        mesh = open_glb(kmtalk.export(animation, Path(folder, "voice.glb")), animation.fps)
    keys, surface, apart, away = mesh.data.shape_keys.key_blocks, make_surface(animation.face), 0.0, 0.0
    for frame, weights in enumerate(animation.weights):
        bpy.context.scene.frame_set(frame)
        values = [keys[name].value for name in animation.face.basis_names]
        apart = max(apart, float(np.abs(values - weights).max()))
        if frame % 10 == 0:
            drawn, _ = surface.pose(weights, animation.motion.head_pose[frame])
            away = max(away, float(cKDTree(drawn).query(posed(mesh))[0].max()))
    print(f"Blender {bpy.app.version_string}, {animation.frames} frames, {len(keys) - 1} shape keys")
    print(f"shape keys differ by {apart:.6f} at most, vertices lie within {away * 1e3:.3f} mm of the renderer's")


if __name__ == "__main__":
    main()

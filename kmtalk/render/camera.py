"""Where the picture is taken from."""

from dataclasses import dataclass, replace

import numpy as np

from kmtalk.errors import InputError


@dataclass(frozen=True)
class Camera:
    """A camera that circles a target.

    azimuth: degrees to the face's left of straight ahead; elevation: degrees above it; distance: metres;
    field_of_view: degrees over the shorter side of the picture; target: metres, the point in the middle.
    """

    azimuth: float = 0.0
    elevation: float = 2.0
    distance: float = 1.1
    field_of_view: float = 15.0
    target: tuple[float, float, float] = (0.0, -0.034, -0.06)

    @property
    def position(self) -> np.ndarray:
        """(3,) float64 metres."""
        azimuth, elevation = np.radians([self.azimuth, self.elevation])
        outward = [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)]
        return np.asarray(self.target) + self.distance * np.asarray(outward)

    @property
    def view(self) -> np.ndarray:
        """(4, 4) float64 matrix from the world to the camera."""
        return look_at(self.position, np.asarray(self.target))

    def projection(self, width: int, height: int) -> np.ndarray:
        """Return the (4, 4) float64 OpenGL perspective matrix for a picture of that many pixels."""
        near, far = self.distance * 0.2, self.distance * 3
        focal = 1 / np.tan(np.radians(self.field_of_view) / 2)
        shorter = min(width, height)
        matrix = np.zeros((4, 4))
        matrix[0, 0], matrix[1, 1] = focal * shorter / width, focal * shorter / height
        matrix[2, 2:] = (far + near) / (near - far), 2 * far * near / (near - far)
        matrix[3, 2] = -1
        return matrix


CAMERAS = {
    "front": Camera(),
    "three-quarter": Camera(azimuth=28.0, elevation=3.0, target=(0.0, -0.034, -0.07)),
    "close": Camera(azimuth=8.0, field_of_view=9.0, target=(0.0, -0.038, -0.02)),
}
"""The cameras that can be asked for by name."""


def find_camera(camera: str | Camera) -> Camera:
    """Return a camera by name, or the camera given."""
    if isinstance(camera, Camera):
        return camera
    if camera not in CAMERAS:
        raise InputError(f"no camera {camera!r}: use one of {', '.join(CAMERAS)}, or a Camera")
    return CAMERAS[camera]


def upright(camera: Camera, width: int, height: int) -> Camera:
    """Return the camera for a picture of that many pixels: higher than wide, it shows the head, not the shoulders."""
    slimness = max(1 - width / height, 0.0)
    field = max(camera.field_of_view * (1 - slimness) ** 0.55, min(camera.field_of_view, 11.0))
    x, y, z = camera.target
    return replace(camera, field_of_view=field, target=(x, y - 0.04 * slimness, z))


def look_at(position: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the (4, 4) float64 matrix of a viewer at one point who looks at another, +Y up."""
    back = (position - target) / np.linalg.norm(position - target)
    right = np.cross((0.0, 1.0, 0.0), back)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = right, np.cross(back, right), back
    matrix[:3, 3] = -matrix[:3, :3] @ position
    return matrix


def orthographic(half_width: float, near: float, far: float) -> np.ndarray:
    """Return the (4, 4) float64 OpenGL matrix of a square parallel projection."""
    depth = far - near
    matrix = np.diag([1 / half_width, 1 / half_width, -2 / depth, 1.0])
    matrix[2, 3] = -(far + near) / depth
    return matrix

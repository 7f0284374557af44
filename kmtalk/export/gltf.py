"""The container of a GLB file: its binary chunk with views and accessors, and the two chunks on disk."""

import json
import struct
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
"""What a bufferView is for, in glTF's numbers."""

_COMPONENTS = {"float32": 5126, "uint32": 5125, "uint16": 5123, "uint8": 5121}
_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_DENSE = 0.9  # share of rows from which their indices cost more than the rows left out would


@dataclass
class Buffer:
    """The binary chunk of a GLB as it grows, with its bufferViews and accessors."""

    pieces: list[bytes] = field(default_factory=list)
    views: list[dict] = field(default_factory=list)
    accessors: list[dict] = field(default_factory=list)
    size: int = 0

    def view(self, content: bytes, target: int | None = None) -> int:
        """Add bytes, aligned to 4; return the bufferView's index."""
        view = {"buffer": 0, "byteOffset": self.size, "byteLength": len(content)}
        self.views.append(view if target is None else view | {"target": target})
        self.pieces.append(content + bytes(-len(content) % 4))
        self.size += len(self.pieces[-1])
        return len(self.views) - 1

    def accessor(self, array: np.ndarray, target: int | None = None, bounds: bool = False, **more: object) -> int:
        """Add an array (n,) or (n, components); return the accessor's index."""
        view = self.view(np.ascontiguousarray(array).tobytes(), target)
        return self._accessor(array, bounds, bufferView=view, **more)

    def rows(self, arrays: list[np.ndarray], kept: np.ndarray) -> list[int]:
        """Add (n, 3) float32 arrays that are zero but for the rows ``kept``; return their accessors' indices.

        glTF's sparse accessors hold these rows alone, unless they are nearly all.
        """
        count = len(arrays[0])
        if len(kept) > _DENSE * count:
            return [self.accessor(array, ARRAY_BUFFER, bounds=True) for array in arrays]
        if not len(kept):
            return [self._accessor(array, bounds=True) for array in arrays]
        numbers = kept.astype(index_type(count))
        indices = {"bufferView": self.view(numbers.tobytes()), "componentType": _COMPONENTS[str(numbers.dtype)]}
        sparse = [{"bufferView": self.view(array[kept].tobytes())} for array in arrays]
        return [
            self._accessor(array, True, sparse={"count": len(kept), "indices": indices, "values": values})
            for array, values in zip(arrays, sparse, strict=True)
        ]

    def _accessor(self, array: np.ndarray, bounds: bool, **more: object) -> int:
        width = 1 if array.ndim == 1 else array.shape[1]
        accessor = {"componentType": _COMPONENTS[str(array.dtype)], "count": len(array), "type": _TYPES[width]}
        if bounds:
            limits = np.stack([array.min(0), array.max(0)]).reshape(2, -1).tolist()
            accessor |= {"min": limits[0], "max": limits[1]}
        self.accessors.append(accessor | more)
        return len(self.accessors) - 1


def index_type(count: int) -> str:
    """Return the smallest type that numbers so many vertices; the highest number of each type means a restart."""
    return "uint16" if count < 65535 else "uint32"


def write_chunks(content: dict, buffer: Buffer, file: BinaryIO) -> None:
    """Write the JSON and the binary chunk of a GLB file; the content gets the buffer's own entries."""
    tables = {"accessors": buffer.accessors, "bufferViews": buffer.views, "buffers": [{"byteLength": buffer.size}]}
    text = json.dumps(content | tables, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    file.write(struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + buffer.size))
    file.write(struct.pack("<I4s", len(text), b"JSON") + text)
    file.write(struct.pack("<I4s", buffer.size, b"BIN\0"))
    for piece in buffer.pieces:
        file.write(piece)

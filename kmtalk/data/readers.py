"""The data sets that can be prepared; each is a module of this package with find(folder, options)."""

READERS = {
    "vocaset": "VOCASET as downloaded, or FaceFormer-style folders of it",
    "biwi": "BIWI B3D(AC)^2 as downloaded, or FaceFormer-style folders of it",
    "folder": "your own vertices/NAME.npy of (frames, vertices, 3), wav/NAME.wav and template.ply or .obj; for several "
    "people templates/SUBJECT.ply and names that begin with SUBJECT_; where you have them regions.json and splits.json",
}
"""Name -> what the folder must hold."""

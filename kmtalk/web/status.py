"""A bar that names the stage of the work."""

from gradio.data_classes import GradioModel

from kmtalk.web.part import Part


class Stage(GradioModel):
    """A stage's name and how much of it is done, 0 to 1."""

    name: str
    fraction: float


class Status(Part):
    """A progress bar; its value is a Stage, and None hides it."""

    files = "status"
    data_model = Stage

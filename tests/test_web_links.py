import gradio as gr
import pytest

from kmtalk.web.controls import Setting
from kmtalk.web.links import copy_link, read_link


@pytest.fixture
def settings():
    with gr.Blocks():
        return [
            Setting("face", gr.Radio(["ari", "ben"], value="ari")),
            Setting("fps", gr.Radio([25, 30], value=25)),
            Setting("life", gr.Checkbox(True)),
            Setting("seed", gr.Number(0, precision=0)),
            Setting("background", gr.Dropdown(["studio", "white"], value="studio", allow_custom_value=True)),
        ]


@pytest.fixture
def warnings(monkeypatch):
    told = []
    monkeypatch.setattr(gr, "Warning", told.append)
    return told


def left_alone(value):
    return isinstance(value, dict) and "value" not in value


def test_a_link_sets_what_it_names(settings, warnings):
    query = {"face": "ben", "fps": "30", "life": "0", "seed": "7", "background": "#2a6f97", "__theme": "dark"}
    assert read_link(settings, query) == ["ben", 30, False, 7, "#2a6f97"]
    assert warnings == []


def test_what_a_link_does_not_name_stays(settings, warnings):
    values = read_link(settings, {"fps": "30"})
    assert values[1] == 30 and all(left_alone(value) for value in values[:1] + values[2:])
    assert warnings == []


@pytest.mark.parametrize(
    ("name", "text"), [("face", "dora"), ("fps", "31"), ("life", "maybe"), ("seed", "x"), ("background", "mauve")]
)
def test_what_is_not_on_offer_is_told_and_left_alone(settings, warnings, name, text):
    assert all(left_alone(value) for value in read_link(settings, {name: text}))
    assert warnings == [f"The link asks for {name} “{text}”, which is not on offer."]


def test_what_a_link_says_is_shown_as_text(settings, warnings):
    read_link(settings, {"seed": "<img src=x>"})
    assert "&lt;img" in warnings[0] and "<" not in warnings[0]


def test_the_script_knows_names_and_first_values(settings):
    script = copy_link(settings)
    assert "['face', 'fps', 'life', 'seed', 'background']" in script and "['ari', '25', '1', '0', 'studio']" in script

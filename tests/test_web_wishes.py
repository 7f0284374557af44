import numpy as np
import pytest

from kmtalk.audio import save_audio
from kmtalk.errors import InputError
from kmtalk.web.wishes import SIZES, Wish, check_formats, checked_audio, make_shot, offers


@pytest.mark.parametrize("wish", [{"keys": "random"}, {"language": "tlh"}, {"fps": 24}, {"seed": -1}, {"seed": 2**31}])
def test_wishes_that_cannot_be_met(wish):
    with pytest.raises(InputError, match="is not allowed"):
        Wish(**wish)


def test_limits_are_told_with_the_length_and_the_way_out(tmp_path, voice):
    with pytest.raises(InputError, match=r"0\.20 s long: at least 0\.3 s"):
        checked_audio(str(save_audio(tmp_path / "short.wav", voice[8000:11200])))
    with pytest.raises(InputError, match=r"66 s long .* up to 60 s: .*python -m kmtalk animate"):
        checked_audio(str(save_audio(tmp_path / "long.wav", np.tile(voice, 22))))
    with pytest.raises(InputError, match="there is no recording yet"):
        checked_audio(None)


def test_sizes_cameras_and_formats_are_checked():
    with pytest.raises(InputError, match="size 334 .* 256, 512"):
        make_shot(334)
    with pytest.raises(InputError, match="camera 'behind'.* front"):
        make_shot(camera="behind")
    with pytest.raises(InputError, match="format 'fbx' .* mp4, npz"):
        check_formats(["npz", "fbx"])


def test_text_of_blanks_is_no_transcript():
    assert Wish(transcript=" \n").options["transcript"] is None
    assert Wish(transcript=" hello ", style="").options["transcript"] == "hello"


def test_all_that_is_offered_can_be_had():
    told = offers()
    for size in SIZES:
        for aspect in told["aspects"]:
            assert min(make_shot(size, aspect=aspect).pixels) == size
    for name, field in (("cameras", "camera"), ("looks", "look"), ("captions", "captions")):
        for value in told[name]:
            make_shot(**{field: value})
    for background in told["backgrounds"][:-1]:
        make_shot(background=background)
    for keys in told["keys"]:
        Wish(keys=keys)

import pytest

from kmtalk.ipa import to_arpabet


@pytest.mark.parametrize(
    ("symbol", "label"),
    [
        ("", "sil"),
        ("p", "P"),
        ("pʰ", "P"),
        ("tʃ", "CH"),
        ("d͡ʒ", "JH"),
        ("ˈɑː", "AA"),
        ("ɐ", "AH"),
        ("oʊ", "OW"),
        ("eɪ", "EY"),
        ("aɪ", "AY"),
        ("y", "UW"),
        ("ø", "OW"),
        ("ɾ", "D"),
        ("ɹ", "R"),
        ("ŋ", "NG"),
        ("ã", "AA"),
        ("ʔ", None),
        ("?", None),
    ],
)
def test_nearest_label(symbol, label):
    assert to_arpabet(symbol) == label

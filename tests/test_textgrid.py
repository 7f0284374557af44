"""TextGrids of Praat and of the Montreal Forced Aligner, in; our own, out."""

import logging
import re

import pytest

from kmtalk.errors import InputError
from kmtalk.phonemes import Phoneme, Word
from kmtalk.textgrid import fill_silence, format_textgrid, read_textgrid, read_words

SPOKEN = (Phoneme("HH", 0.1, 0.2), Phoneme("AH", 0.2, 0.3), Phoneme("L", 0.3, 0.4), Phoneme("OW", 0.4, 0.75))
WHOLE = (Phoneme("sil", 0, 0.1), *SPOKEN, Phoneme("sil", 0.75, 1.0))

SHORT = """File type = "ooTextFile"
"TextGrid"

0
1
<exists>
3
"IntervalTier"
"words"
0
1
3
0
0.1
""
0.1
0.75
"hello ""there"" ! 12"
0.75
1
""
"TextTier"
"notes"
0
1
1
0.5
"a click"
"IntervalTier"
"phones"
0
1
6
0
0.1
""
0.1
0.2
"HH"
0.2
0.3
"AH0"
0.3
0.4
"L"
0.4
0.75
"OW1"
0.75
1
"sp"
"""


def long_format(intervals, tier="phones", end=1.0):
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0 ", f"xmax = {end} "]
    lines += ["tiers? <exists> ", "size = 1 ", "item []: ", "    item [1]:", '        class = "IntervalTier" ']
    lines += [f'        name = "{tier}" ', "        xmin = 0 ", f"        xmax = {end} "]
    lines.append(f"        intervals: size = {len(intervals)} ")
    for index, (start, stop, text) in enumerate(intervals, 1):
        lines += [f"        intervals [{index}]:", f"            xmin = {start} ", f"            xmax = {stop} "]
        lines.append(f'            text = "{text}" ')
    return "\n".join(lines) + "\n"


@pytest.fixture
def written(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "speech.TextGrid"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def error(path, duration=None):
    with pytest.raises(InputError) as caught:
        read_textgrid(path, duration)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_short_format_in_every_encoding(written, encoding):
    assert read_textgrid(written(SHORT, encoding)) == WHOLE


def test_big_endian_with_windows_line_ends(written):
    assert read_textgrid(written("\ufeff" + SHORT.replace("\n", "\r\n"), "utf-16-be")) == WHOLE


@pytest.mark.parametrize("tier", ["phones", "Phones", "Anna Smith - phones"])
def test_long_format_of_the_montreal_forced_aligner(written, tier):
    intervals = [
        (0, 0.1, ""),
        (0.1, 0.2, "HH"),
        (0.2, 0.3, "AH0"),
        (0.3, 0.4, "L"),
        (0.4, 0.75, "OW1"),
        (0.75, 1, "spn"),
    ]
    assert read_textgrid(written(long_format(intervals, tier))) == WHOLE


def test_ipa_labels_of_newer_models(written):
    symbols = "tʰ aj aw ej ow əw ɔj tʃ dʒ ɫ̩ ɟʷ ç ʉː mʲ d̪ ɾ ɝ ɐ ɒː ʔ n̩ t͡ʃ θ ŋ j ɹ".split()
    labels = "T AY AW EY OW OW OY CH JH L G HH UW M D D ER AH AO T N CH TH NG Y R".split()
    intervals = [(index / 10, (index + 1) / 10, symbol) for index, symbol in enumerate(symbols)]
    found = read_textgrid(written(long_format(intervals, end=len(symbols) / 10)))
    assert [phoneme.label for phoneme in found] == labels


def test_lower_case_arpabet_and_timit_s_closures(written):
    symbols = "h# hv eh l ow pau q ae tcl t dcl jh tcl ch bcl bcl b y axr kcl dcl d epi r nx h#".split()
    intervals = [(index / 10, (index + 1) / 10, symbol) for index, symbol in enumerate(symbols)]
    found = read_textgrid(written(long_format(intervals, end=len(symbols) / 10)))
    labels = "sil HH EH L OW sil T AE T JH CH B Y ER K D sil R N sil".split()
    assert [phoneme.label for phoneme in found] == labels
    by_label = {phoneme.label: (phoneme.start, phoneme.end) for phoneme in found}
    assert by_label["JH"] == (1.0, 1.2)
    assert by_label["B"] == (1.4, 1.7)


def test_lower_case_letters_are_ipa_among_other_ipa(written):
    intervals = [(0, 0.2, "y"), (0.2, 0.4, "r"), (0.4, 0.6, "a"), (0.6, 0.8, "ɛ")]
    assert [p.label for p in read_textgrid(written(long_format(intervals)))] == "UW D AA EH sil".split()


def test_words_come_from_their_tier(written):
    assert read_words(written(SHORT), 1.0) == (Word('hello "there" ! 12', 0.1, 0.75),)
    assert read_words(written(SHORT), 0.7)[0].end == 0.7
    assert read_words(written(SHORT.replace("! 12", "!\n 12")), 1.0)[0].text == 'hello "there" ! 12'  # one line
    assert read_words(written(SHORT.replace('"words"', '"Anna - words"')), 1.0)[0].start == 0.1
    assert read_words(written(SHORT.replace('"words"', '"notes 2"')), 1.0) == ()


@pytest.mark.parametrize("layout", ["long_textgrid", "short_textgrid"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_another_program_writes(tmp_path, layout, encoding):
    praatio = pytest.importorskip("praatio.textgrid")
    phones = [(0.1, 0.2, "HH"), (0.2, 0.3, "AH0"), (0.3, 0.4, "L"), (0.4, 0.75, "OW1")]
    grid = praatio.Textgrid()
    grid.addTier(praatio.IntervalTier("words", [(0.1, 0.75, "hello")], 0, 1))
    grid.addTier(praatio.IntervalTier("phones", phones, 0, 1))
    grid.addTier(praatio.PointTier("clicks", [(0.5, "a click")], 0, 1))
    path = tmp_path / "other.TextGrid"
    grid.save(str(path), format=layout, includeBlankSpaces=True)
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    assert read_textgrid(path, 1.0) == WHOLE
    assert read_words(path, 1.0) == (Word("hello", 0.1, 0.75),)


def test_another_program_reads_what_we_write(written):
    praatio = pytest.importorskip("praatio.textgrid")
    words = (Word('say "hi"', 0.1, 0.4), Word("there", 0.4, 0.75))
    path = written(format_textgrid(SPOKEN, [(0.2, "5")], 1.0, words))
    grid = praatio.openTextgrid(str(path), includeEmptyIntervals=True)
    assert grid.tierNames == ("words", "phones", "key frames")
    assert [tuple(entry) for entry in grid.getTier("words").entries] == [
        (0, 0.1, ""), (0.1, 0.4, 'say "hi"'), (0.4, 0.75, "there"), (0.75, 1, "")
    ]  # fmt: skip
    assert [entry.label for entry in grid.getTier("phones").entries] == [phoneme.label for phoneme in WHOLE]
    assert read_words(path, 1.0) == words


def test_unknown_labels_are_named(written):
    intervals = [(0, 0.2, "HH"), (0.2, 0.4, "is"), (0.4, 0.6, "QX"), (0.6, 0.8, "noise"), (0.8, 1, "XY3")]
    message = error(written(long_format(intervals)))
    assert "neither ARPABET nor IPA: 'QX', 'XY3', 'is', 'noise'" in message


def test_gaps_become_silence_and_touching_sounds_meet(written):
    intervals = [(0.2, 0.4, "AA1"), (0.4004, 0.6, "P"), (0.8, 0.9, "")]
    expected = [("sil", 0, 0.2), ("AA", 0.2, 0.4), ("P", 0.4, 0.6), ("sil", 0.6, 1.0)]
    assert [(p.label, p.start, p.end) for p in read_textgrid(written(long_format(intervals)))] == expected


@pytest.mark.parametrize(
    "intervals", [[(0, 0.5, "AA1"), (0.4, 0.6, "P")], [(0.5, 0.5, "AA1")], [(0.5, 0.8, "P"), (0.1, 0.2, "B")]]
)
def test_times_out_of_order(written, intervals):
    assert "times out of order" in error(written(long_format(intervals)))


def test_an_alignment_longer_than_its_recording(written):
    path = written(long_format([(0, 0.5, "AA1"), (0.5, 1.0, "P")]))
    assert "speaks until 1.00 s but the recording has 0.80 s" in error(path, duration=0.8)
    assert read_textgrid(path, duration=0.95)[-1] == Phoneme("P", 0.5, 0.95)


def test_an_alignment_shorter_than_its_recording(written, caplog):
    with caplog.at_level(logging.WARNING):
        phonemes = read_textgrid(written(SHORT), duration=5.0)
    assert phonemes == (*WHOLE[:-1], Phoneme("sil", 0.75, 5.0))
    assert "the rest is silent" in caplog.text


def test_no_tier_or_too_many_tiers_of_phones(written):
    assert "no tier named 'phones' (its interval tiers: 'words')" in error(written(long_format([(0, 1, "a")], "words")))
    two = SHORT.replace('"words"', '"ann - phones"').replace('"phones"', '"bob - phones"')
    assert "'ann - phones', 'bob - phones'" in error(written(two))


def test_what_is_no_textgrid(written, tmp_path):
    assert "is not a TextGrid" in error(written("hello\n"))
    assert "is not a TextGrid" in error(written(""))
    assert "cannot be opened" in error(tmp_path / "missing.TextGrid")
    assert "broken or cut TextGrid: a number was expected, its end came" in error(
        written(SHORT[: SHORT.index("0.4\n0.75")])
    )
    assert "broken or cut TextGrid" in error(written(long_format([(0, 1, "AA")]).replace("size = 1", "size = 1e999")))
    path = written("")
    path.write_bytes(b"ooBinaryFile\x08TextGrid" + bytes(range(200, 256)))
    assert "binary TextGrid" in error(path)
    path.write_bytes(b'File type = "ooTextFile"\n"TextGrid" \xff\xe9')
    assert "not UTF-8 or UTF-16" in error(path)


def test_what_we_write_is_praats_long_format(written):
    text = format_textgrid(SPOKEN, [(0.0, "0"), (0.2, "5"), (0.96, "24")], 1.0)
    assert text.startswith(
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 1\ntiers? <exists>\n'
    )
    assert re.search(
        r'class = "IntervalTier"\n\s+name = "phones"\n\s+xmin = 0\n\s+xmax = 1\n\s+intervals: size = 6', text
    )
    assert re.search(r'class = "TextTier"\n\s+name = "key frames"\n\s+xmin = 0\n\s+xmax = 1\n\s+points: size = 3', text)
    assert re.search(r'points \[2\]:\n\s+number = 0.2\n\s+mark = "5"', text)
    assert re.search(r'intervals \[2\]:\n\s+xmin = 0.1\n\s+xmax = 0.2\n\s+text = "HH"', text)
    assert read_textgrid(written(text)) == WHOLE


def test_filling_silence():
    assert fill_silence((), 2.0) == (Phoneme("sil", 0, 2.0),)
    assert fill_silence((Phoneme("AA", 0, 0.9996),), 1.0) == (Phoneme("AA", 0, 1.0),)
    assert fill_silence((Phoneme("AA", 0, 3), Phoneme("P", 3, 4)), 1.0) == (Phoneme("AA", 0, 1.0),)

"""Praat TextGrids: phonemes in from any aligner's, phonemes and key frames out."""

import logging
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kmtalk.errors import InputError
from kmtalk.ipa import to_arpabet
from kmtalk.phonemes import LABELS, Phoneme, Word

_SILENT = {"", "sil", "sp", "spn", "silence", "pau", "epi", "nsn", "<eps>", "<p:>", "#", "h#"}
# TIMIT's and older dictionaries' ARPABET, as the 40 labels; the glottal stop stands for a T wherever English has one.
_VARIANTS = {
    "AX": "AH",
    "AXR": "ER",
    "IX": "IH",
    "UX": "UW",
    "DX": "D",
    "NX": "N",
    "EL": "L",
    "EM": "M",
    "EN": "N",
    "HV": "HH",
    "Q": "T",
    "ʔ": "T",
    "BCL": "B",
    "DCL": "D",
    "GCL": "G",
    "PCL": "P",
    "TCL": "T",
    "KCL": "K",
}
_RELEASES = {"D": ("D", "JH"), "T": ("T", "CH")}
"""What may follow the closure of a stop and be one sound with it, where that is not the stop alone."""
_TOKEN = re.compile(r'"((?:[^"]|"")*)"|(?<![^\s])(<exists>|-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(?![^\s])|![^\n]*')
_TOUCHING = 1e-3  # seconds; boundaries this close are the same one
_OUTSIDE = 0.1  # seconds that an alignment may reach beyond its recording

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Tier:
    """An interval tier: its name and its (start, end, text) entries."""

    name: str
    intervals: tuple[tuple[float, float, str], ...]


def read_textgrid(path: str | Path, duration: float | None = None) -> tuple[Phoneme, ...]:
    """Read the phonemes of a TextGrid: long or short text format, UTF-8 or UTF-16.

    The tier is ``phones`` or ``SPEAKER - phones`` (Montreal Forced Aligner), its labels ARPABET in either case with
    or without stress, TIMIT's, or IPA. A stop's closure and its release become one phoneme, empty labels and gaps
    "sil", so the phonemes follow each other from 0 to the end.
    duration: seconds of the recording, which the phonemes may exceed by 0.1 s; None takes the TextGrid's own.
    Errors: InputError for what is no TextGrid, unknown labels, and times out of order or outside the recording.
    """
    path = Path(path)
    end, tiers = _parse(_tokens(path), path.name)
    tier = _phone_tier(tiers, path.name)
    spoken = _labelled(tier, path.name)
    _check_times(spoken, path.name)
    if duration is not None:
        _check_inside(spoken, duration, path.name)
        if end < duration - 0.5:
            _log.warning("%s ends at %.2f s, its recording at %.2f s: the rest is silent", path.name, end, duration)
    return fill_silence(spoken, end if duration is None else duration)


def read_words(path: str | Path, duration: float) -> tuple[Word, ...]:
    """Return the words of a TextGrid's tier ``words`` or ``SPEAKER - words``, none if there is not exactly one.

    duration: seconds of the recording, where the last word ends at the latest.
    """
    path = Path(path)
    tiers = [tier for tier in _parse(_tokens(path), path.name)[1] if _is_named(tier, "words?")]
    if len(tiers) != 1:
        return ()
    spoken = [(start, min(end, duration), " ".join(text.split())) for start, end, text in tiers[0].intervals]
    return tuple(Word(text, start, end) for start, end, text in spoken if text.lower() not in _SILENT and start < end)


def fill_silence(phonemes: Sequence[Phoneme], duration: float) -> tuple[Phoneme, ...]:
    """Return phonemes (in order) that follow each other from 0 to duration: gaps become "sil", the rest is cut."""
    filled: list[Phoneme] = []
    time = 0.0
    for phoneme in phonemes:
        start = phoneme.start if phoneme.start - time > _TOUCHING else time
        end = min(phoneme.end, duration)
        if end <= start:
            continue
        if start > time:
            filled.append(Phoneme("sil", time, start))
        filled.append(Phoneme(phoneme.label, start, end))
        time = end
    if duration - time > _TOUCHING or not filled:
        filled.append(Phoneme("sil", time, duration))
    elif time != duration:
        filled[-1] = Phoneme(filled[-1].label, filled[-1].start, duration)
    return tuple(filled)


def format_textgrid(
    phonemes: Sequence[Phoneme], points: Sequence[tuple[float, str]], duration: float, words: Sequence[Word] = ()
) -> str:
    """Return a long-format TextGrid with interval tier ``phones`` and point tier ``key frames`` (seconds, mark).

    words: an interval tier ``words`` before them, if there are any.
    """
    spoken = [(phoneme.label, phoneme.start, phoneme.end) for phoneme in fill_silence(phonemes, duration)]
    tiers = [("words", _with_gaps(words, duration))] * bool(words) + [("phones", spoken)]
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", *_span("", 0, duration)]
    lines += ["tiers? <exists>", f"size = {len(tiers) + 1}", "item []:"]
    for number, (name, intervals) in enumerate(tiers, 1):
        lines += _tier_head(number, "IntervalTier", name, duration) + [f"        intervals: size = {len(intervals)}"]
        for index, (text, start, end) in enumerate(intervals, 1):
            lines += [f"        intervals [{index}]:", *_span(" " * 12, start, end)]
            lines.append(f"            text = {_quoted(text)}")
    lines += _tier_head(len(tiers) + 1, "TextTier", "key frames", duration)
    lines.append(f"        points: size = {len(points)}")
    for index, (time, mark) in enumerate(points, 1):
        lines += [f"        points [{index}]:", f"            number = {_number(time)}"]
        lines.append(f"            mark = {_quoted(mark)}")
    return "\n".join(lines) + "\n"


def _with_gaps(words: Sequence[Word], duration: float) -> list[tuple[str, float, float]]:
    """Return (text, start, end) of words and of the gaps between them, whose text is ""."""
    filled, time = [], 0.0
    for word in words:
        if word.start > time + _TOUCHING:
            filled.append(("", time, word.start))
        filled.append((word.text, word.start if word.start > time + _TOUCHING else time, word.end))
        time = word.end
    return [*filled, ("", time, duration)] if duration - time > _TOUCHING else filled


def _tier_head(index: int, kind: str, name: str, duration: float) -> list[str]:
    head = [f"    item [{index}]:", f'        class = "{kind}"', f"        name = {_quoted(name)}"]
    return head + _span(" " * 8, 0, duration)


def _span(indent: str, start: float, end: float) -> list[str]:
    return [f"{indent}xmin = {_number(start)}", f"{indent}xmax = {_number(end)}"]


def _number(value: float) -> str:
    return format(value, ".12g")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _tokens(path: Path) -> list[str | float]:
    """Return the free-standing strings, numbers and flags, which are all that Praat reads of a text file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}): give a TextGrid file") from error
    if content.startswith(b"ooBinaryFile"):
        raise InputError(f"{path.name} is a binary TextGrid: save it in Praat as a text file")
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not UTF-8 or UTF-16 text: save it in Praat as a text file") from error
    tokens: list[str | float] = []
    for match in _TOKEN.finditer(text):
        string, other = match.groups()
        if string is not None:
            tokens.append(string.replace('""', '"'))
        elif other is not None and other != "<exists>":
            tokens.append(float(other))
    return tokens


def _parse(tokens: list[str | float], name: str) -> tuple[float, list[_Tier]]:
    """Return the end of a TextGrid in seconds and its interval tiers."""
    if len(tokens) < 5 or "ooTextFile" not in str(tokens[0]) or tokens[1] != "TextGrid":
        raise InputError(f"{name} is not a TextGrid: give one that Praat or the Montreal Forced Aligner wrote")
    remaining = iter(tokens[2:])

    def take(kind: type) -> str | float:
        token = next(remaining, None)
        if not isinstance(token, kind):
            expected, found = "a number" if kind is float else "a text", "its end" if token is None else repr(token)
            raise InputError(f"{name} is a broken or cut TextGrid: {expected} was expected, {found} came")
        return token

    def count() -> int:
        return int(min(take(float), len(tokens)))

    _, end, tiers = take(float), take(float), []
    for _ in range(count()):
        is_intervals, title = take(str) == "IntervalTier", take(str)
        _, _, size = take(float), take(float), count()
        if is_intervals:
            tiers.append(_Tier(title, tuple((take(float), take(float), take(str)) for _ in range(size))))
        else:
            for _ in range(size):
                take(float), take(str)
    return end, tiers


def _phone_tier(tiers: list[_Tier], name: str) -> _Tier:
    exact = [tier for tier in tiers if tier.name.strip().lower() == "phones"]
    found = exact or [tier for tier in tiers if _is_named(tier, "phone(me)?s?")]
    if len(found) == 1:
        return found[0]
    named = ", ".join(repr(tier.name) for tier in tiers) or "none"
    trouble = "more than one tier of phones" if found else "no tier named 'phones'"
    raise InputError(f"{name} has {trouble} (its interval tiers: {named}): name one speaker's tier 'phones'")


def _is_named(tier: _Tier, pattern: str) -> bool:
    """Tell whether a tier's name, or what follows a speaker's in it, matches."""
    return re.search(rf"\b{pattern}$", tier.name.strip().lower()) is not None


def _labelled(tier: _Tier, name: str) -> list[Phoneme]:
    """Return the tier's sounds with our labels, without its silences, closures joined with their releases."""
    texts = {text: text.strip() for _, _, text in tier.intervals}
    # Lower-case letters mean ARPABET if all of the tier can be read so: "y" and "r" are other sounds in IPA.
    arpabet = all(text.lower() in _SILENT or _from_arpabet(text.upper()) for text in texts.values())
    labels = {raw: _label(text.upper() if arpabet else text) for raw, text in texts.items()}
    unknown = sorted(text for text, label in labels.items() if label is None)
    if unknown:
        listed = ", ".join(repr(text) for text in unknown[:8]) + (" ..." if len(unknown) > 8 else "")
        raise InputError(
            f"{name} has labels that are neither ARPABET nor IPA: {listed}; correct them in tier {tier.name!r}"
        )
    spoken: list[Phoneme] = []
    closed = False
    for start, end, text in tier.intervals:
        label = labels[text]
        if closed and label in _RELEASES.get(spoken[-1].label, (spoken[-1].label,)):
            spoken[-1] = Phoneme(label, spoken[-1].start, end)
        elif label != "sil":
            spoken.append(Phoneme(label, start, end))
        closed = re.fullmatch("[bdgptk]cl", text.strip().lower()) is not None
    return spoken


def _from_arpabet(text: str) -> str | None:
    """Return our label of an upper-case ARPABET or TIMIT symbol."""
    plain = re.sub(r"(?<=[A-Z])[0-2]$", "", text)
    plain = _VARIANTS.get(plain, plain)
    return plain if plain in LABELS else None


def _label(text: str) -> str | None:
    """Return our label of a silence, an ARPABET symbol or an IPA symbol; None for anything else."""
    if text.lower() in _SILENT:
        return "sil"
    if label := _from_arpabet(text):
        return label
    letters = [c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) in ("Ll", "Lo")]
    together = to_arpabet("".join(letters)) if letters else None
    alone = [to_arpabet(letter) for letter in letters]
    if None in alone or not 1 <= len(letters) <= 2:
        return None
    # Two letters are one sound if they are an affricate, or a vowel with its glide; "is" is a word.
    if len(letters) == 2 and together == alone[0] and letters[1] not in "jwɪʊ":
        return None
    return together


def _check_times(phonemes: list[Phoneme], name: str) -> None:
    previous = 0.0
    for phoneme in phonemes:
        if phoneme.end <= phoneme.start or phoneme.start < previous - _TOUCHING:
            span = f"{phoneme.label} from {phoneme.start:g} to {phoneme.end:g} s"
            raise InputError(f"{name} has times out of order ({span}, after {previous:g} s): correct its phones tier")
        previous = phoneme.end


def _check_inside(phonemes: list[Phoneme], duration: float, name: str) -> None:
    if phonemes and phonemes[-1].end > duration + _OUTSIDE:
        end = phonemes[-1].end
        raise InputError(
            f"{name} speaks until {end:.2f} s but the recording has {duration:.2f} s: is it another one's?"
        )

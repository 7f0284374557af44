"""SRT: the words as captions, where a transcript was given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from kmtalk.errors import InputError
from kmtalk.motion import Animation
from kmtalk.phonemes import Word

_LINE = 42  # characters; two such lines are what broadcasters allow
_SHORTEST, _LONGEST = 1.0, 7.0  # seconds that a caption stays
_PAUSE = 0.6  # seconds of silence between captions; a shorter one is no reason to begin another


@dataclass(frozen=True)
class Caption:
    """What is on the screen from start to end, in seconds: one line or two."""

    lines: tuple[str, ...]
    start: float
    end: float


def write(animation: Animation, file: BinaryIO) -> None:
    """Write captions of one or two lines of up to 42 characters, each seen for 1 to 7 seconds, in UTF-8.

    Errors: InputError for an animation without words.
    """
    if not animation.words:
        raise InputError(
            "captions need the words: animate with a transcript of the recording, or with an alignment that has them"
        )
    for number, caption in enumerate(captions(animation.words, animation.duration), 1):
        times = f"{_time(caption.start)} --> {_time(caption.end)}"
        file.write("\n".join([str(number), times, *caption.lines, "", ""]).encode())


def captions(words: Sequence[Word], duration: float = float("inf")) -> list[Caption]:
    """Return words, in order, as captions that break at sentences and pauses and do not overlap.

    duration: seconds of the recording, past which no caption is held.
    """
    groups = list(_groups(words))
    following = [group[0].start for group in groups[1:]] + [float("inf")]
    made = []
    for group, limit in zip(groups, following, strict=True):
        start = group[0].start
        held = min(start + _SHORTEST, duration)
        end = min(max(group[-1].end, held), start + _LONGEST, limit)
        made.append(Caption(_lines([word.text for word in group]), start, end))
    return made


def _groups(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Yield the words of each caption: as many as fit, up to a sentence's end or a pause after the shortest time."""
    group: list[Word] = []
    for word in words:
        if group and _ends(group, word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _ends(group: list[Word], word: Word) -> bool:
    """Tell whether a caption must, or had better, end before a word."""
    full = max(map(len, _lines([*(member.text for member in group), word.text]))) > _LINE
    if full or word.end - group[0].start > _LONGEST:
        return True
    rests = group[-1].text.rstrip("\"'”’)").endswith((".", "?", "!")) or word.start - group[-1].end > _PAUSE
    return rests and word.start - group[0].start >= _SHORTEST


def _lines(texts: list[str]) -> tuple[str, ...]:
    """Return the texts as one line if that is short enough, else as two lines of about the same length."""
    whole = " ".join(texts)
    if len(whole) <= _LINE or len(texts) == 1:
        return (whole,)
    pairs = [(" ".join(texts[:split]), " ".join(texts[split:])) for split in range(1, len(texts))]
    return min(pairs, key=lambda pair: max(map(len, pair)))


def _time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"

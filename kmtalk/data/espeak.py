"""espeak-ng through its C library, with the time of each phoneme."""

import ctypes

import numpy as np

from kmtalk.errors import InputError
from kmtalk.ipa import to_arpabet

_LIBRARY = "libespeak-ng.so.1"
_SYNCHRONOUS = 2
_PHONEME_EVENTS_IN_IPA = 1 | 2
_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_PHONEME, _LIST_END = 7, 0
_OBSTRUENTS = frozenset(("P", "T", "K", "CH", "B", "D", "G", "JH", "S", "SH", "F", "TH", "HH"))
_QUIET = 12  # samples up to here are digital silence
_LONGEST_CLOSURE, _SHORTEST_CLOSURE = 0.13, 0.008
# Events come this many seconds after the change of the sound, measured against the sound's energy.
_EVENT_DELAY = 0.01


class _Identity(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Identity),
    ]


_Samples = ctypes.POINTER(ctypes.c_short)
_Events = ctypes.POINTER(_Event)
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, _Samples, ctypes.c_int, _Events)


def installed() -> bool:
    """Whether the espeak-ng library can be loaded."""
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return False
    return True


class Espeak:
    """The espeak-ng synthesizer; one for a process, as the library keeps its state to itself."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(_LIBRARY)
        except OSError as error:
            raise InputError("espeak-ng is not installed; run: apt-get install libespeak-ng1") from error
        self.sample_rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS_IN_IPA)
        size, unsigned, pointer = ctypes.c_size_t, ctypes.c_uint, ctypes.c_void_p
        text_and_options = [ctypes.c_char_p, size, unsigned, ctypes.c_int, unsigned, unsigned, pointer, pointer]
        self._library.espeak_Synth.argtypes = text_and_options
        self._sound: list[np.ndarray] = []
        self._events: list[tuple[int, str]] = []
        # The library keeps only the address: hold the callback as long as the synthesizer.
        self._callback = _Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def say(
        self, text: str, language: str, variant: str = "", stretch: float = 1.0, pitch: float = 1.0
    ) -> tuple[np.ndarray, list[tuple[float, str]]]:
        """Return the sound (S,) int16 at ``sample_rate`` and (start in seconds, label) of each phoneme.

        language: such as "en-us"; variant: one of espeak-ng's timbres, such as "f3", or "". Raises InputError for
        an unknown voice.
        """
        name = f"{language}+{variant}" if variant else language
        if self._library.espeak_SetVoiceByName(name.encode()) != 0:
            raise InputError(f"espeak-ng has no voice {name!r}; see espeak-ng --voices and --voices=variant.")
        self._library.espeak_SetParameter(_RATE, round(175 / stretch), 0)
        self._library.espeak_SetParameter(_PITCH, int(np.clip(50 + 60 * np.log2(pitch), 0, 99)), 0)
        self._sound, self._events = [], []
        encoded = text.encode()
        self._library.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        sound = np.concatenate([np.zeros(0, np.int16), *self._sound])
        return sound, segments(sound, self._events, self.sample_rate)

    def _receive(self, samples: _Samples, count: int, events: _Events) -> int:
        if samples and count > 0:
            self._sound.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type != _LIST_END:
            if events[index].type == _PHONEME:
                self._events.append((events[index].sample, events[index].id.string.decode("utf-8", "replace")))
            index += 1
        return 0


def segments(sound: np.ndarray, events: list[tuple[int, str]], rate: int) -> list[tuple[float, str]]:
    """Return (start in seconds, label) of each phoneme from espeak-ng's (sample, IPA) events.

    The event of a stop or affricate fires at its release: the digital silence before it is its closure and is given
    to it. Language switches such as "(en)" and sounds without a mouth shape of their own are left out.
    """
    starts: list[tuple[int, str]] = []
    for sample, symbol in events:
        label = None if "(" in symbol else to_arpabet(symbol)
        if label is None:
            continue
        start = max(0, sample - int(_EVENT_DELAY * rate))
        if label in _OBSTRUENTS and starts:
            closure = _quiet_before(sound, sample, int(_LONGEST_CLOSURE * rate))
            if sample - closure > _SHORTEST_CLOSURE * rate and closure > starts[-1][0] + 0.01 * rate:
                start = closure
        starts.append((start, label))
    return [(sample / rate, label) for sample, label in starts]


def _quiet_before(sound: np.ndarray, sample: int, longest: int) -> int:
    """Return where the silence that ends at ``sample`` starts, at most ``longest`` samples before."""
    before = np.abs(sound[max(0, sample - longest) : sample].astype(np.int32))
    loud = np.flatnonzero(before > _QUIET)
    return sample - len(before) + (int(loud[-1]) + 1 if len(loud) else 0)

"""The synthetic voices of the spoken corpus, with their licences."""

from dataclasses import dataclass

_CMU = "BSD-like (Carnegie Mellon University)"
_FESTVOX = "X11-like (Carnegie Mellon University and University of Edinburgh)"
_ESPEAK = "GPL-3.0-or-later engine; its licence does not cover the speech it makes"
_LATIN_1, _LATIN_2 = "latin-1", "iso-8859-2"


@dataclass(frozen=True)
class Voice:
    """One voice of one synthesizer.

    name: unique, the engine first; engine: "flite", "festival" or "espeak-ng"; call: the engine's own name of it;
    language: as kmtalk.data.sentences names it; sex: "female", "male" or "varied"; licence: of the voice, as its
    package states it; packages: the apt packages that bring it; share: its part of a corpus relative to the others;
    speaker: who spoke the recordings ("" for formant synthesis, which has none); shift: seconds to add to the
    synthesizer's times, measured against the energy of the sound; pitch: whether the pitch can be changed;
    encoding: of the text it reads; held_out: whether all its speech is for validation.
    """

    name: str
    engine: str
    call: str
    language: str
    sex: str
    licence: str
    packages: tuple[str, ...]
    share: float
    speaker: str = ""
    shift: float = 0.0
    pitch: bool = False
    encoding: str = "utf-8"
    held_out: bool = False

    @property
    def permissive(self) -> bool:
        """Whether the recordings' licence asks nothing of a model trained on the speech: it is not the GPL."""
        return not (self.speaker and self.licence.startswith("GPL"))


def voices(permissive_only: bool = True) -> tuple[Voice, ...]:
    """Return the corpus's voices; ``permissive_only=False`` adds those whose recordings are under the GPL."""
    return tuple(voice for voice in (*_FLITE, *_FESTIVAL, *_ESPEAK_NG) if voice.permissive or not permissive_only)


def _flite(call: str, sex: str, share: float, speaker: str = "", shift: float = 0.0, pitch: bool = True) -> Voice:
    return Voice(
        name=f"flite-{call}",
        engine="flite",
        call=call,
        language="en",
        sex=sex,
        licence=_CMU,
        packages=("flite",),
        share=share,
        speaker=speaker or call,
        shift=shift,
        pitch=pitch,
    )


_FLITE = (
    _flite("slt", "female", 50, shift=0.0075),
    _flite("rms", "male", 55, pitch=False),
    _flite("awb", "male", 55),
    _flite("kal16", "male", 35, speaker="kal"),
)


def _festival(
    call: str,
    language: str,
    sex: str,
    licence: str,
    packages: str,
    share: float,
    speaker: str,
    encoding: str = "utf-8",
    shift: float = 0.0,
    pitch: bool = False,
    held_out: bool = False,
) -> Voice:
    return Voice(
        name=f"festival-{speaker}",
        engine="festival",
        call=call,
        language=language,
        sex=sex,
        licence=licence,
        packages=("festival", *packages.split()),
        share=share,
        speaker=speaker,
        shift=shift,
        pitch=pitch,
        encoding=encoding,
        held_out=held_out,
    )


_LGPL_2, _LGPL_21 = "LGPL-2.0-or-later", "LGPL-2.1-or-later"
_GPL_2, _GPL_3 = "GPL-2.0-or-later", "GPL-3.0-or-later"
_SHMYREV = "BSD-like (Nickolay V. Shmyrev)"

# fmt: off
_FESTIVAL = (
    _festival("cmu_us_slt_arctic_hts", "en", "female", _CMU, "festvox-us-slt-hts", 35, "slt", shift=0.01),
    _festival("kal_diphone", "en", "male", _FESTVOX, "festvox-kallpc16k", 12, "kal", shift=0.005, pitch=True),
    _festival("ked_diphone", "en", "male", _FESTVOX, "festvox-kdlpc16k", 8, "ked", shift=0.005, pitch=True,
              held_out=True),
    _festival("suo_fi_lj_diphone", "fi", "female", _LGPL_2, "festvox-suopuhe-lj", 16, "lj", _LATIN_1, shift=0.005),
    _festival("hy_fi_mv_diphone", "fi", "male", _LGPL_2, "festvox-suopuhe-mv", 16, "mv", _LATIN_1, shift=0.005),
    _festival("upc_ca_ona_hts", "ca", "female", _LGPL_21, "festvox-ca-ona-hts", 22, "ona", _LATIN_1, shift=0.005),
    _festival("msu_ru_nsh_clunits", "ru", "male", _SHMYREV, "festvox-ru", 20, "nsh", shift=-0.01),
    _festival("lp_diphone", "it", "female", _GPL_2, "festvox-italp16k", 12, "lp", _LATIN_1),
    _festival("pc_diphone", "it", "male", _GPL_2, "festvox-itapc16k", 12, "pc", _LATIN_1),
    _festival("czech_ph", "cs", "male", _GPL_2, "festvox-czech-ph", 8, "ph", _LATIN_2),
    _festival("czech_dita", "cs", "female", _GPL_3, "festvox-czech-dita", 8, "dita", _LATIN_2),
    _festival("czech_krb", "cs", "male", _GPL_3, "festvox-czech-krb", 8, "krb", _LATIN_2),
    _festival("czech_machac", "cs", "male", _GPL_3, "festvox-czech-machac", 8, "machac", _LATIN_2),
    _festival("hindi_NSK_diphone", "hi", "male", _GPL_2, "festival-hi festvox-hi-nsk", 8, "nsk"),
)
# fmt: on


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _espeak(language: str, share: float = 2.4) -> Voice:
    return Voice(
        name=f"espeak-{language}",
        engine="espeak-ng",
        call=language,
        language=language,
        sex="varied",
        licence=_ESPEAK,
        packages=("libespeak-ng1",),
        share=share,
        pitch=True,
    )


_LANGUAGES = _words("cmn-latn-pinyin de el es fi fr hi hu it ja nl pl pt-br ru sv sw tr")
_ACCENTS = _words("en-gb-x-rp en-gb-scotland en-029 en-us-nyc")
_ESPEAK_NG = (_espeak("en-us", share=8), *map(_espeak, _ACCENTS), *map(_espeak, _LANGUAGES))

VARIANTS = _words("""
Alex Alicia Andrea Andy Annie AnxiousAndy Denis Diogo Gene Gene2 Henrique Hugo Jacky Lee Marco Mario Michael Mike
Nguyen RicishayMax RicishayMax2 RicishayMax3 adam anika announcer antonio aunty belinda benjamin boris caleb david
ed edward edward2 f1 f2 f3 f4 f5 grandma grandpa gustave iven iven2 iven3 iven4 john kaukovalta klatt klatt2 klatt3
klatt4 klatt5 klatt6 linda m1 m2 m3 m4 m5 m6 m7 m8 marcelo max michel miguel norbert pablo paul pedro quincy rob
robert sandro shelby steph steph2 steph3 travis victor zac
""")
"""The timbres of espeak-ng; its robots, monsters and whispers are left out."""

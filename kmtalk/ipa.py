"""IPA symbols as the 40 labels, by the nearest look of the mouth."""

import unicodedata

_ALIKE = {
    "AA": "aäɑ",
    "AO": "ɔɒ",
    "AE": "æ",
    "AH": "ʌəɐɜɞɘ",
    "ER": "ɚɝ",
    "EY": "e",
    "EH": "ɛ",
    "IY": "i",
    "IH": "ɪɨᵻɯ",
    "UW": "uyʏʉ",
    "UH": "ʊɵ",
    "OW": "oøœɤɶ",
    "P": "pɸ",
    "B": "bβɓʙ",
    "M": "mɱ",
    "F": "f",
    "V": "vʋⱱ",
    "TH": "θ",
    "DH": "ð",
    "T": "tʈ",
    "D": "dɖɾɽrɗ",
    "N": "nɳɲ",
    "L": "lɫɭʎʟɬɮɺ",
    "R": "ɹɻ",
    "S": "s",
    "Z": "z",
    "SH": "ʃɕʂ",
    "ZH": "ʒʑʐ",
    "K": "kqcxχ",
    "G": "gɡɟɣɠʛɢ",
    "NG": "ŋɴ",
    "HH": "hçħʁɦʀʕʜ",
    "Y": "jɥ",
    "W": "wʍɰ",
}
_SINGLE = {character: label for label, characters in _ALIKE.items() for character in characters}
_SEVERAL = {
    "tʃ": "CH",
    "tɕ": "CH",
    "tʂ": "CH",
    "ts.": "CH",
    "dʒ": "JH",
    "dʑ": "JH",
    "dʐ": "JH",
    "ts": "S",
    "dz": "Z",
    "s.": "SH",
    "pf": "F",
    "aɪ": "AY",
    "ai": "AY",
    "aʊ": "AW",
    "au": "AW",
    "ɑu": "AW",
    "eɪ": "EY",
    "oʊ": "OW",
    "əʊ": "OW",
    "aj": "AY",
    "aw": "AW",
    "əw": "OW",
    "ɔj": "OY",
    "ɔɪ": "OY",
    "ɔø": "OY",
    "oɪ": "OY",
    "əl": "L",
    "ʌɹ": "ER",
    "əɹ": "ER",
    "ɜɹ": "ER",
    "ɜː": "ER",
}


def to_arpabet(symbol: str) -> str | None:
    """Return the label (of kmtalk.phonemes.LABELS) nearest to an IPA symbol such as "tʃ" or "ɑː".

    Stress, length and tone marks and diacritics are passed over. "" is "sil"; a symbol without a mouth shape
    of its own (the glottal stop) and anything unknown is None. Front rounded vowels become UW or OW,
    retroflex consonants the alveolar ones, a tap or trill D, back fricatives K or HH.
    """
    if not symbol:
        return "sil"
    letters = [c if c in _SINGLE else unicodedata.normalize("NFD", c) for c in unicodedata.normalize("NFC", symbol)]
    base = "".join(c for c in "".join(letters) if not unicodedata.combining(c))
    base = base.lstrip("ˈˌ'")
    for start in (base[:2], base.replace("ː", "")[:3], base.replace("ː", "")[:2]):
        if start in _SEVERAL:
            return _SEVERAL[start]
    return next((_SINGLE[character] for character in base if character in _SINGLE), None)

"""Sentences of our own: seeded English templates, and made-up words for the other languages."""

import re
from collections.abc import Callable
from random import Random

from kmtalk.data import words
from kmtalk.errors import InputError


def sentence(random: Random, language: str) -> str:
    """Return one sentence; the same state of ``random`` gives the same sentence.

    language: "en" or one of ``languages()``, such as "de"; accents of English such as "en-gb" are English.
    Raises InputError for a language without a syllable list.
    """
    if language.split("-")[0] == "en":
        return _english(random)
    if language not in words.SYLLABLES:
        raise InputError(f"There is no syllable list for the language {language!r}; choose one of {languages()}.")
    return _made_up(random, language)


def languages() -> tuple[str, ...]:
    """The languages ``sentence`` knows."""
    return ("en", *words.SYLLABLES)


def _english(random: Random) -> str:
    templates, shares = zip(*_TEMPLATES, strict=True)
    text = random.choices(templates, shares)[0](random)
    if random.random() < 0.22:
        text = f"{random.choice(words.OPENERS)}, {text}"
    if text[-1] not in ".?!":
        text += random.choice("....!")
    text = re.sub(r"\ba (?=[aeiou])", "an ", text, flags=re.IGNORECASE)
    return text[0].upper() + text[1:]


def _thing(random: Random) -> str:
    choice = random.random()
    if choice < 0.12:
        return random.choice(words.NAMES)
    middle = [random.choice(words.ADJECTIVES)] if choice < 0.65 else []
    return " ".join([random.choice(words.DETERMINERS), *middle, random.choice(words.NOUNS)])


def _when_or_where(random: Random) -> str:
    return random.choice(random.choice((words.TIMES, words.WHERE)))


def _who(random: Random) -> str:
    return random.choice(words.SUBJECTS) if random.random() < 0.6 else _thing(random)


def _statement(random: Random) -> str:
    adverb = f"{random.choice(words.ADVERBS)} " if random.random() < 0.3 else ""
    ending = f" {_when_or_where(random)}" if random.random() < 0.6 else ""
    return f"{_who(random)} {adverb}{random.choice(words.VERBS_PAST)} {_thing(random)}{ending}"


def _two_statements(random: Random) -> str:
    link = random.choice(words.LINKS)
    return f"{_statement(random)}{link} {_statement(random)}"


def _future(random: Random) -> str:
    modal = random.choice(words.MODALS)
    return f"{_who(random)} {modal} {random.choice(words.VERBS)} {_thing(random)} {_when_or_where(random)}"


def _question(random: Random) -> str:
    start = random.choice(words.QUESTIONS)
    if start == "what if":
        return f"what if {_statement(random)}?"
    return f"{start} {_who(random)} {random.choice(words.VERBS)} {_thing(random)}?"


def _which_question(random: Random) -> str:
    first, second = random.sample(words.NOUNS, 2)
    return random.choice(
        (
            f"which {first} is more {random.choice(words.ADJECTIVES)}, the one {random.choice(words.WHERE)} or mine?",
            f"do you prefer a {first} or a {second}?",
            f"who {random.choice(words.VERBS_PAST)} my {first}, {random.choice(words.NAMES)}?",
            f"isn't this {first} too {random.choice(words.ADJECTIVES)} for a {second}?",
            f"have you ever been to {random.choice(words.PLACES)} with a {random.choice(words.ADJECTIVES)} {second}?",
        )
    )


def _numbers(random: Random) -> str:
    noun, adjective = random.choice(words.NOUNS), random.choice(words.ADJECTIVES)
    return random.choice(
        (
            f"there were {random.randint(2, 999)} {adjective} {noun}s {random.choice(words.WHERE)}",
            f"the {noun} costs {random.randint(2, 99)} dollars and {random.randint(2, 99)} cents",
            f"my number is {' '.join(str(random.randint(0, 9)) for _ in range(random.randint(4, 8)))}",
            f"the train to {random.choice(words.PLACES)} leaves at {random.randint(1, 12)} {random.randint(10, 59)}",
            f"it happened in {random.choice(words.PLACES)} in {random.randint(1700, 2030)}",
            f"{random.randint(2, 20)} plus {random.randint(2, 80)} is {random.randint(4, 99)}, {_statement(random)}",
            f"page {random.randint(2, 400)}, {random.choice(words.NUMBERS_ASIDE)} {random.randint(5, 90)} percent",
        )
    )


def _people(random: Random) -> str:
    first, second = random.sample(words.NAMES, 2)
    place, noun = random.choice(words.PLACES), random.choice(words.NOUNS)
    return random.choice(
        (
            f"{first} and {second} moved from {place} to {random.choice(words.PLACES)} {random.choice(words.TIMES)}",
            f"this is {first}, my {random.choice(words.ADJECTIVES)} {noun} from {place}",
            f"please tell {first} that {_statement(random)}",
            f'"{_statement(random)}", whispered {first}',
            f"{first}, would you please {random.choice(words.VERBS)} the {noun} {random.choice(words.WHERE)}?",
            f"I think {first} lives in {place} with {second} and a {random.choice(words.ADJECTIVES)} {noun}",
        )
    )


def _list(random: Random) -> str:
    things = [" ".join((random.choice(words.ADJECTIVES), f"{noun}s")) for noun in random.sample(words.NOUNS, 4)]
    return f"{_who(random)} {random.choice(words.VERBS_PAST)} {', '.join(things[:3])} and {things[3]}"


def _order(random: Random) -> str:
    start = random.choice(words.ORDERS)
    return f"{start}{random.choice(words.VERBS)} {_thing(random)} {_when_or_where(random)}"


def _opinion(random: Random) -> str:
    adjective, other = random.sample(words.ADJECTIVES, 2)
    return random.choice(
        (
            f"{_thing(random)} is {random.choice(words.ADVERBS)} {adjective}, but {_thing(random)} is {other}",
            f"how {adjective} {_thing(random)} must be!",
            f"what a {adjective} {random.choice(words.NOUNS)} and what a {other} {random.choice(words.NOUNS)}!",
            f"I feel {adjective} when {_thing(random)} is {other}",
            f"if I were {adjective}, I would {random.choice(words.VERBS)} {_thing(random)}",
            f"it's too {adjective} to {random.choice(words.VERBS)} and too {other} to {random.choice(words.VERBS)}",
        )
    )


def _talk(random: Random) -> str:
    return " ".join(random.sample(words.REPLIES, random.choice((1, 2, 2, 3))))


def _reply_and_statement(random: Random) -> str:
    return f"{random.choice(words.REPLIES)} {_english(random)}"


def _loose_words(random: Random) -> str:
    pool = random.choices((words.NOUNS, words.ADJECTIVES, words.VERBS_PAST, words.ADVERBS, words.VERBS), k=6)
    return " ".join(random.choice(part) for part in pool[: random.randint(4, 6)])


def _made_english(random: Random) -> str:
    def word() -> str:
        syllables = range(random.choice((1, 1, 2, 2, 3)))
        parts = (words.MADE_ONSETS, words.MADE_NUCLEI)
        start = "".join(random.choice(part) for _ in syllables for part in parts)
        return start + random.choice(words.MADE_CODAS)

    return " ".join(word() for _ in range(random.randint(4, 8)))


_TEMPLATES: tuple[tuple[Callable[[Random], str], int], ...] = (
    (_statement, 18),
    (_two_statements, 10),
    (_future, 8),
    (_question, 9),
    (_which_question, 5),
    (_numbers, 6),
    (_people, 9),
    (_list, 5),
    (_order, 6),
    (_opinion, 8),
    (_talk, 6),
    (_reply_and_statement, 5),
    (_loose_words, 8),
    (_made_english, 15),
)


def _made_up(random: Random, language: str) -> str:
    onsets, nuclei, codas = (part.split() for part in words.SYLLABLES[language])

    def syllable() -> str:
        coda = random.choice(codas) if codas and random.random() < 0.35 else ""
        # Kana and Devanagari consonants carry a vowel of their own, so theirs may stay bare.
        bare = language in ("ja", "hi") and random.random() < 0.5
        return random.choice(onsets) + ("" if bare else random.choice(nuclei)) + coda

    def word() -> str:
        made = "".join(syllable() for _ in range(random.randint(1, 3)))
        return f"{made}{random.randint(1, 4)}" if language == "cmn-latn-pinyin" else made

    made = [word() for _ in range(random.randint(4, 8))]
    if random.random() < 0.3:
        made[len(made) // 2] += ","
    return " ".join(made) + random.choice("...?")

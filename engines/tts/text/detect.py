"""Which of Chatterbox's languages a text is in."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

from engines.tts.languages import LANGUAGES

_SAMPLE: Final = 1500
"""Characters looked at in each of three places; more changes no answer and costs 1 ms per 1,000."""
_SURE: Final = 0.95
_SURE_LETTERS: Final = 200
_OTHER_NAMES: Final = {
    "nb": "no", "nn": "no", "iw": "he", "cmn": "zh", "yue": "zh", "ara": "ar", "dan": "da", "deu": "de", "ger": "de",
    "ell": "el", "gre": "el", "eng": "en", "spa": "es", "fin": "fi", "fra": "fr", "fre": "fr", "heb": "he", "hin": "hi",
    "ita": "it", "jpn": "ja", "kor": "ko", "msa": "ms", "may": "ms", "zsm": "ms", "nld": "nl", "dut": "nl", "nor": "no",
    "nob": "no", "nno": "no", "pol": "pl", "por": "pt", "rus": "ru", "swe": "sv", "swa": "sw", "tur": "tr", "zho": "zh",
    "chi": "zh",
}  # fmt: skip


class Tongue(NamedTuple):
    """A language, and whether a wrong guess is out of the question."""

    language: str
    sure: bool


def told(name: str) -> str:
    """The code of a language as metadata names it (`en-US`, `fre`, `German`); empty where it is none of ours."""
    name = name.strip().casefold()
    code = name.replace("_", "-").partition("-")[0]
    code = _OTHER_NAMES.get(code, code)
    if code in LANGUAGES:
        return code
    return next((code for code, english in LANGUAGES.items() if english.casefold() == name), "")


def detected(text: str) -> Tongue:
    """The language of a text; English where there is nothing to tell it by."""
    middle = (len(text) - _SAMPLE) // 2
    parts = [text] if len(text) <= 3 * _SAMPLE else [text[:_SAMPLE], text[middle : middle + _SAMPLE], text[-_SAMPLE:]]
    sample = "\n".join(parts)
    letters = sum(map(str.isalpha, sample))
    if not letters:
        return Tongue("en", sure=False)
    language, probability = _identifier().classify(sample)
    return Tongue(str(language), sure=letters >= _SURE_LETTERS and float(probability) >= _SURE)


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier

"""The tokenizers of miniatures: a token for each character, in the files that the library reads."""

from __future__ import annotations

import json
import string
from pathlib import Path

from engines.tts.languages import LANGUAGES

_START, _STOP = 255, 0
"""Where the library expects them."""
_SPECIAL = ("[STOP]", "[UNK]", "[SPACE]", "[PAD]", "[SEP]", "[CLS]", "[MASK]")
_PRINTABLE = tuple(map(chr, range(33, 127)))
_RANGES = (
    (0x0300, 0x0345),  # accents, as NFKD takes them off their letters
    (0x03B1, 0x03CA),  # Greek
    (0x0430, 0x0460),  # Cyrillic
    (0x05B0, 0x05EB),  # Hebrew
    (0x0621, 0x0653),  # Arabic
    (0x0900, 0x0970),  # Devanagari
    (0x1100, 0x1113), (0x1161, 0x1176), (0x11A8, 0x11C3),  # Korean, in pieces
    (0x3041, 0x3097), (0x3099, 0x309B), (0x30A1, 0x30FB),  # Japanese
)  # fmt: skip
_HANZI = "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生自会那后能对你好"
_CANGJIE = tuple(f"[cj_{part}]" for part in (*string.ascii_lowercase, *string.digits, "."))


def english(path: Path) -> None:
    """`tokenizer.json` of the English model."""
    _write(path, [*_PRINTABLE, *"éèêëàâçîïôûùüœæñáíóúÉÀß¿¡äöÄÖÜ"])


def multilingual(path: Path) -> None:
    """The grapheme vocabulary of the multilingual model: lower case, accents apart, a tag for each language."""
    letters = [character for character in _PRINTABLE if not character.isupper()]
    scripts = [chr(code) for begin, end in _RANGES for code in range(begin, end)]
    tags = [f"[{language}]" for language in LANGUAGES]
    _write(path, [*tags, *_CANGJIE, *letters, *"ßæøœıđł¿¡«»।。、・ー", *scripts, *_HANZI])


def gpt2(folder: Path) -> None:
    """The files of Turbo's tokenizer: GPT-2's with its bytes and nothing merged."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    unprintable = [byte for byte in range(256) if byte not in printable]
    written = {byte: chr(byte) for byte in printable}
    written |= {byte: chr(256 + number) for number, byte in enumerate(unprintable)}
    end = "<|endoftext|>"
    vocabulary = {written[byte]: number for number, byte in enumerate([*printable, *unprintable])} | {end: 50256}
    files = {
        "vocab.json": json.dumps(vocabulary),
        "merges.txt": "#version: 0.2\n",
        "tokenizer_config.json": json.dumps({"tokenizer_class": "GPT2Tokenizer", "eos_token": end, "unk_token": end}),
    }
    for name, content in files.items():
        (folder / name).write_text(content)


def _write(path: Path, tokens: list[str]) -> None:
    numbers = (number for number in range(len(_SPECIAL), len(tokens) + len(_SPECIAL) + 1) if number != _START)
    vocabulary = {token: number for number, token in enumerate(_SPECIAL)}
    vocabulary |= dict(zip(tokens, numbers, strict=False)) | {"[START]": _START}
    added = [
        {"id": vocabulary[token], "content": token, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
        for token in ("[START]", "[STOP]", "[UNK]", "[SPACE]")
    ]  # fmt: skip
    path.write_text(
        json.dumps(
            {
                "version": "1.0",
                "added_tokens": added,
                "pre_tokenizer": {
                    "type": "Split",
                    "pattern": {"Regex": r"\[[A-Za-z_0-9.]+\]|."},
                    "behavior": "Isolated",
                    "invert": False,
                },
                "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
            },
            ensure_ascii=False,
        )
    )

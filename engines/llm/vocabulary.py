"""Text to tokens and tokens to bytes, with the vocabulary of the loaded model."""

from __future__ import annotations

import ctypes

import llama_cpp as lib


class Vocabulary:
    """Borrowed from its weights, and as long-lived as they are."""

    def __init__(self, pointer: lib.llama_vocab_p) -> None:
        self.pointer = pointer
        self.pieces: dict[int, bytes | None] = {}
        """What `piece` answered so far, for those to whom a call is dear."""
        self.size = lib.llama_vocab_n_tokens(pointer)
        self.bos = self._special(lib.llama_vocab_bos(pointer))
        self.eos = self._special(lib.llama_vocab_eos(pointer))

    def tokens(self, text: str) -> list[int]:
        """The tokens of `text`; special tokens written in it count, and one at its beginning is not doubled."""
        data = text.encode()
        add_special = not (self.bos and text.startswith(self.bos))
        room = len(data) + 8
        while True:
            buffer = (lib.llama_token * room)()
            count = lib.llama_tokenize(self.pointer, data, len(data), buffer, room, add_special, True)
            if count >= 0:
                return buffer[:count]
            room = -count

    def piece(self, token: int) -> bytes | None:
        """The bytes of one token, possibly a part of a character, empty for a special one; None ends the answer."""
        if token not in self.pieces:
            end = lib.llama_vocab_is_eog(self.pointer, token)
            self.pieces[token] = None if end else self._render(token, special=False)
        return self.pieces[token]

    def _special(self, token: int) -> str:
        return "" if token < 0 else self._render(token, special=True).decode("utf-8", "replace")

    def _render(self, token: int, *, special: bool) -> bytes:
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = lib.llama_token_to_piece(self.pointer, token, buffer, room, 0, special)
            if count >= 0:
                return buffer.raw[:count]
            room = -count

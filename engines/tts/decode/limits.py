"""What a model can take: said before anything is computed, for on a GPU a bad index ends the whole process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipc.errors import Problem, RequestFailed

if TYPE_CHECKING:
    from engines.tts.decode.chunk import Chunk

# Where the library's analyzer looks: chatterbox/models/t3/inference/alignment_stream_analyzer.py.
_ANALYZED_LAYERS = 14
_ANALYZED_HEADS = 16


def can_analyze(t3: Any) -> bool:
    """Whether the library's alignment analyzer fits this model: the multilingual one, at its full depth."""
    return bool(
        t3.hp.is_multilingual
        and not t3.is_gpt
        and t3.cfg.num_hidden_layers >= _ANALYZED_LAYERS
        and t3.cfg.num_attention_heads >= _ANALYZED_HEADS
    )


def longest_text(t3: Any) -> int:
    """Tokens of a text, its start and stop among them."""
    return int(t3.cfg.n_positions if t3.is_gpt else t3.text_pos_emb.emb.num_embeddings)


def longest_speech(t3: Any) -> int:
    """Tokens that can be written of one chunk, where text and conditioning take no room from them."""
    return int(t3.cfg.n_positions if t3.is_gpt else t3.speech_pos_emb.emb.num_embeddings)


def check(t3: Any, chunk: Chunk) -> None:
    """Raises:
    RequestFailed: the model cannot speak this chunk.
    """
    count, most = len(chunk.text), longest_text(t3)
    if not 0 < count <= most:
        raise _refused(
            f"The text is {count} tokens, and the model takes 1 to {most}.", "Cut it: a smaller batch_size does."
        )
    if int(chunk.text.min()) < 0 or int(chunk.text.max()) >= t3.hp.text_tokens_dict_size:
        raise _refused(
            f"The text has tokens outside of the model's {t3.hp.text_tokens_dict_size}.", "Choose the right backend."
        )
    positions = chunk.limit + (len(chunk.conditioning) + count + 1 if t3.is_gpt else 0)
    if chunk.limit <= 0 or positions > longest_speech(t3):
        raise _refused(
            f"{chunk.limit} tokens are asked for, and the model writes up to {longest_speech(t3)}.",
            "Ask for fewer, or cut the text.",
        )
    if chunk.sampling.repetition_penalty <= 0:
        raise _refused("The repetition penalty is not above 0.", "Take 1 for none.")
    if chunk.analyze and not can_analyze(t3):
        raise _refused(
            "The alignment analyzer knows only the full multilingual model.", "Set use_alignment_analyzer to false."
        )


def _refused(detail: str, hint: str) -> RequestFailed:
    return RequestFailed(Problem("Cannot be spoken", detail, hint))

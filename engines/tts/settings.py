"""The knobs of an engine that speaks."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from engines.settings import EngineSettings, knob
from engines.tts.languages import Language
from ipc.snapshot import Scalar

CHATTERBOX = "ResembleAI/chatterbox"
"""As the hub calls it; English and multilingual lie in the same repository."""

Backend: TypeAlias = Literal["auto", "english", "multilingual", "turbo"]
Precision: TypeAlias = Literal["auto", "fp32", "fp16", "bf16", "int8"]
BudgetMode: TypeAlias = Literal["learned", "smart", "language", "length"]

MOST_CHARACTERS: dict[BudgetMode, int] = {"learned": 280, "smart": 280, "language": 450, "length": 500}
"""The longest chunk that a budget suggests, whatever the language and the document."""
LADDER_CHARACTERS = 350
LADDER_TOKENS = 400
CHARACTERS_OF_LADDER_TOKENS = 200
"""What 400 tokens surely say: 25 tokens and 13 characters are a second of English."""


class TtsSettings(EngineSettings, frozen=True, kw_only=True):
    """Settings of one engine that speaks, through Chatterbox."""

    model: Annotated[
        str,
        knob(
            "",
            "model",
            "a Chatterbox checkpoint: a folder, the name of one in the data folder, or on the hub (fetched before)",
            recommend=f"{CHATTERBOX} · ResembleAI/chatterbox-turbo · an absolute path",
        ),
    ] = CHATTERBOX
    backend: Annotated[
        Backend, knob("", "model", "which Chatterbox it is; `auto` tells by the files of the folder")
    ] = "auto"
    parallel: Annotated[
        int,
        knob(
            "chunks",
            "context",
            "chunks decoded together, at most; 0 means as many as are faster and have room",
            ge=0,
            le=64,
            recommend="1 on a full 8 GB card",
        ),
    ] = 0
    batch_size: Annotated[
        int,
        knob(
            "characters",
            "flight",
            "the longest chunk of text; 0 means as the budget suggests",
            ge=0,
            le=550,
            recommend="280 · en 400–500, fr 250–300, ja ko 130–170, zh 100 · 8 GB at most 500–550",
        ),
    ] = 0
    budget: Annotated[
        BudgetMode,
        knob(
            "",
            "flight",
            "how many tokens a chunk is expected to need; one that needs more goes on",
            recommend="learned · smart 300 + 150 × length ÷ batch_size · language en ≤ 500, fr 600–800, others 800–1000"
            " · length ≤ 1,000 words 400, more 500",
        ),
    ] = "learned"
    tokens: Annotated[
        int,
        knob(
            "tokens",
            "flight",
            "most that are expected of a chunk, which gets no more text than they say; 0: as the budget has it",
            ge=0,
            le=1000,
            recommend="0 · 8 GB at most 1000 · 25 are a second",
        ),
    ] = 0
    quantization: Annotated[
        Precision,
        knob("", "model", "precision of what writes speech tokens", recommend="bf16 · int8 on a CPU"),
    ] = "auto"
    sound_precision: Annotated[
        Literal["auto", "fp32", "fp16", "bf16"], knob("", "model", "precision of what makes sound of tokens")
    ] = "auto"
    compile: Annotated[
        bool,
        knob("", "context", "compile the decoding step (minutes at each load; with CUDA graphs on a GPU)"),
    ] = False
    language: Annotated[
        Language, knob("", "flight", "`auto` detects it from the text; Chatterbox and Turbo speak English")
    ] = "auto"
    voice: Annotated[
        str,
        knob("", "flight", "one of `engineroom voices`, or a recording's path; empty is the built-in"),
    ] = ""
    cast: Annotated[str, knob("", "flight", "path of a TOML file that gives chapters voices of their own")] = ""
    lexicon: Annotated[str, knob("", "flight", "path of a TOML file that says how to pronounce words")] = ""
    exaggeration: Annotated[
        float, knob("", "flight", "how lively it speaks", ge=0, le=2, recommend="0.5; Turbo has none")
    ] = 0.5
    cfg: Annotated[
        float,
        knob("", "flight", "how closely it keeps to the text; 0 halves the work", ge=0, le=2, recommend="0.5"),
    ] = 0.5
    temperature: Annotated[
        float, knob("", "flight", "0 always takes the likeliest token", ge=0, le=2, recommend="0.8")
    ] = 0.8
    min_p: Annotated[
        float, knob("", "flight", "leave out tokens below this share of the likeliest", ge=0, le=1, recommend="0.05")
    ] = 0.05
    top_p: Annotated[float, knob("", "flight", "draw from the likeliest that make up this share", ge=0, le=1)] = 1.0
    repetition_penalty: Annotated[
        float,
        knob(
            "",
            "flight",
            "above 1 avoids tokens that were used; 0 means as the model was tuned",
            ge=0,
            le=3,
            recommend="1.15, documents over 5,000 words 1.20 · Turbo 1.2 · multilingual 2.0",
        ),
    ] = 0.0
    seed: Annotated[int, knob("", "flight", "where chance begins; -1 begins anew each time", ge=-1, le=2147483647)] = -1
    attempts: Annotated[
        int,
        knob("takes", "flight", "how often a chunk that sounds wrong is spoken anew", ge=0, le=9),
    ] = 2
    flow_steps: Annotated[
        int,
        knob("steps", "flight", "of the flow that makes sound, fewer are faster; 0 means 10, for Turbo 2", ge=0, le=50),
    ] = 0
    reference_seconds: Annotated[
        float,
        knob(
            "seconds",
            "flight",
            "how much of the voice's recording goes before each chunk; less is faster",
            ge=1,
            le=10,
            recommend="3–10",
        ),
    ] = 10.0
    use_alignment_analyzer: Annotated[
        bool, knob("", "flight", "multilingual: let the library's watch over attention decide when a chunk ends")
    ] = False
    watermark: Annotated[bool, knob("", "flight", "mark the sound as made by a machine, inaudibly")] = True
    cleanup: Annotated[
        Literal["auto", "every", "adaptive"],
        knob("", "now", "when spare memory goes back: when it is much, or after some chunks (`cleanup_every`)"),
    ] = "auto"
    cleanup_every: Annotated[
        int,
        knob(
            "chunks",
            "now",
            "`every`: after so many; `adaptive`: after the work's chunks divided by so many, at least 5",
            ge=1,
            le=1000,
            recommend="3 on 8 GB",
        ),
    ] = 3
    pause_sentence_ms: Annotated[int, knob("ms", "flight", "silence after a sentence", ge=0, le=10000)] = 200
    pause_paragraph_ms: Annotated[int, knob("ms", "flight", "silence after a paragraph", ge=0, le=10000)] = 600
    pause_chapter_ms: Annotated[int, knob("ms", "flight", "silence after a chapter", ge=0, le=60000)] = 2000
    loudness: Annotated[
        float,
        knob("LUFS", "flight", "loudness of the whole; 0 leaves it as it is", ge=-40, le=0, recommend="-19"),
    ] = -19.0
    bitrate: Annotated[int, knob("kbit/s", "flight", "of m4b, m4a, mp3 and opus", ge=16, le=320)] = 64
    subtitles: Annotated[
        Literal["none", "srt", "vtt", "both"], knob("", "flight", "the text with its times, beside the output")
    ] = "none"

    def process_environment(self) -> dict[str, str]:
        """Nothing is fetched while people wait, and what CUDA frees in pieces can be used as a whole."""
        return {
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
        }

    def joins(self) -> bool:
        """Chunks that come while others are spoken are decoded with them."""
        return True

    def shape(self) -> dict[str, Scalar]:
        """What is computed at once, and how precisely."""
        return {
            "parallel": self.parallel,
            "batch_size": self.batch_size,
            "tokens": self.tokens,
            "quantization": self.quantization,
            "sound_precision": self.sound_precision,
            "reference_seconds": self.reference_seconds,
        }

    def planning(self) -> dict[str, Scalar]:
        """What decides where chunks begin, and what is said in them."""
        return {
            "batch_size": self.batch_size,
            "budget": self.budget,
            "tokens": self.tokens,
            "language": self.language,
            "voice": self.voice,
            "cast": self.cast,
            "lexicon": self.lexicon,
        }

    def step_down(self) -> dict[str, Scalar]:
        """Fewer chunks at once, shorter chunks, fewer tokens (and no more text than they can say), coarser, the CPU.

        It goes before every size that a language or a budget asks for.
        """
        if self.parallel != 1:
            return {"parallel": max(1, (self.parallel or 8) // 2)}
        characters = self.batch_size or MOST_CHARACTERS[self.budget]
        if characters > LADDER_CHARACTERS:
            return {"batch_size": LADDER_CHARACTERS}
        if not 0 < self.tokens <= LADDER_TOKENS:
            return {"tokens": LADDER_TOKENS, "batch_size": min(characters, CHARACTERS_OF_LADDER_TOKENS)}
        if self.quantization != "int8":
            return {"quantization": "int8"}
        return {} if self.gpu == "cpu" else {"gpu": "cpu"}

"""Which kinds there are, and where their parts live: as strings, because the parts are spawned, never imported."""

from __future__ import annotations

from dataclasses import dataclass

from engines.embed.settings import EmbedSettings
from engines.fake.settings import FakeSettings
from engines.llm.settings import LlmSettings
from engines.settings import EngineSettings
from engines.stt.settings import SttSettings
from engines.tts.settings import TtsSettings


@dataclass(frozen=True)
class Kind:
    """One kind of engine.

    `engine`, `plan`, `assemble` and `appraise` are module names inside the kind's room; `settings` is its declaration.
    `reads` are the suffixes of the files that it takes from a folder, `writes` that of its outputs. Where the name of
    an output decides what is in it, `forms` are the suffixes that it knows; empty where any name will do. `own` are the
    settings that a job may be given for itself. An output of a form in `apart` holds what comes of one input.
    """

    name: str
    summary: str
    settings: type[EngineSettings]
    engine: str
    plan: str
    assemble: str
    appraise: str
    reads: tuple[str, ...]
    writes: str
    forms: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "llm",
            "language models (llama-cpp-python)",
            LlmSettings,
            "engines.llm.engine",
            "engines.llm.plan",
            "engines.llm.assemble",
            "engines.llm.appraise",
            (".jsonl",),
            ".jsonl",
        ),
        Kind(
            "embed",
            "vectors of texts (onnxruntime)",
            EmbedSettings,
            "engines.embed.engine",
            "engines.embed.plan",
            "engines.embed.assemble",
            "engines.embed.appraise",
            (".txt", ".jsonl"),
            ".npy",
        ),
        Kind(
            "tts",
            "text to speech (chatterbox-tts)",
            TtsSettings,
            "engines.tts.engine",
            "engines.tts.plan",
            "engines.tts.assemble",
            "engines.tts.appraise",
            (".txt", ".md", ".epub", ".html", ".htm", ".srt"),
            ".m4b",
            (".m4b", ".m4a", ".mp3", ".opus", ".flac", ".wav"),
        ),
        Kind(
            "stt",
            "speech to text (faster-whisper)",
            SttSettings,
            "engines.stt.engine",
            "engines.stt.plan",
            "engines.stt.assemble",
            "engines.stt.appraise",
            (
                *(".wav", ".mp3", ".m4a", ".m4b", ".flac", ".ogg", ".oga", ".opus", ".aac", ".wma", ".aiff", ".amr"),
                *(".mp4", ".mkv", ".mov", ".webm", ".avi", ".ts", ".mpg"),
            ),
            ".txt",
            (".txt", ".srt", ".vtt", ".json", ".tsv"),
            ("language", "task", "prompt", "hotwords", "word_timestamps", "formats"),
            (".srt", ".vtt"),
        ),
        Kind(
            "fake",
            "a real program with bad habits, for tests",
            FakeSettings,
            "engines.fake.engine",
            "engines.fake.plan",
            "engines.fake.assemble",
            "engines.fake.appraise",
            (".jsonl",),
            ".jsonl",
            own=("tokens_per_unit", "batch_size"),
        ),
    )
}

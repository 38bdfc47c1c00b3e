"""The knobs of an engine that listens."""

from __future__ import annotations

import os
from typing import Annotated, Literal, TypeAlias

from engines.settings import EngineSettings, knob
from ipc.snapshot import Scalar

MINIATURE = "miniature"
"""The model that comes with Engine Room: it knows 32 words and loads in a blink."""
FORMS = ("txt", "srt", "vtt", "json", "tsv")
"""What an output can be, by the suffix of its name."""

ComputeType: TypeAlias = Literal[
    "auto", "float32", "float16", "bfloat16", "int8", "int8_float32", "int8_float16", "int8_bfloat16"
]
Task: TypeAlias = Literal["transcribe", "translate"]

MOST_SPANS = 64
MOST_TOGETHER = 8
"""Windows, where nothing says more or less."""
TEMPERATURES = "0 0.2 0.4 0.6 0.8 1"


class SttSettings(EngineSettings, frozen=True, kw_only=True):
    """Settings of one engine that listens, through Whisper in CTranslate2."""

    model: Annotated[
        str,
        knob(
            "",
            "model",
            "Whisper in CTranslate2's form: a folder, a name in the data folder, or one on the hub (fetched before)",
            recommend="small · medium · large-v3 · an absolute path",
        ),
    ] = MINIATURE
    quantization: Annotated[
        ComputeType,
        knob(
            "",
            "process",
            "what it computes in, whatever the file holds; `auto` is float16 on a GPU that has it, int8 on a CPU",
            recommend="int8_float16 on a small GPU · int8 on a CPU",
        ),
    ] = "auto"
    parallel: Annotated[
        int,
        knob("spans", "context", "spans of speech taken up at once; 0 means half more than are decoded", ge=0, le=64),
    ] = 0
    batch_size: Annotated[
        int,
        knob(
            "windows",
            "now",
            "windows decoded together, deterministic ones alone; 0 means as many as are faster here and have room",
            ge=0,
            le=64,
            recommend="0 · 8 on a GPU of 8 GB · 1 on a CPU",
        ),
    ] = 0
    num_workers: Annotated[
        int,
        knob(
            "streams",
            "process",
            "batches decoded at the same time by one model",
            ge=1,
            le=16,
            recommend="4 on a big GPU",
        ),
    ] = 1
    cpu_threads: Annotated[
        int, knob("threads", "process", "CPU threads of each stream; 0 means physical cores − 1", ge=0, le=512)
    ] = 0
    window_seconds: Annotated[
        float,
        knob(
            "seconds",
            "flight",
            "the longest span of speech decoded as one; 0 means as long as the model hears at once",
            ge=0,
            le=30,
            recommend="0 · 3 for the miniature",
        ),
    ] = 0.0
    language: Annotated[
        str, knob("", "flight", "such as `en` or `fr`; `auto` listens to the beginning of each recording")
    ] = "auto"
    task: Annotated[Task, knob("", "flight", "`translate` writes English whatever is spoken")] = "transcribe"
    beam_size: Annotated[
        int, knob("beams", "flight", "ways followed at once; 1 is the fastest", ge=1, le=16, recommend="5")
    ] = 5
    temperatures: Annotated[
        str,
        knob("", "flight", "tried one after the other while a text is not to be believed", recommend=TEMPERATURES),
    ] = TEMPERATURES
    prompt: Annotated[
        str, knob("", "flight", "what may have been said before: it sets spelling and style", content=True)
    ] = ""
    hotwords: Annotated[str, knob("", "flight", "names and words to expect", content=True)] = ""
    word_timestamps: Annotated[bool, knob("", "flight", "tell when each word begins and ends")] = False
    vad: Annotated[bool, knob("", "flight", "find speech first, and give only that to the model")] = True
    vad_threshold: Annotated[
        float, knob("", "flight", "how sure it must be that somebody speaks", ge=0.05, le=0.95, recommend="0.5")
    ] = 0.5
    silence_ms: Annotated[
        int,
        knob("ms", "flight", "a silence this long ends a span of speech, if that is long enough", ge=100, le=10000),
    ] = 500
    gate_db: Annotated[
        float,
        knob("dB", "flight", "so far below the recording's own loud parts nothing is heard", ge=10, le=120),
    ] = 45.0
    no_speech: Annotated[
        float,
        knob("", "flight", "drop what the model itself takes for silence, above this probability", ge=0, le=1),
    ] = 0.8
    least_logprob: Annotated[
        float,
        knob("", "flight", "try another temperature below this mean log probability of a token", ge=-10, le=0),
    ] = -1.0
    most_compression: Annotated[
        float,
        knob("", "flight", "try another temperature where the text repeats itself so much", ge=1, le=10),
    ] = 2.4
    phantoms: Annotated[
        str,
        knob("", "flight", "path of a text file with more phrases, one a line, that are never believed alone"),
    ] = ""
    formats: Annotated[
        str,
        knob(
            "",
            "flight",
            "further forms written beside the output: txt, srt, vtt, json, tsv",
            recommend="srt,json",
            pattern=rf"^[ ,]*(({'|'.join(FORMS)})([ ,]+|$))*$",
            takes=f"any of {', '.join(FORMS)}, with commas between them",
        ),
    ] = ""
    line_characters: Annotated[
        int, knob("characters", "flight", "of a line of subtitles", ge=10, le=200, recommend="42")
    ] = 42
    cue_lines: Annotated[int, knob("lines", "flight", "of a subtitle, at most", ge=1, le=5)] = 2
    cue_seconds: Annotated[float, knob("seconds", "flight", "a subtitle stays at most so long", ge=1, le=60)] = 7.0
    step_ms: Annotated[
        int,
        knob("ms", "flight", "live audio is looked at so often", ge=100, le=5000, recommend="250–500"),
    ] = 250
    endpoint_ms: Annotated[
        int,
        knob("ms", "flight", "live: a silence this long ends what was said", ge=100, le=5000),
    ] = 500

    def process_environment(self) -> dict[str, str]:
        """Nothing is fetched while people wait."""
        return {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

    @property
    def together(self) -> int:
        """The most windows decoded at once by each stream."""
        if self.batch_size:
            return self.batch_size
        return max(1, 2 * self.parallel // (3 * self.num_workers)) if self.parallel else MOST_TOGETHER

    def spans(self, together: int) -> int:
        """To take up at once, so that no batch of so many windows waits for its last."""
        return min(MOST_SPANS, -(-3 * together * self.num_workers // 2))

    def joins(self) -> bool:
        """Spans that come while others are decoded are decoded with them."""
        return True

    def threading(self) -> tuple[str, int]:
        """Each stream has its own."""
        return "cpu_threads", self.num_workers

    def shape(self) -> dict[str, Scalar]:
        """What is computed at once, and in what."""
        return {
            "quantization": self.quantization,
            "batch_size": self.batch_size,
            "num_workers": self.num_workers,
            "beam_size": self.beam_size,
            "window_seconds": self.window_seconds,
            "parallel": self.parallel,
        }

    def planning(self) -> dict[str, Scalar]:
        """What decides where spans of speech begin and end, and what is left out."""
        return {
            "window_seconds": self.window_seconds,
            "vad": self.vad,
            "vad_threshold": self.vad_threshold,
            "silence_ms": self.silence_ms,
            "gate_db": self.gate_db,
        }

    def wanted_forms(self) -> tuple[str, ...]:
        """What `formats` names, each once."""
        return tuple(dict.fromkeys(self.formats.replace(",", " ").split()))

    def writes(self) -> str:
        """The first of the forms."""
        return next((f".{form}" for form in self.wanted_forms()), "")

    def beside(self, output: str) -> tuple[str, ...]:
        """The further forms, with the output's name: `talk.srt` beside `talk.txt`."""
        stem, suffix = os.path.splitext(output)
        return tuple(f"{stem}.{form}" for form in self.wanted_forms() if f".{form}" != suffix.lower())

    def step_down(self) -> dict[str, Scalar]:
        """Fewer windows at once, one stream, one beam, coarser numbers, the CPU."""
        if self.together > 1:
            fewer = self.together // 2
            spans: dict[str, Scalar] = {"parallel": self.spans(fewer)}
            return {"batch_size": fewer, **spans} if self.batch_size else spans
        if self.num_workers > 1:
            return {"num_workers": 1, "parallel": 2}
        if self.beam_size > 1:
            return {"beam_size": 1}
        if not self.quantization.startswith("int8"):
            return {"quantization": "int8"}
        return {} if self.gpu == "cpu" else {"gpu": "cpu"}

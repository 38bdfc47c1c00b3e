"""The self-test of a `tts` environment: Chatterbox in small writes a speech token, and its tensor tells where."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from engines.contract import OutOfMemory
from engines.environments.record import WITHOUT_CUDA, SelfTest
from engines.environments.requirements import Device
from engines.tts.library import prepare
from engines.tts.miniature.shrink import Sizes, shrink_t3
from ipc.errors import Problem

_COMPANIONS: Final = ("av", "sentencex", "soundfile", "pyloudnorm", "py3langid", "pykakasi")
"""What is used beside Chatterbox: files, sentences, loudness, languages, and readings of Japanese."""


def compute(device: Device) -> SelfTest:
    """Write a token, on the CPU where no GPU is to be had.

    Raises:
        ImportError: a library is missing.
        OSError, RuntimeError: something computes wrong, or not at all.
        OutOfMemory
    """
    prepare()
    for name in _COMPANIONS:
        import_module(name)
    if import_module("perth").PerthImplicitWatermarker is None:  # it says so of itself where pkg_resources is missing
        raise RuntimeError("perth, which marks what is spoken, is not whole")
    torch = import_module("torch")
    asked = torch.device("cuda" if device == "cuda" and torch.cuda.is_available() else "cpu")
    try:
        where = _written(asked)
        _heard(torch, where)
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(Problem("Out of memory", str(error), "Unload an engine.")) from error
    if where.type == "cuda":
        return SelfTest(True, "cuda", f"{_library(torch)} wrote a token on {torch.cuda.get_device_name(where)}")
    why = _no_gpu(torch) if device == "cuda" else ""
    return SelfTest(True, "cpu", f"{_library(torch)} wrote a token on the CPU{why}")


def _library(torch: Any) -> str:
    return f"the miniature of Chatterbox on torch {torch.__version__}"


def _no_gpu(torch: Any) -> str:
    if torch.version.cuda is None:
        return f": {WITHOUT_CUDA}"
    return f": this torch is for CUDA {torch.version.cuda}, and the driver gives it no GPU"


def _written(device: Any) -> Any:
    """Where the token lies that the library's own loop wrote, with guidance, and with weights drawn at random."""
    shrink_t3(Sizes())
    torch = import_module("torch")
    t3 = import_module("chatterbox.models.t3").T3().to(device).eval()
    voice = import_module("chatterbox.models.t3.modules.cond_enc").T3Cond(
        speaker_emb=torch.rand(1, 256),
        cond_prompt_speech_tokens=torch.zeros(1, t3.hp.speech_cond_prompt_len, dtype=torch.long),
        emotion_adv=torch.full((1, 1, 1), 0.5),
    )
    text = torch.tensor([[t3.hp.start_text_token, 1, t3.hp.stop_text_token]]).expand(2, -1)
    token = t3.inference(t3_cond=voice.to(device=device), text_tokens=text, max_new_tokens=1)
    if token.shape != (1, 1) or not 0 <= int(token) < t3.hp.speech_tokens_dict_size:
        raise RuntimeError(f"it wrote {token.tolist()} instead of a token")
    return token.device


def _heard(torch: Any, device: Any) -> None:
    """A convolution and a Fourier transform there and back: the libraries that only the vocoder uses."""
    wave = torch.sin(torch.arange(512, device=device) / 8)
    window = torch.hann_window(16, device=device)
    doubled = torch.nn.functional.conv1d(wave[None, None], torch.full((1, 1, 1), 2.0, device=device))[0, 0]
    spectrum = torch.stft(doubled, 16, 4, window=window, return_complex=True)
    back = torch.istft(spectrum, 16, 4, window=window, length=len(wave))
    if not torch.allclose(back, 2 * wave, atol=1e-4):
        raise RuntimeError("a sound came back from its spectrum as another one")

"""Chatterbox, brought in so that it loads on any torch, asks no network and prints no bars.

Import this before anything of `chatterbox`.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import types
import warnings
from typing import Any

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def prepare() -> None:
    """Make the imports of `chatterbox` work; to be called before the first of them, and harmless after it.

    Raises:
        ImportError: chatterbox, or something that it needs, is not installed here.
    """
    os.environ.update(OFFLINE)
    # Of torchaudio only parts in Python are used; its compiled part fits only the torch that it was built with.
    sys.modules.setdefault("torchaudio._extension", _without_compiled_part())
    warnings.filterwarnings("ignore", category=FutureWarning)  # for the libraries' authors, at each load and first use
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations of libraries among each other
        for module in ("chatterbox.models.t3.t3", "chatterbox.models.s3gen.flow_matching"):
            importlib.import_module(module).tqdm = _no_bar  # type: ignore[attr-defined]
    for name in ("chatterbox", "transformers", "diffusers"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _without_compiled_part() -> types.ModuleType:
    module = types.ModuleType("torchaudio._extension")
    members: dict[str, Any] = {
        "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
        "_IS_ALIGN_AVAILABLE": False,
        "fail_if_no_align": lambda function: function,
        "_check_cuda_version": lambda: None,
    }
    module.__dict__.update(members)
    return module


def _no_bar(items: Any, *_: object, **__: object) -> Any:
    return items

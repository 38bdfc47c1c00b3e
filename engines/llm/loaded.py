"""A model that is ready to work: weights, a context over them, and the chat template, with one self-test."""

from __future__ import annotations

import logging
import math
import os
from pathlib import Path

import llama_cpp as lib

from engines.contract import CannotLoad, LoadCancelled, Report, Sky
from engines.gpu_memory import GpuMemory, placement
from engines.llm.adapters import Adapters
from engines.llm.asked import Asking
from engines.llm.batch import Stretch
from engines.llm.buffers import buffers_of
from engines.llm.caches import Caches
from engines.llm.chat import Chat
from engines.llm.checks import check
from engines.llm.context import Context
from engines.llm.estimate import gpu_bytes, need, prompt_cache_bytes
from engines.llm.files import ModelFile
from engines.llm.generate import Batching
from engines.llm.ready import ready
from engines.llm.sampling import Sampler, Sampling
from engines.llm.settings import LlmSettings
from engines.llm.warm import dependence, warm
from engines.llm.weights import Weights
from ipc.errors import Problem
from ipc.places import data_folder, prompts_folder

_log = logging.getLogger(__name__)


class Loaded:
    """Loads and tests at construction; `close` gives everything back.

    Raises:
        CannotLoad, OutOfMemory, LoadCancelled: and nothing stays allocated.
    """

    def __init__(self, settings: LlmSettings, report: Report, memory: GpuMemory) -> None:
        self._report, self._memory = report, memory
        check(settings)
        self._file, rest_of_load = ready(settings, report)
        before = _identity_of(self._file)
        self._hold(settings)
        try:
            self._weights = Weights(self._file, settings, rest_of_load)
        except BaseException:
            self._memory.hold(0)
            raise
        try:
            self._identity = _identity_of(self._file)
            if self._identity != before:
                raise _replaced(self._file.path)
            self._adapters = Adapters(self._weights, settings)
            self._build(settings, self._chat_for(settings))
            if report.cancelled():
                self._context.close()
                raise LoadCancelled
        except BaseException:
            self._weights.close()
            self._memory.hold(0)
            raise

    @staticmethod
    def check(settings: LlmSettings, report: Report) -> None:
        """Whether these settings can work, and their file is there and whole, or can be made: then it is.

        Raises:
            CannotLoad, LoadCancelled
        """
        check(settings)
        if settings.chat_template.strip():
            Chat.through(settings.chat_template, "", "")
        ready(settings, report)

    @property
    def name(self) -> str:
        return self._weights.name

    @property
    def quantization(self) -> str | None:
        return self._weights.header.quantization

    @property
    def layers(self) -> int:
        """Pieces that may lie on GPUs."""
        return self._weights.header.pieces

    @property
    def layers_on_gpu(self) -> int | None:
        """As the library told it; on a simulated box as asked for."""
        return self._weights.wanted_on_gpu if self._memory.simulated else self._weights.layers_on_gpu

    def retune(self, settings: LlmSettings) -> None:
        """Take settings that neither the weights nor the context depend on.

        Raises:
            CannotLoad: the chat template cannot be used, and nothing has changed.
        """
        if settings.chat_template != self._chat_template:
            self._asking.use(self._chat_for(settings))
        self._context.set_threads(settings)
        self._caches.prefixes.resize(prompt_cache_bytes(self._weights.header, settings))
        self._batching.retune(settings)
        if (settings.system_prompt, settings.chat_template) != (self._system_prompt, self._chat_template):
            self._warm(settings)

    def rebuild(self, settings: LlmSettings) -> None:
        """Replace the context and keep the weights; the old context goes first, so that both need not fit.

        Raises:
            CannotLoad, OutOfMemory: and there is no context until another `rebuild`.
        """
        check(settings)
        chat = self._chat_for(settings)
        adapters = Adapters(self._weights, settings)
        self._context.close()
        self._adapters.close()
        self._adapters = adapters
        self._hold(settings)
        self._build(settings, chat)

    def fly(self, sky: Sky) -> None:
        """Raises OutOfMemory."""
        self._batching.fly(sky)

    def close(self) -> None:
        self._context.close()
        self._adapters.close()
        self._weights.close()
        self._memory.hold(0)

    def _hold(self, settings: LlmSettings) -> None:
        """On a simulated box, take what the estimate says, before the library takes anything."""
        if not self._memory.simulated:
            return
        header = self._file.header
        with buffers_of(self._file.path, header) as buffers:
            self._memory.hold(gpu_bytes(need(header, settings, buffers(settings)), len(placement())))

    def _chat_for(self, settings: LlmSettings) -> Chat:
        bos, eos = self._weights.vocabulary.bos, self._weights.vocabulary.eos
        if settings.chat_template.strip():
            return Chat.through(settings.chat_template, bos, eos)
        return Chat(self._weights.chat_template, bos, eos)

    def _build(self, settings: LlmSettings, chat: Chat) -> None:
        context = Context(self._weights, settings)
        try:
            self._adapters.lay_over(context.pointer)
            self._test(context)
        except BaseException:
            context.close()
            raise
        self._context = context
        self._caches = Caches(context, prompt_cache_bytes(self._weights.header, settings))
        self._asking = asking = Asking(self._weights.vocabulary, chat, context.length)
        self._batching = Batching(context, self._weights.vocabulary, asking, self._caches, settings, self._report)
        try:
            self._warm(settings)
        except BaseException:
            context.close()
            raise
        if context.length < settings.n_ctx:
            _log.warning(
                "%s was trained for %d tokens: n_ctx %d is cut to that", self.name, context.length, settings.n_ctx
            )

    def _warm(self, settings: LlmSettings) -> None:
        """The first answer need not wait for the system prompt to be read."""
        self._system_prompt, self._chat_template = settings.system_prompt, settings.chat_template
        if settings.system_prompt and settings.prompt_cache:
            try:
                of = dependence(self._file, self._identity, settings)
            except (CannotLoad, OSError) as error:  # it only makes the first answer quicker
                _log.warning("the system prompt is not computed ahead: %s", error)
                return
            folder = prompts_folder(data_folder(os.environ))
            warm(
                self._asking.shared.of_system(settings.system_prompt),
                of,
                folder,
                self._context,
                self._caches,
                self._stop,
            )

    def _stop(self) -> bool:
        self._report.step()
        return self._report.cancelled()

    def _test(self, context: Context) -> None:
        """Write one real token."""
        vocabulary = self._weights.vocabulary
        outputs = context.compute([Stretch(0, 0, vocabulary.tokens("Hello")[: context.length], sample=True)], _never)
        assert outputs is not None
        sampler = Sampler(Sampling(), vocabulary)
        token = sampler.draw(context.pointer, outputs[0])
        sampler.close()
        score = lib.llama_get_logits_ith(context.pointer, outputs[0])[token]
        context.forget()
        self._report.tokens(1)
        if not math.isfinite(score):
            raise CannotLoad(
                Problem("Model broken", f"{self.name} computes no numbers.", "Download or convert the file again.")
            )


def _identity_of(file: ModelFile) -> str:
    try:
        return file.identity()
    except OSError as error:
        raise CannotLoad(
            Problem("Model missing", f"{file.path}: {error.strerror}.", "Put the file back, or set `model` to another.")
        ) from error


def _replaced(path: Path) -> CannotLoad:
    return CannotLoad(Problem("Model replaced", f"{path} changed while it was loaded.", "Load it again."))


def _never() -> bool:
    return False

"""`models`: the verbs about model files on this box."""

from __future__ import annotations

from cli import models_import, models_list, models_quantize, models_remove, models_verify
from cli.verb import family

VERB = family(
    "models",
    "find, make, check and remove model files",
    (
        models_list.LIST,
        models_list.SCAN,
        models_import.VERB,
        models_quantize.VERB,
        models_verify.VERB,
        models_remove.VERB,
    ),
)

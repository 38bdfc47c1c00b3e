"""What may name an engine or a pool."""

from __future__ import annotations

import re

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")

"""The version of this software, as the handshake and `engineroom --version` say it."""

from __future__ import annotations

SOFTWARE = "0.1.0"

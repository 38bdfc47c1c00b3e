"""A `systemctl` and a `loginctl` that write down what they were called with, and do a little of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >> "$FAKE/calls"
[ "$(cat "$FAKE/manager")" = running ] || { [ "$2" = is-system-running ] && cat "$FAKE/manager"; exit 1; }
[ ! -e "$FAKE/$2-fails" ] || { cat "$FAKE/$2-fails" >&2; exit 1; }
[ ! -e "$FAKE/$2-ignored" ] || exit 0
units=$HOME/.config/systemd/user
lives() {
    [ -e "$FAKE/pid" ] && grep -q '^State:.[^Z]' "/proc/$(cat "$FAKE/pid")/status" 2>/dev/null
}
case $2 in
    is-system-running) echo running ;;
    is-active)
        if [ ! -e "$units/$3" ]; then echo inactive; exit 3
        elif [ -e "$FAKE/condition" ]; then cat "$FAKE/condition"
        elif lives; then echo active
        else echo inactive; exit 3
        fi ;;
    enable) mkdir -p "$units/default.target.wants"; ln -sf "$units/$3" "$units/default.target.wants/$3" ;;
    disable) rm -f "$units/default.target.wants/$3" ;;
    start)
        cd "$(sed -n 's/^WorkingDirectory=//p' "$units/$3")" || exit 1
        log=$(sed -n 's/^StandardOutput=append://p' "$units/$3")
        eval env "$(sed -n 's/^Environment=//p' "$units/$3" | tr '\\n' ' ')" setsid \\
            "$(sed -n 's/^ExecStart=//p' "$units/$3")" '>> "$log" 2>&1 &' 'echo $! > "$FAKE/pid"' ;;
    stop) rm -f "$FAKE/condition"; lives && kill -TERM "$(cat "$FAKE/pid")"; while lives; do sleep 0.01; done ;;
esac
"""
LOGINCTL = """#!/bin/sh
echo "loginctl $*" >> "$FAKE/calls"
[ ! -e "$FAKE/loginctl-fails" ] || { cat "$FAKE/loginctl-fails" >&2; exit 1; }
case $1 in
    enable-linger) touch "$FAKE/linger/$2" ;;
    disable-linger) rm "$FAKE/linger/$2" ;;
esac
"""


@dataclass(frozen=True)
class FakeSystemd:
    """It runs units that are simple enough, one at a time."""

    folder: Path

    def calls(self) -> list[str]:
        """What changed something since the last look; questions are left out."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line for line in lines if " is-" not in line]

    def say(self, name: str, text: str) -> None:
        """`manager` is what `is-system-running` says, `condition` what `is-active` says of the unit.

        With `VERB-fails` the verb says that and fails; with `VERB-ignored` it does nothing.
        """
        (self.folder / name).write_text(text + "\n")

    def lingers(self, user: str = "ada") -> bool:
        return (self.folder / "linger" / user).exists()

    def linger(self, user: str = "ada") -> None:
        (self.folder / "linger" / user).touch()

"""The same kills under Engine Room, supervisord and runit: `python -m bench.supervisors`."""

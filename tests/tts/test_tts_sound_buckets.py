"""Takes of like length are computed together, within bounds."""

from __future__ import annotations

from engines.tts.sound.buckets import groups


def _padding(frames: list[int], group: list[int]) -> float:
    width = max(frames[i] for i in group)
    return 1 - sum(frames[i] for i in group) / (width * len(group))


def test_each_take_is_in_one_group_and_little_is_padded() -> None:
    frames = [400, 900, 410, 60, 880, 395, 70, 1500]
    made = groups(frames, 12_000, 0.15)
    assert sorted(i for group in made for i in group) == list(range(len(frames)))
    assert all(_padding(frames, group) <= 0.15 for group in made)
    assert sorted(map(sorted, made)) == [[0, 2, 5], [1, 4], [3, 6], [7]]


def test_a_group_has_no_more_frames_than_fit_unless_one_take_has() -> None:
    assert groups([500, 500, 500, 2000], 1000, 0.15) == [[3], [0, 1], [2]]


def test_without_room_each_take_is_alone() -> None:
    assert groups([7, 9], 0, 1.0) == [[1], [0]]


def test_nothing_is_no_group() -> None:
    assert groups([], 1000, 0.15) == []

"""Everything is killed, stopped, changed and pestered at random while jobs run; then the promises are counted.

`python -m bench.chaos` is the program. What is done to the room follows from the seed alone (`scale`, `plan`, `source`,
`knobs`); `hand`, `feed` and `storm` do it, `eye` looks on, `verdict` and `census` check, `table` prints.
"""

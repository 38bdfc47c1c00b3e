#!/bin/sh
# What `make demo-gpus` runs on its simulated box: engines, jobs and the dashboard; leaving that ends and removes it all.
#   python -m simulator.run four -- sh examples/gpu-box.sh
here=$(cd "$(dirname "$0")" && pwd)
room=$(mktemp -d) || exit
export ENGINEROOM_STATE="$room/state" ENGINEROOM_CONFIG="$here/gpu-box.toml"

leave() {
    trap '' HUP INT TERM
    engineroom down >"$room/down.log" 2>&1
    rm -rf "$room"
}
trap leave EXIT
trap 'exit 129' HUP # so that a closed terminal ends it, too
trap 'exit 143' TERM

prompts() {
    seq "$1" | sed 's/.*/{"prompt": "What does engine & do?"}/' >"$room/$2"
}

submit() { # kind, engine, source, name of the output
    engineroom submit "$1" --engine "$2" "$3" -o "$room/$4" >"$room/submit.log"
}

engineroom up >"$room/up.log" || exit
prompts 480 reviews.jsonl
prompts 480 book.jsonl
prompts 60 lectures.jsonl
{
    submit fake writer "$room/reviews.jsonl" answers.jsonl
    submit fake voice "$room/book.jsonl" audio.jsonl
    submit fake ear-medium "$room/lectures.jsonl" texts.jsonl
    submit llm scribe "$here/prompts.jsonl" notes.jsonl
} &
engineroom
code=$?
wait
exit "$code"

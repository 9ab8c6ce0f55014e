#!/usr/bin/env bash
# The whole loop on the smoke preset, in a clone that is thrown away: the user's params.yaml and datasets are not touched.
# Uncommitted edits of tracked files come along, so that what is tested is what one is working on.
set -euo pipefail

root=$(git rev-parse --show-toplevel)
clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT

git clone --quiet "$root" "$clone/mathse"
git -C "$root" diff --binary HEAD | git -C "$clone/mathse" apply --allow-empty --whitespace=nowarn
cd "$clone/mathse"
cp presets/smoke.yaml params.yaml
export PYTHONPATH=$PWD
# Stages are forks of a process that has loaded torch once: to load it is most of a small stage.
python -m tests.pipeline.forks dvc repro
mathse report

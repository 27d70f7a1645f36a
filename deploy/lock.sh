#!/usr/bin/env bash
# Compiles deploy/requirements/*.in into the lock files, for every Python from 3.11 on.
# The files with hashes leave torch out; requirements.txt holds everything, without hashes.
# Options go to uv: `deploy/lock.sh --upgrade` takes the newest versions.
set -euo pipefail
options=("$@")
cd "$(dirname "$0")/.."
folder=deploy/requirements

compile() {
    .venv/bin/uv pip compile --quiet --config-file "$folder/uv.toml" --no-annotate \
        --universal --python-version 3.11 --custom-compile-command "make lock" \
        "${options[@]}" "$@"
}

hashed=(--generate-hashes --no-emit-package torch)
compile "${hashed[@]}" --output-file "$folder/dev.txt" "$folder"/{web,worker,local,dev}.in
compile --generate-hashes --constraints "$folder/dev.txt" \
    --output-file "$folder/audit.txt" "$folder/audit.in"
for image in web worker local; do
    compile "${hashed[@]}" --constraints "$folder/dev.txt" \
        --output-file "$folder/$image.txt" "$folder/$image.in"
done
compile --constraints "$folder/dev.txt" --output-file requirements.txt "$folder/everything.in"

#!/usr/bin/env bash
# Sets up from nothing, as a stranger's bare machine would: a fresh clone of the last commit, an
# empty home and cache, and a PATH from which every tool that such a machine lacks is hidden.
# Then Apptainer must run an image with a command. Needs the package registries, git and make.
#
#   --image NAME   build the image NAME (such as tools) alone, not all images
#   --keep         leave the folder of the trial in place
#
# PYTHON names the interpreter (python3 otherwise); TMPDIR the place of the trial.
set -euo pipefail

readonly HIDDEN=(
    apptainer singularity mmdebstrap debootstrap mksquashfs unsquashfs sqfscat sqfstar squashfuse
    squashfuse_ll newuidmap newgidmap bwrap uv uvx patchelf fuse2fs fakeroot proot
    docker podman snakemake pytest ruff mypy
)
# Of the caller's environment only what says how the registries are reached.
readonly NETWORK='^(PIP_.*|.*_proxy|.*_PROXY|SSL_CERT_.*|REQUESTS_CA_BUNDLE|APT_CONFIG)$'

say() { printf 'from nothing: %s\n' "$*" >&2; }
stop() { say "error: $*"; exit 2; }

image='' keep=''
while (($#)); do
    case $1 in
        --image) image=${2:?--image needs a name}; shift 2 ;;
        --keep) keep=yes; shift ;;
        *) stop "unknown option $1 (known: --image NAME, --keep)" ;;
    esac
done

repository=$(cd "$(dirname "$0")/../.." && pwd -P)
python=$("${PYTHON:-python3}" -c 'import sys; print(sys.executable)')
trial=$(mktemp -d "${TMPDIR:-/tmp}/from-nothing-XXXXXX")
cleanup() { [[ $keep ]] && say "kept: $trial" || rm -rf -- "$trial"; }
trap cleanup EXIT
trap 'exit 130' INT TERM

# Links to all programs of the system's folders but the hidden ones. A program that only the
# caller's PATH has (in the home, in a virtual environment) is not seen either.
bin=$trial/bin
mkdir -p "$bin" "$trial/home"
for folder in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
    [[ -d $folder ]] || continue
    find "$folder" -maxdepth 1 ! -type d -print0 | xargs -0 -r ln -s -t "$bin" 2>/dev/null || true
done
(cd "$bin" && rm -f -- "${HIDDEN[@]}" python3)
# A program, not a link: Python looks for its library beside what it was started as.
printf '#!/bin/sh\nexec "%s" "$@"\n' "$python" > "$bin/python3"
chmod 755 "$bin/python3"

bare=(env -i "PATH=$bin" "HOME=$trial/home" "TMPDIR=$trial" LC_ALL=C.UTF-8)
while IFS= read -r name; do
    [[ $name =~ $NETWORK ]] && bare+=("$name=${!name}")
done < <(compgen -e)

for tool in "${HIDDEN[@]}"; do
    # A shell builtin named by its path, so that no function or alias answers.
    if "${bare[@]}" "$bin/sh" -c 'command -v "$1"' sh "$tool" > /dev/null; then
        stop "$tool is still in PATH"
    fi
done
for tool in git make python3; do
    [[ -x $bin/$tool ]] || stop "this trial needs $tool"
done

began=$SECONDS
took() { say "$1 ($((SECONDS - began)) s)"; began=$SECONDS; }

git clone --quiet --no-hardlinks -- "$repository" "$trial/clone"
[[ -z $(git -C "$repository" status --porcelain) ]] ||
    say "note: changes that are not committed are not part of this trial"
cd "$trial/clone"
say "commit $(git rev-parse --short HEAD), $("${bare[@]}" python3 --version), user $(id -un)"

"${bare[@]}" make --no-print-directory setup
took "environment and Apptainer are ready"

cache=$trial/home/.cache/assay
in_clone() { "${bare[@]}" PYTHONPATH=scripts .venv/bin/python "$@"; }
if [[ $image ]]; then
    name=$(in_clone -c '
import sys
from pathlib import Path
from assay.images.names import image_name
print(image_name(sys.argv[1], Path.cwd()))' "$image")
    receipt=results/$(sed -n 's/^run: *\([^ ]*\).*/\1/p' config/config.yaml)/build_image/$name.json
    "${bare[@]}" .venv/bin/snakemake --cores "$(nproc)" --quiet all -- "$receipt"
else
    "${bare[@]}" make --no-print-directory setup-images
fi
took "images are built"

runtime=$(in_clone -m assay.images.apptainer)
[[ $runtime == "$cache"/* ]] || stop "Apptainer came from $runtime, not from the trial's cache"
ran=0
# As the workflow does: the private folder stands first in PATH, and holds squashfuse too.
for file in "$cache"/images/*.sqfs; do
    name=$(basename "$file" .sqfs)
    runs=$file
    [[ -r /dev/fuse && -w /dev/fuse ]] || runs=${file%.sqfs}
    told=$("${bare[@]}" "PATH=$runtime:$bin" apptainer --quiet exec --userns --containall --cleanenv \
        --net --network none "$runs" \
        python3 -c 'import json; print(json.load(open("/etc/assay-image.json"))["image"])')
    [[ $told == "$name" ]] || stop "$name told that it is '$told'"
    say "$name ran a command: sha256 $(sha256sum "$file" | cut -d' ' -f1)"
    ran=$((ran + 1))
done
((ran)) || stop "no image was built"
took "$ran image(s) ran under Apptainer"
say "all done in $SECONDS s"

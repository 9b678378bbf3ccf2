# What the scripts share: how they speak, and how they reach a platform in docker-compose. Sourced, never run.
# shellcheck shell=bash

readonly PROGRAM="${0##*/}"
# A small image with tar and bash, for looking into volumes; docker/README.md says where it comes from.
readonly TOOLS="${MAILY_TOOLS_IMAGE:-debian:bookworm-slim}"

say() { printf '==> %s\n' "$*" >&2; }

die() {
  printf '%s: %s\n' "$PROGRAM" "$*" >&2
  exit 1
}

# A wrong argument (sysexits.h).
misused() {
  printf '%s: %s; --help says more\n' "$PROGRAM" "$*" >&2
  exit 64
}

need() {
  local program
  for program; do
    command -v "$program" > /dev/null || die "$program is missing: install it and try again"
  done
}

# The text between the second line and the first empty one, which is a script's help.
help() {
  sed -n '2,/^$/{ s/^# \{0,1\}//; p; }' "$0"
  exit 0
}

# docker-compose on the project's folder, for a quarter of an hour at most; PROJECT and COMPOSE_FOLDER are the caller's.
compose() {
  local program=(docker-compose)
  command -v docker-compose > /dev/null || program=(docker compose)
  (cd "$COMPOSE_FOLDER" && timeout --foreground 900 "${program[@]}" --project-name "$PROJECT" "$@")
}

# The volume's name, as Docker knows it.
volume() { printf '%s_%s' "$PROJECT" "$1"; }

has_volume() { docker volume inspect "$(volume "$1")" > /dev/null 2>&1; }

# A container that sees one volume (at /volume) and nothing else; more options first, then `--`, then the command.
with_volume() { # VOLUME MODE [OPTION…] -- COMMAND…
  local name mode options=()
  name="$(volume "$1")" mode="$2"
  shift 2
  while [[ "$1" != -- ]]; do
    options+=("$1")
    shift
  done
  shift
  docker run --rm --interactive --network none --read-only --cap-drop ALL --security-opt no-new-privileges:true \
    --volume "$name:/volume:$mode" "${options[@]}" "$TOOLS" "$@"
}

# Services of the project that run now, without those that only ever run once.
running() {
  docker ps --filter "label=com.docker.compose.project=$PROJECT" --filter label=com.docker.compose.oneoff=False \
    --format '{{.Label "com.docker.compose.service"}}' | sort
}

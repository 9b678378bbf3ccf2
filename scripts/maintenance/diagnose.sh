#!/usr/bin/env bash
# Collects what is needed to say why a platform in docker-compose does not work, in one archive that may be handed to others:
# versions, states and health of containers, sizes, metrics, and the ends of the logs. It holds no secrets and no personal
# data: environments and volumes are not read, and addresses, keys and tokens are struck out of what is.
#
#   diagnose.sh [--to FILE] [--lines N] [--project NAME] [--compose DIR]
#
#   --to FILE       the archive (maily-diagnosis.tar.gz), which must not be there yet
#   --lines N       of each container's log (2000)
#   --project NAME  compose's project (COMPOSE_PROJECT_NAME, or `compose`)
#   --compose DIR   the folder of docker-compose.yml (docker/compose)

set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/../lib/common.sh"

PROJECT="${COMPOSE_PROJECT_NAME:-compose}" COMPOSE_FOLDER="$here/../../docker/compose"
to=maily-diagnosis.tar.gz lines=2000
while [[ $# -gt 0 ]]; do
  case "$1" in
    --help | -h) help ;;
    --to) to="${2:?--to needs a file}" && shift 2 ;;
    --lines) lines="${2:?--lines needs a number}" && shift 2 ;;
    --project) PROJECT="${2:?--project needs a name}" && shift 2 ;;
    --compose) COMPOSE_FOLDER="${2:?--compose needs a folder}" && shift 2 ;;
    *) misused "unknown argument $1" ;;
  esac
done
[[ "$lines" =~ ^[0-9]+$ ]] || misused "--lines $lines: expected a number"
[[ ! -e "$to" ]] || die "$to is there already"
need docker tar sed
umask 077
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
trap 'exit 130' INT TERM

# Strikes out addresses, bearer keys, S3 keys, tokens of Vault, private keys, and anything long and random (names of metrics have
# no capitals).
strike() {
  sed -E \
    -e '/-----BEGIN [A-Z ]*PRIVATE KEY-----/,/-----END [A-Z ]*PRIVATE KEY-----/d' \
    -e 's/[[:alnum:].!#$%&*+=?^_{|}~-]+@[[:alnum:]-]+(\.[[:alnum:]-]+)+/[address]/g' \
    -e 's/([Bb]earer|[Aa]uthorization:?)[ =]+[^" ]+/\1 [key]/g' \
    -e 's/(maily_|MAILY|hv[sbr]\.|AKIA)[A-Za-z0-9_-]{16,}/[key]/g' \
    -e 's/[A-Za-z0-9-]{40,}/[long]/g' \
    -e 's/[A-Za-z0-9_-]*[A-Z][A-Za-z0-9_-]{30,}/[long]/g' \
    -e 's/[A-Za-z0-9_-]{30,}[A-Z][A-Za-z0-9_-]*/[long]/g'
}

# A question that can't be answered is part of the answer.
note() { # FILE COMMAND…
  local file="$folder/$1"
  shift
  { "$@" 2>&1 || printf '(it failed: %s)\n' "$?"; } | strike > "$file"
}

# A path of a health listener, by bash alone, from within the project's network.
metrics() { # HOST
  docker run --rm --network "${PROJECT}_default" --read-only --cap-drop ALL "$TOOLS" timeout 10 bash -c \
    'exec 3<> "/dev/tcp/$1/9090" && printf "GET /metrics HTTP/1.0\r\nHost: x\r\n\r\n" >&3 && cat <&3' bash "$1"
}

# Sizes of the project's volumes; names of files in them are not looked at.
sizes() {
  local mounts=() name
  for name in $(docker volume ls --quiet --filter "label=com.docker.compose.project=$PROJECT"); do
    mounts+=(--volume "$name:/volumes/$name:ro")
  done
  docker run --rm --network none --read-only --cap-drop ALL --cap-add DAC_READ_SEARCH "${mounts[@]}" "$TOOLS" \
    du --max-depth=1 --human-readable /volumes
}

say "Looking at $PROJECT"
note machine.txt bash -c 'date -u; uname -a; nproc; free -m; df -h /'
note docker.txt docker version
note compose.txt compose version
note containers.txt compose ps
note images.txt compose images
# Not what `run` made: a campaign's client shows a message to a person.
mapfile -t containers < <(docker ps --all --filter "label=com.docker.compose.project=$PROJECT" \
  --filter label=com.docker.compose.oneoff=False --format '{{.Names}}')
[[ ${#containers[@]} -gt 0 ]] || die "no container of $PROJECT: is that the project? --project says which"
# States only: the rest of an inspection holds the environment.
note states.txt docker inspect --format '{{.Name}} {{.Config.Image}} {{slice .Image 7 19}} {{.State.Status}} exit={{.State.ExitCode}} restarts={{.RestartCount}} oom={{.State.OOMKilled}} started={{.State.StartedAt}}{{if .State.Health}} {{.State.Health.Status}} {{range .State.Health.Log}}| {{.ExitCode}} {{.Output}} {{end}}{{end}}' "${containers[@]}"
note usage.txt docker stats --no-stream --no-trunc "${containers[@]}"
note volumes.txt sizes
for container in "${containers[@]}"; do
  note "log-$container.txt" docker logs --timestamps --tail "$lines" "$container"
done
for service in $(running); do
  case "$service" in
    # In Restate's network.
    orchestrator) note metrics-orchestrator.txt metrics restate ;;
    storage | compliance | guardrails | inference) note "metrics-$service.txt" metrics "$service" ;;
  esac
done
tar --create --gzip --sort=name --file "$to" --directory "$folder" .
say "Done: $to ($(du -h "$to" | cut -f1)). Look through it before you hand it on."

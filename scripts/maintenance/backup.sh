#!/usr/bin/env bash
# Copies the state of a platform in docker-compose into a folder: what storage, compliance and Restate know, and apart from it
# the keys. The platform is stopped for it (seconds to minutes, by size) and started again, whatever happens.
#
#   backup.sh --to DIR [--keys DIR] [--s3 URL --s3-keys FILE] [--project NAME] [--compose DIR]
#
#   --to DIR        a folder that is not there yet: storage.tar, compliance.tar, restate.tar, SHA256SUMS
#   --keys DIR      where keys.tar goes: root keys, the authority, clients' keys. Keep it apart from the data: only both
#                   together can be read. Without it no keys are copied, which is right where Vault has them.
#   --s3 URL        also send the data, never the keys, to an S3-compatible store: https://host/bucket/prefix
#   --s3-keys FILE  ROOT_ACCESS_KEY=… and ROOT_SECRET_KEY=…, a line each, mode 0600
#   --project NAME  compose's project (COMPOSE_PROJECT_NAME, or `compose`)
#   --compose DIR   the folder of docker-compose.yml (docker/compose)
#
# An erased person can't be read from the data of a backup once the day's epoch has turned and older copies of keys.tar are
# gone: delete keys.tar of old backups within the time that you promise erasure in.

set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/../lib/common.sh"
source "$here/../lib/s3.sh"

PROJECT="${COMPOSE_PROJECT_NAME:-compose}" COMPOSE_FOLDER="$here/../../docker/compose"
to='' keys='' s3='' s3_keys=''
while [[ $# -gt 0 ]]; do
  case "$1" in
    --help | -h) help ;;
    --to) to="${2:?--to needs a folder}" && shift 2 ;;
    --keys) keys="${2:?--keys needs a folder}" && shift 2 ;;
    --s3) s3="${2:?--s3 needs an address}" && shift 2 ;;
    --s3-keys) s3_keys="${2:?--s3-keys needs a file}" && shift 2 ;;
    --project) PROJECT="${2:?--project needs a name}" && shift 2 ;;
    --compose) COMPOSE_FOLDER="${2:?--compose needs a folder}" && shift 2 ;;
    *) misused "unknown argument $1" ;;
  esac
done
[[ -n "$to" ]] || misused 'where to? --to DIR'
[[ -z "$s3" || -n "$s3_keys" ]] || misused '--s3 needs --s3-keys FILE'
[[ ! -e "$to" ]] || die "$to is there already: a backup never replaces another"
need docker sha256sum
umask 077

# Everything but the keys of a volume, to standard output.
pack() { # VOLUME [tar's OPTION…]
  local name="$1"
  shift
  with_volume "$name" ro --cap-add DAC_READ_SEARCH -- \
    tar --create --numeric-owner --sort=name --directory=/volume "$@" .
}

pack_keys() {
  docker run --rm --network none --read-only --cap-drop ALL --cap-add DAC_READ_SEARCH \
    --security-opt no-new-privileges:true --volume "$(volume authority):/keys/authority:ro" \
    --volume "$(volume storage-data):/keys/storage-data:ro" \
    --volume "$(volume compliance-data):/keys/compliance-data:ro" "$TOOLS" bash -c \
    'cd /keys && exec tar --create --numeric-owner --sort=name authority $(ls -d */keyring.json 2> /dev/null)'
}

for name in storage-data compliance-data restate-data authority; do
  has_volume "$name" || die "there is no volume $(volume "$name"): is $PROJECT the project? --project says which"
done
mkdir -p -- "$(dirname -- "$to")"
part="$(mktemp -d "$to.part.XXXXXX")"
stopped=()
finish() {
  local code=$?
  rm -rf -- "$part"
  if [[ ${#stopped[@]} -gt 0 ]]; then
    say "Starting ${stopped[*]}"
    compose start "${stopped[@]}" > /dev/null 2>&1 || compose up -d "${stopped[@]}" > /dev/null
  fi
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Callers first, so that nothing is asked of what is gone.
for service in orchestrator restate compliance storage; do
  if running | grep -x "$service" > /dev/null; then
    say "Stopping $service"
    compose stop --timeout 60 "$service" > /dev/null 2>&1
    stopped=("$service" "${stopped[@]}")
  fi
done
for name in storage compliance restate; do
  say "Copying $name"
  pack "$name-data" --exclude=./keyring.json > "$part/$name.tar"
done
(cd "$part" && sha256sum -- *.tar > SHA256SUMS)
if [[ -n "$keys" ]]; then
  say 'Copying the keys'
  mkdir -p -- "$keys"
  [[ ! -e "$keys/keys.tar" ]] || die "$keys/keys.tar is there already: keys are never replaced"
  pack_keys > "$keys/keys.tar.part"
  mv -- "$keys/keys.tar.part" "$keys/keys.tar"
fi
sync "$part"/*
mv -- "$part" "$to"
if [[ -n "$s3" ]]; then
  for file in "$to"/*.tar "$to/SHA256SUMS"; do
    say "Sending ${file##*/}"
    s3_put "$file" "${s3%/}/${file##*/}" "$s3_keys"
  done
fi
say "Done: $to${keys:+, and $keys/keys.tar}"

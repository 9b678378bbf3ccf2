#!/usr/bin/env bash
# Puts a backup of backup.sh into place of the state of a platform in docker-compose. The platform has to be down; start it
# afterwards with `docker-compose up -d`.
#
#   restore.sh --from DIR [--keys DIR] [--s3 URL --s3-keys FILE] [--replace] [--project NAME] [--compose DIR]
#
#   --from DIR      the backup's folder; with --s3 it is made, and what the store has is fetched into it first
#   --keys DIR      the folder of keys.tar; without it the keys that are there are kept (Vault's, say)
#   --s3 URL        as with backup.sh, with --s3-keys FILE
#   --replace       forget the state that is there; without it that is refused
#   --project NAME  compose's project (COMPOSE_PROJECT_NAME, or `compose`)
#   --compose DIR   the folder of docker-compose.yml (docker/compose)
#
# Every file is compared with SHA256SUMS before anything is touched.

set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/../lib/common.sh"
source "$here/../lib/s3.sh"

PROJECT="${COMPOSE_PROJECT_NAME:-compose}" COMPOSE_FOLDER="$here/../../docker/compose"
from='' keys='' s3='' s3_keys='' replace=''
while [[ $# -gt 0 ]]; do
  case "$1" in
    --help | -h) help ;;
    --from) from="${2:?--from needs a folder}" && shift 2 ;;
    --keys) keys="${2:?--keys needs a folder}" && shift 2 ;;
    --s3) s3="${2:?--s3 needs an address}" && shift 2 ;;
    --s3-keys) s3_keys="${2:?--s3-keys needs a file}" && shift 2 ;;
    --replace) replace=yes && shift ;;
    --project) PROJECT="${2:?--project needs a name}" && shift 2 ;;
    --compose) COMPOSE_FOLDER="${2:?--compose needs a folder}" && shift 2 ;;
    *) misused "unknown argument $1" ;;
  esac
done
[[ -n "$from" ]] || misused 'from where? --from DIR'
[[ -z "$s3" || -n "$s3_keys" ]] || misused '--s3 needs --s3-keys FILE'
need docker sha256sum
umask 077

fetch() {
  [[ ! -e "$from" ]] || die "$from is there already; what is fetched would mix with it"
  mkdir -p -- "$from"
  local name
  for name in SHA256SUMS storage.tar compliance.tar restate.tar; do
    say "Fetching $name"
    s3_get "${s3%/}/$name" "$from/$name" "$s3_keys"
  done
}

# As compose names and labels it; one that is there stays.
make_volume() { # VOLUME
  docker volume create --label "com.docker.compose.project=$PROJECT" --label "com.docker.compose.volume=$1" \
    "$(volume "$1")" > /dev/null
}

# Whether a volume holds anything.
is_used() {
  has_volume "$1" && [[ -n "$(with_volume "$1" ro --cap-add DAC_READ_SEARCH -- find /volume -mindepth 1 -print -quit)" ]]
}

# Empties a volume and fills it from standard input.
unpack() { # VOLUME
  with_volume "$1" rw --cap-add CHOWN --cap-add FOWNER --cap-add DAC_OVERRIDE -- bash -c \
    'find /volume -mindepth 1 -delete && exec tar --extract --numeric-owner --same-owner --preserve-permissions --directory=/volume'
}

# Fills a volume with what keys.tar has of it, without touching the rest.
unpack_keys() { # VOLUME
  with_volume "$1" rw --cap-add CHOWN --cap-add FOWNER --cap-add DAC_OVERRIDE -- \
    tar --extract --numeric-owner --same-owner --preserve-permissions --strip-components=1 --directory=/volume "$1" \
    < "$keys/keys.tar"
}

if [[ -n "$s3" ]]; then fetch; fi
for name in storage.tar compliance.tar restate.tar SHA256SUMS; do
  [[ -f "$from/$name" ]] || die "$from holds no $name: it is no backup of ours"
done
(cd -- "$from" && sha256sum --quiet --strict --check SHA256SUMS) || die "$from is damaged: nothing was changed"
[[ -z "$keys" || -f "$keys/keys.tar" ]] || die "$keys holds no keys.tar"
[[ -z "$(running)" ]] || die "$PROJECT runs: \`docker-compose down\` first"
if [[ -z "$replace" ]]; then
  for name in storage-data compliance-data restate-data; do
    if is_used "$name"; then die "$(volume "$name") holds something: --replace forgets it"; fi
  done
fi
for name in storage-data compliance-data restate-data authority; do
  make_volume "$name"
done
for name in storage compliance restate; do
  say "Restoring $name"
  if [[ -z "$keys" ]]; then
    kept="$(mktemp)"
    # An empty archive where there is no such file: the keys are Vault's.
    with_volume "$name-data" ro --cap-add DAC_READ_SEARCH -- bash -c \
      'cd /volume && if [[ -e keyring.json ]]; then tar --create --numeric-owner ./keyring.json; fi' > "$kept"
  fi
  unpack "$name-data" < "$from/$name.tar"
  if [[ -z "$keys" && -s "$kept" ]]; then
    with_volume "$name-data" rw --cap-add CHOWN --cap-add FOWNER --cap-add DAC_OVERRIDE -- \
      tar --extract --numeric-owner --same-owner --preserve-permissions --directory=/volume < "$kept"
  fi
  [[ -n "$keys" ]] || rm -f -- "$kept"
done
if [[ -n "$keys" ]]; then
  say 'Restoring the keys'
  for name in authority storage-data compliance-data; do
    # Where Vault has the root keys, there is no file of them.
    if tar --list --file "$keys/keys.tar" | grep "^$name/" > /dev/null; then unpack_keys "$name"; fi
  done
fi
say "Done; \`docker-compose up -d\` starts it"

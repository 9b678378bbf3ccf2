#!/usr/bin/env bash
# Makes certificates or keys of a platform in docker-compose anew, and starts again whoever holds an old one. Calls between
# services are held and repeated meanwhile; a client of an edge listener sees it away for some seconds.
#
#   rotate.sh certificates [--project NAME] [--compose DIR]    of each service and of the edge; the authority stays
#   rotate.sh keys [--project NAME] [--compose DIR]            of clients (edge and S3), of the privacy officer, of Redis,
#                                                              of Restate's calls
#
# Root keys need no rotating by hand: they turn with the epoch, every day. With `keys` every client has to be given the new
# ones; docker/README.md says how to get them out of the volume `client-secrets`. On Kubernetes: certificates are cert-manager's
# or the mesh's, keys are Vault's, and `cargo xtask deploy dev` makes the Secrets that are missing.

set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/../lib/common.sh"

PROJECT="${COMPOSE_PROJECT_NAME:-compose}" COMPOSE_FOLDER="$here/../../docker/compose"
what=''
while [[ $# -gt 0 ]]; do
  case "$1" in
    --help | -h) help ;;
    certificates | keys) what="$1" && shift ;;
    --project) PROJECT="${2:?--project needs a name}" && shift 2 ;;
    --compose) COMPOSE_FOLDER="${2:?--compose needs a folder}" && shift 2 ;;
    *) misused "unknown argument $1" ;;
  esac
done
[[ -n "$what" ]] || misused 'what? certificates or keys'
need docker

has_volume authority || die "there is no volume $(volume authority): is $PROJECT the project? --project says which"
say "Making new $what"
quietly compose run --rm --no-deps bootstrap --out=/bootstrap --group=65532 --renew="$what"
# Not Vault, which in dev mode forgets when it stops, and nobody who holds nothing of ours.
mapfile -t holders < <(running | grep -xE 'storage|compliance|guardrails|inference|redis|restate|orchestrator' || true)
[[ ${#holders[@]} -gt 0 ]] || { say 'Nothing runs: the next start takes them'; exit 0; }
say "Starting again: ${holders[*]}"
quietly compose stop --timeout 60 "${holders[@]}"
start_again "${holders[@]}"
say 'Done'

#!/usr/bin/env bash
# Makes a model store: a folder of checkpoints that inference reads (compose: MAILY_MODELS; Kubernetes: what the volume of
# models is filled from). A checkpoint is copied in whole or not at all, and its SHA-256 is kept in SHA256SUMS.
#
#   model-store.sh --store DIR --add FILE [--sha256 HEX]    copy a checkpoint in; HEX is what its publisher says
#   model-store.sh --store DIR --verify                     compare every checkpoint with SHA256SUMS
#
# Adding the same file again changes nothing; another file under the same name is refused. The model that the samples
# use is fetched by `cargo xtask up` and `cargo xtask images`; others come from their publisher.

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"

store='' add='' wanted='' verify=''
while [[ $# -gt 0 ]]; do
  case "$1" in
    --help | -h) help ;;
    --store) store="${2:?--store needs a folder}" && shift 2 ;;
    --add) add="${2:?--add needs a file}" && shift 2 ;;
    --sha256) wanted="${2:?--sha256 needs a digest}" && shift 2 ;;
    --verify) verify=yes && shift ;;
    *) misused "unknown argument $1" ;;
  esac
done
[[ -n "$store" ]] || misused 'which store? --store DIR'
[[ -n "$add" || -n "$verify" ]] || misused 'what? --add FILE or --verify'
need sha256sum flock

digest() { sha256sum -- "$1" | cut -d' ' -f1; }

add() {
  local name found
  [[ -f "$add" ]] || die "$add is not a file"
  name="$(basename -- "$add")"
  found="$(digest "$add")"
  [[ -z "$wanted" || "$found" == "${wanted,,}" ]] || die "$add has the SHA-256 $found, expected $wanted: not taken"
  if [[ -e "$store/$name" ]]; then
    [[ "$(digest "$store/$name")" == "$found" ]] || die "$store/$name is there already and is another one"
  else
    cp -- "$add" "$store/.$name.part"
    # What was copied, not what was meant to be.
    [[ "$(digest "$store/.$name.part")" == "$found" ]] || die "the copy of $add is not the same: is the disk full?"
    chmod 644 "$store/.$name.part"
    sync "$store/.$name.part"
    mv -- "$store/.$name.part" "$store/$name"
  fi
  grep -qxF "$found  $name" "$store/SHA256SUMS" || printf '%s  %s\n' "$found" "$name" >> "$store/SHA256SUMS"
  say "$store/$name ($found)"
}

# Others read it; only the operator writes it.
umask 022
mkdir -p -- "$store"
touch -- "$store/SHA256SUMS"
exec 9< "$store/SHA256SUMS"
flock --timeout 600 9 || die "another $PROGRAM is at work on $store"
rm -f -- "$store"/.*.part
if [[ -n "$add" ]]; then add; fi
if [[ -n "$verify" ]]; then (cd -- "$store" && sha256sum --strict --check SHA256SUMS); fi

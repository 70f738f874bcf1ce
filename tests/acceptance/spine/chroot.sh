#!/usr/bin/env bash
# Line 10: the README's two commands in a bare Debian 12, which debootstrap makes, from a clone of
# the last commit. Run by ./dev accept spine --chroot, or by hand as root:
#   tests/acceptance/spine/chroot.sh [--demo-only]
# The bare system is kept in $TENWATT_CHROOT (default /var/tmp/tenwatt-chroot) and copied for every
# run. Leaves with 0 (passed), 1 (failed) or 77 (it can't be made here).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

FIRST_LIMIT=900 # seconds of ./dev demo: packages, build, models, answer
SECOND_LIMIT=15 # seconds of ./dev demo once more
place=${TENWATT_CHROOT:-/var/tmp/tenwatt-chroot}
bare=$place/bare
root=$place/run
certificates=/usr/local/share/ca-certificates

say() { printf '== %s\n' "$*" >&2; }
not_run() {
  say "not run: $1"
  exit 77
}

# The Debian mirror that this machine uses.
mirror() {
  local uri
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Created-By: Packages' 2>/dev/null | head -n 1)
  echo "${TENWATT_MIRROR:-${uri:-http://deb.debian.org/debian}}"
}

# A machine behind a network with certificates of its own passes them on; no other one needs any.
has_certificates() { compgen -G "$certificates/*.crt" >/dev/null; }

make_bare() {
  [ -f "$bare/.complete" ] && return
  say "making a bare Debian 12 in $bare from $(mirror)"
  rm -rf "$bare"
  mkdir -p "$place"
  local options=(--variant=minbase)
  if has_certificates; then options+=(--include=ca-certificates); fi
  debootstrap "${options[@]}" bookworm "$bare" "$(mirror)" >&2
  if has_certificates; then
    cp "$certificates"/*.crt "$bare$certificates/"
    chroot "$bare" update-ca-certificates >&2
  fi
  apt-config dump | grep -E '^Acquire::https?::Proxy ' >"$bare/etc/apt/apt.conf.d/90proxy" || true
  touch "$bare/.complete"
}

make_root() {
  rm -rf --one-file-system "$root"
  cp -a --reflink=auto "$bare" "$root"
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  git clone -q . "$root/root/tenwatt"
  mount -t proc proc "$root/proc"
}

leave() { if mountpoint -q "$root/proc"; then umount -l "$root/proc"; fi; }

# inside COMMAND...: in the clone, with nothing of this machine but how it reaches the network.
inside() {
  local keep=() name
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_INDEX_URL PIP_CERT \
    PIP_DEFAULT_TIMEOUT; do
    if [ -n "${!name:-}" ]; then keep+=("$name=${!name}"); fi
  done
  chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM=dumb "${keep[@]}" \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    bash -c 'cd /root/tenwatt && exec "$@"' inside "$@"
}

# timed NAME LIMIT COMMAND...: prints how long it took; fails if it failed or took longer.
timed() {
  local name=$1 limit=$2 begin=$SECONDS status=0 spent
  shift 2
  inside "$@" || status=$?
  spent=$((SECONDS - begin))
  printf '%s: exit %d in %d s (limit %d s)\n' "$name" "$status" "$spent" "$limit"
  [ "$status" -eq 0 ] && [ "$spent" -le "$limit" ]
}

tests=yes
case ${1:-} in
  "") ;;
  --demo-only) tests="" ;;
  *) not_run "chroot.sh knows --demo-only, not '$1'" ;;
esac
[ "$(id -u)" = 0 ] || not_run "a root file system wants root"
command -v debootstrap >/dev/null || not_run "there is no debootstrap"
[ -z "$(git status --porcelain 2>/dev/null)" ] || say "uncommitted changes are not part of the clone"
trap leave EXIT
leave
make_bare
make_root
failed=0
timed "first ./dev demo" "$FIRST_LIMIT" ./dev demo || failed=1
if [ "$failed" -eq 0 ]; then
  timed "second ./dev demo" "$SECOND_LIMIT" ./dev demo || failed=1
fi
if [ ! -s "$root/root/tenwatt/answer.wav" ]; then
  echo "there is no answer.wav"
  failed=1
fi
if [ -n "$tests" ] && [ "$failed" -eq 0 ]; then
  timed "./dev test" 7200 ./dev test || failed=1
fi
exit "$failed"

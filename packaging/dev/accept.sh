# ./dev accept NAME: runs tests/acceptance/NAME/[0-9]*, one line of the acceptance each. A script
# exits 0 (passed), 77 (not run: what it needs is not there) or anything else (failed).

verb_accept() {
  local name="" in_chroot="" script status begin line
  while [ $# -gt 0 ]; do
    case $1 in
      --chroot) in_chroot=yes ;;
      --shared)
        [ $# -gt 1 ] || die "--shared wants a folder"
        TENWATT_SHARED=$(cd "$2" && pwd) || die "no folder $2"
        shift
        ;;
      -*) die "accept knows --chroot and --shared DIR, not '$1'" ;;
      *) name=$1 ;;
    esac
    shift
  done
  [ -d "tests/acceptance/$name" ] && [ -n "$name" ] ||
    die "no acceptance '$name'" "one of: $(ls tests/acceptance | tr '\n' ' ')"
  if [ -n "$in_chroot" ]; then
    accept_in_chroot "$name"
    return
  fi
  TENWATT_SHARED=${TENWATT_SHARED:-$(cd ../shared 2>/dev/null && pwd || echo /nonexistent)}
  [ -d "$TENWATT_SHARED/data" ] ||
    say "no recordings in $TENWATT_SHARED/data: the lines that need them count as not run"
  export TENWATT_SHARED
  verb_setup --test
  stage_check "build" build_preset release -- all
  pull_test_models
  reference_python
  export TENWATT=$PWD/build/release/tenwatt
  local not_run=0 report=()
  for script in "tests/acceptance/$name"/[0-9]*; do
    [ -f "$script" ] && [ -x "$script" ] || continue
    say "$script"
    begin=$SECONDS
    status=0
    case $script in
      *.py) "$TENWATT_REFERENCE_PYTHON" "$script" || status=$? ;;
      *) "$script" || status=$? ;;
    esac
    case $status in
      0) passed=$((passed + 1)) line=passed ;;
      77) not_run=$((not_run + 1)) line="not run" ;;
      *) failed=$((failed + 1)) line="FAILED" ;;
    esac
    report+=("$(printf '%-9s %4d s  %s' "$line" $((SECONDS - begin)) "$(basename "$script")")")
  done
  [ ${#report[@]} -gt 0 ] && printf '%s\n' "${report[@]}"
  printf '%d passed, %d failed, %d not run\n' "$passed" "$failed" "$not_run"
  [ "$failed" -eq 0 ]
}

# The README's two commands in a bare Debian 12 made by debootstrap, from a clone of the last commit.
accept_in_chroot() {
  [ "$(id -u)" = 0 ] || die "--chroot makes a root file system" "run it as root"
  [ -z "$(git status --porcelain)" ] || say "uncommitted changes are not part of the clone"
  install_packages debootstrap
  local root=${TENWATT_CHROOT:-/var/tmp/tenwatt-chroot}
  local mirror=${TENWATT_MIRROR:-http://deb.debian.org/debian}
  if [ ! -f "$root/.complete" ]; then
    say "making a bare Debian 12 in $root"
    rm -rf "$root"
    debootstrap --variant=minbase bookworm "$root" "$mirror" >&2
    touch "$root/.complete"
  fi
  rm -rf "$root/root/tenwatt"
  git clone -q . "$root/root/tenwatt"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  # A machine whose network has its own certificates passes them on.
  mkdir -p "$root/usr/local/share/ca-certificates"
  cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
  local status=0
  chroot_mount "$root"
  chroot_commands "$root" || status=$?
  chroot_unmount "$root"
  count "chroot" $((status == 0)) $((status != 0)) "$SECONDS"
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ]
}

chroot_mount() {
  mountpoint -q "$1/proc" || mount -t proc proc "$1/proc"
  [ -e "$1/dev/null" ] || mknod -m 666 "$1/dev/null" c 1 3
}

chroot_unmount() { if mountpoint -q "$1/proc"; then umount "$1/proc"; fi; }

chroot_commands() {
  local inside=(chroot "$1" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    LANG=C.UTF-8 TERM=dumb)
  local name
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_INDEX_URL PIP_CERT \
    PIP_DEFAULT_TIMEOUT; do
    [ -n "${!name:-}" ] && inside+=("$name=${!name}")
  done
  local begin=$SECONDS
  "${inside[@]}" bash -ec 'cd /root/tenwatt && ./dev demo' || return 1
  local first=$((SECONDS - begin))
  begin=$SECONDS
  "${inside[@]}" bash -ec 'cd /root/tenwatt && ./dev demo' || return 1
  local second=$((SECONDS - begin))
  say "first ./dev demo $first s (limit 900), second $second s (limit 15)"
  [ -s "$1/root/tenwatt/answer.wav" ] || return 1
  [ "$first" -le 900 ] && [ "$second" -le 15 ] || return 1
  if [ -z "${TENWATT_CHROOT_DEMO_ONLY:-}" ]; then
    "${inside[@]}" bash -ec 'cd /root/tenwatt && ./dev test' || return 1
  fi
}

# ./dev accept NAME: runs tests/acceptance/NAME/[0-9]*, one line of the acceptance each. A script
# exits 0 (passed), 77 (not run: what it needs is not there) or anything else (failed).

verb_accept() {
  local name="" in_chroot="" script
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
    script=tests/acceptance/$name/chroot.sh
    [ -x "$script" ] || die "the acceptance '$name' has no chroot.sh"
    if [ "$(id -u)" = 0 ]; then install_packages debootstrap; fi
    accept_script "$script"
    accept_summary
    return
  fi
  TENWATT_SHARED=${TENWATT_SHARED:-$(cd ../shared 2>/dev/null && pwd || echo /nonexistent)}
  [ -d "$TENWATT_SHARED/data" ] ||
    say "no recordings in $TENWATT_SHARED/data: the lines that need them count as not run"
  export TENWATT_SHARED
  verb_setup --test
  stage_check "build" build_preset release -- all
  [ "$failed" -eq 0 ] || die "the build failed, so nothing is shown"
  pull_test_models
  reference_python
  export TENWATT=$PWD/build/release/tenwatt
  export PYTHONPATH=$PWD/tests/acceptance${PYTHONPATH:+:$PYTHONPATH}
  for script in "tests/acceptance/$name"/[0-9]*; do
    if [ -f "$script" ] && [ -x "$script" ]; then accept_script "$script"; fi
  done
  accept_summary
}

not_run=0
report=()

# Runs one script and remembers how it ended.
accept_script() {
  local script=$1 begin=$SECONDS status=0 line
  say "$script"
  "$script" || status=$?
  case $status in
    0) passed=$((passed + 1)) line=passed ;;
    77) not_run=$((not_run + 1)) line="not run" ;;
    *) failed=$((failed + 1)) line="FAILED" ;;
  esac
  report+=("$(printf '%-9s %4d s  %s' "$line" $((SECONDS - begin)) "$(basename "$script")")")
}

# The table of all lines; fails where one did, and where none ran.
accept_summary() {
  if [ ${#report[@]} -gt 0 ]; then printf '%s\n' "${report[@]}"; fi
  printf '%d passed, %d failed, %d not run\n' "$passed" "$failed" "$not_run"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

# ./dev lint: what a reviewer should not have to look for.

lint_sources() { # all | changed: the C++ files, tracked or new
  local base
  if [ "${1:-all}" = changed ]; then
    base=$(lint_base)
    { git diff --name-only --diff-filter=d "$base" 2>/dev/null; git ls-files -o --exclude-standard; } |
      sort -u | grep -E '\.(cc|h)$' || true
  else
    git ls-files -co --exclude-standard | sort -u | grep -E '\.(cc|h)$' || true
  fi
}

# What "changed" is measured from: where this branch left the main one, or the last commit there.
lint_base() {
  local candidate
  for candidate in "${TENWATT_LINT_BASE:-}" origin/main origin/HEAD; do
    [ -n "$candidate" ] && git rev-parse -q --verify "$candidate^{commit}" >/dev/null || continue
    [ "$(git rev-parse "$candidate")" = "$(git rev-parse HEAD)" ] && continue
    git merge-base "$candidate" HEAD && return
  done
  git rev-parse -q --verify HEAD~1 || git hash-object -t tree /dev/null
}

existing() {
  local file
  while read -r file; do [ -f "$file" ] && printf '%s\n' "$file"; done
  return 0
}

lint_format() {
  lint_sources all | existing | xargs -r clang-format-19 --dry-run --Werror
}

# The same rule as the include folders of CMake, checked from the text, so that it also covers
# files that this machine does not build.
lint_rooms() {
  "$(system_python)" packaging/dev/check_rooms.py
}

system_python() { if [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else echo python3; fi; }

# Objects of one instruction level must export nothing that the linker could pick for another.
lint_symbols() {
  local object count bad=0
  while read -r object; do
    [ -f "$object" ] || continue
    count=$(nm -C "$object" | grep -cE ' [WVu] ' || true)
    if [ "$count" -ne 0 ]; then
      printf 'error: %s exports %d weak symbols:\n' "$object" "$count" >&2
      nm -C "$object" | grep -E ' [WVu] ' | head -5 >&2
      bad=1
    fi
  done <build/release/kernel_objects.txt
  return $bad
}

lint_tidy() { # all | changed
  local files
  [ -f build/release/compile_commands.json ] || build_preset release -- programs
  mapfile -t files < <(lint_sources "$1" | grep -E '^src/.*\.cc$' | grep -v '\.level\.cc$' | existing)
  # A change that touches much is checked in part: a file takes about ten seconds.
  local limit=${TENWATT_TIDY_LIMIT:-24}
  if [ "$1" = changed ] && [ ${#files[@]} -gt "$limit" ]; then
    say "clang-tidy: the first $limit of ${#files[@]} changed files (./dev lint checks all)"
    files=("${files[@]:0:$limit}")
  fi
  [ ${#files[@]} -eq 0 ] && return 0
  printf '%s\n' "${files[@]}" |
    xargs -P "$(cores)" -n 1 clang-tidy-19 --quiet -p build/release \
      --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-error \
      --extra-arg=-Wno-deprecated-declarations 2> >(grep -vE 'warnings? (generated|treated)|^Suppressed|^Use -' >&2 || true)
}

verb_lint() {
  local scope=all
  case ${1:-} in
    "") ;;
    --changed) scope=changed ;;
    *) die "lint knows --changed, not '$1'" ;;
  esac
  verb_setup --lint
  lint_format
  lint_rooms
  build_preset release -- programs
  if [ -f build/release/kernel_objects.txt ]; then lint_symbols; fi
  lint_tidy "$scope"
  say "lint: clean"
}

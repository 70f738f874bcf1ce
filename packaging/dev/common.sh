# Functions shared by the verbs of ./dev. Sourced, not run.

say() { printf '== %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$1" >&2
  [ $# -gt 1 ] && printf '  try: %s\n' "$2" >&2
  exit 1
}

cores() { nproc; }

# Where the models of `tenwatt pull` lie.
models_folder() {
  if [ -n "${TENWATT_HOME:-}" ]; then
    echo "$TENWATT_HOME/models"
  else
    echo "${XDG_DATA_HOME:-$HOME/.local/share}/tenwatt/models"
  fi
}

# Configures and builds a preset: build_preset PRESET [cmake option...] -- [target...]
build_preset() {
  local preset=$1
  shift
  local options=()
  while [ $# -gt 0 ] && [ "$1" != "--" ]; do
    options+=("$1")
    shift
  done
  [ $# -gt 0 ] && shift
  local folder=build/$preset stamp
  stamp="$preset ${options[*]-}"
  # ninja configures again by itself when a list changes; only other options need cmake here.
  if [ ! -f "$folder/build.ninja" ] || [ "$(cat "$folder/.options" 2>/dev/null)" != "$stamp" ]; then
    cmake --preset "$preset" "${options[@]}" >"/tmp/tenwatt-cmake.$$" 2>&1 || {
      cat "/tmp/tenwatt-cmake.$$" >&2
      rm -f "/tmp/tenwatt-cmake.$$"
      return 1
    }
    rm -f "/tmp/tenwatt-cmake.$$"
    echo "$stamp" >"$folder/.options"
  fi
  ninja -C "$folder" -j "$(cores)" "$@" >&2
}

verb_build() {
  local preset=${1:-release} targets=(programs) purposes=()
  if [ "$preset" = arm-program ]; then
    # Its kernels are tested under the same emulators as the program.
    targets+=(test_devices_cpu)
    purposes=(--test --cross --cross-program)
  fi
  verb_setup "${purposes[@]}"
  say "building $preset"
  build_preset "$preset" -- "${targets[@]}"
  if [ -x "build/$preset/tenwatt" ]; then say "the program is build/$preset/tenwatt"; fi
}

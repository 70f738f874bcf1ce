# ./dev setup: packages from the lists in packaging/. Quick when nothing is missing.

list_packages() { sed 's/#.*//; /^[[:space:]]*$/d' "packaging/apt-$1.txt"; }

# The packages among the arguments that are not installed. One query for all of them; a name without
# an architecture means this machine's, which may be one of two that are installed.
missing_packages() {
  local own name installed
  own=$(dpkg --print-architecture)
  installed=$(dpkg-query -W -f='${Package}:${Architecture} ${db:Status-Status}\n' 2>/dev/null |
    sed -n 's/ installed$//p' | sed "s/:all$/:$own/")
  for name in "$@"; do
    case $name in *:*) ;; *) name=$name:$own ;; esac
    grep -qxF "$name" <<<"$installed" || echo "${name%":$own"}"
  done
}

run_as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "not root, and there is no sudo" "as root: $*"
  fi
}

apt_get() {
  run_as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" >&2
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -eq 0 ] && return 0
  command -v apt-get >/dev/null ||
    die "these packages are missing: ${missing[*]}" "install them with this system's package tool"
  say "installing ${missing[*]}"
  # Mirrors drop connections: one more try before giving up.
  apt_get update || apt_get update || true
  apt_get install -y --no-install-recommends "${missing[@]}" ||
    apt_get install -y --no-install-recommends "${missing[@]}" ||
    die "apt could not install: ${missing[*]}"
}

verb_setup() {
  local purposes=(build) purpose
  for purpose in "$@"; do
    case $purpose in
      --test | --lint | --cross | --cross-program) purposes+=("${purpose#--}") ;;
      *) die "setup knows --test, --lint, --cross and --cross-program, not '$purpose'" ;;
    esac
  done
  local packages=() list
  for purpose in "${purposes[@]}"; do
    if [ "$purpose" = cross ] && [ "$(dpkg --print-architecture)" != arm64 ] &&
      ! dpkg --print-foreign-architectures | grep -qx arm64; then
      run_as_root dpkg --add-architecture arm64
    fi
    mapfile -t list < <(list_packages "$purpose")
    packages+=("${list[@]}")
  done
  install_packages "${packages[@]}"
}

# A virtual environment with the reference programs; sets TENWATT_REFERENCE_PYTHON.
reference_python() {
  if [ -n "${TENWATT_REFERENCE_PYTHON:-}" ]; then return 0; fi
  local wanted
  wanted=$(sha256sum packaging/requirements-reference.txt)
  if [ "$(cat .venv/.tenwatt 2>/dev/null)" != "$wanted" ]; then
    install_packages python3-venv
    say "installing the reference programs into .venv"
    # Debian's Python first: another one in PATH may lack the venv module.
    { [ -x /usr/bin/python3 ] && /usr/bin/python3 -m venv --clear .venv; } || python3 -m venv --clear .venv
    .venv/bin/python -m pip install -q --only-binary=:all: -r packaging/requirements-reference.txt >&2
    echo "$wanted" >.venv/.tenwatt
  fi
  export TENWATT_REFERENCE_PYTHON=$PWD/.venv/bin/python
}

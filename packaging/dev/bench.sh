# ./dev bench: this machine's speed, alone or against the peers (bench/peers.py).

# A virtual environment with the peers, llama.cpp built for this very processor.
peers_python() {
  local wanted
  wanted=$(cat packaging/requirements-reference.txt packaging/requirements-peers.txt | sha256sum)
  if [ "$(cat .venv-peers/.tenwatt 2>/dev/null)" != "$wanted" ]; then
    install_packages python3-venv python3-torch
    say "installing the peers into .venv-peers; llama.cpp is compiled, which takes minutes"
    /usr/bin/python3 -m venv --clear .venv-peers
    .venv-peers/bin/python -m pip install -q --only-binary=:all: -r packaging/requirements-reference.txt >&2
    CMAKE_ARGS="-DGGML_NATIVE=ON" .venv-peers/bin/python -m pip install -q \
      --no-binary llama-cpp-python -r packaging/requirements-peers.txt >&2
    echo "$wanted" >.venv-peers/.tenwatt
  fi
}

verb_bench() {
  verb_build release
  if [ "${1:-}" = --peers ]; then
    shift
    pull_test_models
    peers_python
    .venv-peers/bin/python bench/peers.py "$@"
    return
  fi
  build/release/tenwatt pull
  build/release/tenwatt bench "$@"
}

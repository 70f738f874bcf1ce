# ./dev test: the stages of CI, each with its count; ends with 'N passed, N failed'.

passed=0
failed=0

count() { # count STAGE PASSED FAILED SECONDS
  passed=$((passed + $2))
  failed=$((failed + $3))
  say "$1: $2 passed, $3 failed ($4 s)"
}

# A stage that is one check.
stage_check() { # stage_check NAME command...
  local name=$1 begin=$SECONDS
  shift
  say "$name"
  # In a subshell, so that `die` ends the stage and not the run; -e must hold inside.
  local status=0
  set +e
  (
    set -e
    "$@"
  )
  status=$?
  set -e
  count "$name" $((status == 0)) $((status != 0)) $((SECONDS - begin))
}

# A stage that is a run of ctest; its own summary is what counts.
stage_ctest() { # stage_ctest NAME FOLDER ctest-option...
  local name=$1 folder=$2 begin=$SECONDS summary total bad log
  shift 2
  log=$folder/ctest.log
  ctest --test-dir "$folder" --output-on-failure --no-tests=error -j "$(cores)" "$@" 2>&1 |
    tee "$log" >&2 || true
  summary=$(grep -E 'tests passed, [0-9]+ tests failed out of [0-9]+' "$log" || true)
  if [ -z "$summary" ]; then
    count "$name" 0 1 $((SECONDS - begin))
    return
  fi
  bad=$(sed -E 's/.* ([0-9]+) tests failed out of ([0-9]+).*/\1/' <<<"$summary")
  total=$(sed -E 's/.* ([0-9]+) tests failed out of ([0-9]+).*/\2/' <<<"$summary")
  count "$name" $((total - bad)) "$bad" $((SECONDS - begin))
}

# Builds, then runs ctest; a build that fails is one failed check.
stage_build_and_ctest() { # NAME PRESET [cmake option...] -- ctest-option...
  local name=$1 preset=$2 before=$failed options=()
  shift 2
  while [ "$1" != "--" ]; do
    options+=("$1")
    shift
  done
  shift
  stage_check "$name build" build_preset "$preset" "${options[@]}" -- all
  if [ "$failed" -gt "$before" ]; then return; fi
  stage_ctest "$name" "build/$preset" "$@"
}

pull_test_models() {
  if [ -n "${TENWATT_TEST_MODELS:-}" ]; then return 0; fi
  build/release/tenwatt pull smollm2-135m qwen2.5-coder-0.5b gemma3-270m whisper-tiny.en \
    whisper-base en_US-joe-medium silero-vad ||
    say "models could not be pulled: tests that need them will say so and be skipped"
  TENWATT_TEST_MODELS=$(models_folder)
  export TENWATT_TEST_MODELS
}

release_tests() { # [ctest-option...]
  local before=$failed
  stage_check "release build" build_preset release -- all
  if [ "$failed" -gt "$before" ]; then return; fi
  pull_test_models
  stage_ctest "release" build/release "$@"
}

python_tests() {
  compgen -G "tests/reference/test_*.py" >/dev/null || return 0
  reference_python
  local script
  for script in tests/reference/test_*.py; do
    stage_check "$script" "$TENWATT_REFERENCE_PYTHON" "$script"
  done
}

sanitizer_tests() {
  stage_build_and_ctest "sanitizers" asan "-DTENWATT_ROOMS=base;numbers;files;text;store" --
}

arm_tests() {
  (verb_setup --test --cross) || {
    count "arm packages" 0 1 0
    return
  }
  # Whole models are too slow under the emulator; their tests skip.
  TENWATT_TEST_MODELS=/nonexistent stage_build_and_ctest "arm" arm --
  # What the emulated processor of the other tests lacks.
  stage_check "arm with i8mm" qemu-aarch64-static -cpu max build/arm/test_devices_cpu \
    --gtest_brief=1 --gtest_filter='*/i8mm'
}

# The baseline of x86 on a processor that has nothing more.
nehalem_tests() {
  (verb_setup --test --cross) || {
    count "emulator packages" 0 1 0
    return
  }
  local before=$failed test
  stage_check "release build" build_preset release -- test_base test_numbers test_devices_cpu
  if [ "$failed" -gt "$before" ]; then return; fi
  for test in test_base test_numbers test_devices_cpu; do
    TENWATT_TEST_MODELS=/nonexistent stage_check "$test on Nehalem" \
      qemu-x86_64-static -cpu Nehalem "build/release/$test" --gtest_brief=1
  done
}

lint_tests() {
  verb_setup --lint
  stage_check "format" lint_format
  stage_check "rooms" lint_rooms
  if [ -f build/release/kernel_objects.txt ]; then stage_check "kernel symbols" lint_symbols; fi
  stage_check "clang-tidy of changed files" lint_tidy changed
}

verb_test() {
  local label=${1:-all}
  export CTEST_OUTPUT_ON_FAILURE=1
  # Test recordings, where the checkout has them beside it.
  if [ -z "${TENWATT_SHARED:-}" ] && [ -d ../shared/data ]; then
    TENWATT_SHARED=$(cd ../shared && pwd)
    export TENWATT_SHARED
  fi
  verb_setup --test
  case $label in
    all)
      release_tests
      python_tests
      sanitizer_tests
      nehalem_tests
      arm_tests
      lint_tests
      ;;
    asan) sanitizer_tests ;;
    arm) arm_tests ;;
    nehalem) nehalem_tests ;;
    python) python_tests ;;
    lint) lint_tests ;;
    *) release_tests -L "^$label\$" ;;
  esac
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ]
}

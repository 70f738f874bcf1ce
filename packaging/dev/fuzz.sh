# ./dev fuzz: libFuzzer on every parser (tests/fuzz), from the kept corpus and the parser's example.

# Runs one fuzzer; findings stay in build/fuzz/findings.
run_fuzzer() { # run_fuzzer NAME SECONDS
  local name=$1 work=build/fuzz/corpus/$1 log=build/fuzz/logs/$1.log
  mkdir -p "$work" build/fuzz/findings build/fuzz/logs "tests/fuzz/corpus/$name"
  nice -n 19 "build/fuzz/tests/fuzz/fuzz_$name" -max_total_time="$2" -max_len=65536 -timeout=5 \
    -rss_limit_mb=2048 -malloc_limit_mb=80 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/findings/$name-" \
    "$work" "tests/fuzz/corpus/$name" "build/fuzz/examples/$name" >"$log" 2>&1 || {
    tail -40 "$log" >&2
    return 1
  }
  say "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions in $2 s"
}

# The smallest set of short files that reaches all code that was reached becomes the kept corpus.
keep_corpus() { # keep_corpus NAME
  local kept=tests/fuzz/corpus/$1 work=build/fuzz/corpus/$1
  rm -rf "$kept.new"
  mkdir -p "$kept.new"
  "build/fuzz/tests/fuzz/fuzz_$1" -set_cover_merge=1 -use_counters=0 -max_len=2048 "$kept.new" "$kept" "$work" \
    >/dev/null 2>&1
  rm -rf "$kept"
  mv "$kept.new" "$kept"
}

verb_fuzz() {
  local seconds=60 keep="" names=() name
  while [ $# -gt 0 ]; do
    case $1 in
      --seconds)
        [ $# -gt 1 ] || die "--seconds wants a number"
        seconds=$2
        shift
        ;;
      --keep) keep=yes ;;
      -*) die "fuzz knows --seconds N and --keep, not '$1'" ;;
      *) names+=("$1") ;;
    esac
    shift
  done
  verb_setup --test
  install_packages clang-19 libclang-rt-19-dev
  build_preset fuzz -- fuzzers
  build/fuzz/tests/fuzz/hostile --write build/fuzz/examples
  if [ ${#names[@]} -eq 0 ]; then
    mapfile -t names < <(ls build/fuzz/examples)
  fi
  for name in "${names[@]}"; do
    stage_check "fuzz $name" run_fuzzer "$name" "$seconds"
    if [ -n "$keep" ]; then keep_corpus "$name"; fi
  done
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ]
}

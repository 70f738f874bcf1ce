# ./dev demo: a spoken question in, a spoken answer out. ./dev bench: figures of this machine.

verb_demo() {
  local audio="" question="What is the capital of France?"
  while [ $# -gt 0 ]; do
    case $1 in
      --audio)
        [ $# -gt 1 ] || die "--audio wants a file"
        audio=$2
        shift 2
        ;;
      *) die "demo knows --audio FILE, not '$1'" ;;
    esac
  done
  if [ -n "$audio" ] && [ ! -f "$audio" ]; then die "no file $audio"; fi
  verb_build release
  local program=build/release/tenwatt
  "$program" pull
  if [ -z "$audio" ]; then
    audio=build/demo/question.wav
    mkdir -p build/demo
    [ -s "$audio" ] || espeak-ng -v en-us -s 150 -w "$audio" "$question"
  fi
  say "asking $audio"
  "$program" ask --audio "$audio" -o answer.wav --account
  say "the spoken answer is answer.wav"
}

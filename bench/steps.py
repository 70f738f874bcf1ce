#!/usr/bin/env python3
"""Where the time of a run goes, step by step, from what `--trace FILE` wrote.

Every thread has a span for each step and one for each wait at a barrier; this adds them up by kernel
and thread. To see generated tokens only, trace `tenwatt bench llm --prompt 1`.
"""
import argparse
import collections
import json


def spans(events):
    """(thread, name, category, microseconds) of every span that ended."""
    open_spans = collections.defaultdict(list)
    for event in events:
        if event["ph"] == "B":
            open_spans[event["tid"]].append(event)
        elif event["ph"] == "E" and open_spans[event["tid"]]:
            begin = open_spans[event["tid"]].pop()
            yield event["tid"], begin["name"], begin.get("cat", ""), event["ts"] - begin["ts"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trace")
    with open(parser.parse_args().trace, encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    runs, runs_us = 0, 0.0
    steps = collections.defaultdict(lambda: [0, 0.0])
    for thread, name, category, us in spans(events):
        if category == "engine":
            runs, runs_us = runs + 1, runs_us + us
        elif category == "step":
            total = steps[thread, name]
            total[0] += 1
            total[1] += us
    if runs == 0:
        raise SystemExit("the trace has no run of a program")
    print(f"{runs} runs, {runs_us / runs:.1f} us each")
    print(f"{'us a run':>9} {'share':>6} {'calls':>6}  thread, step")
    for (thread, name), (count, us) in sorted(steps.items(), key=lambda item: -item[1][1]):
        print(f"{us / runs:9.1f} {us / runs_us:6.1%} {count / runs:6.1f}  {thread} {name}")


if __name__ == "__main__":
    main()

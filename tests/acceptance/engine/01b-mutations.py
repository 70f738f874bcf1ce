#!/usr/bin/env python3
"""Line 1, second half: seeded mutations of ONNX's node cases against onnxruntime.

The first 2,000 mutated graphs that onnxruntime computes (onnx_mutations.py; their numbers are kept
in mutations.txt, so that a changed generator or onnxruntime is noticed) run here as a program on the
CPU and on the reference operators. Types, shapes, integers and bools must be equal, floats within
the bounds below. At most 5 % may be refused, none of them in float32 or int64 alone. What we accept
and onnxruntime refuses is listed in a file.
"""
import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from voice_checks import ROOT  # first: finds the right Python
from language_checks import NOT_RUN, PROGRAM, Verdict, node_cases, not_run, shared

import numpy as np

WANTED = 2000
REFUSED = 5.0  # per cent
# |ours - theirs| <= absolute + relative * |theirs|. Half floats: two units in the last place.
BOUNDS = {"float32": (1e-5, 1e-3), "float64": (1e-5, 1e-3), "float16": (1e-3, 2e-3)}
SIDES = ("program", "reference")
RECORD = HERE / "mutations.txt"
CHUNK = 500


def lines_of(command, first, last):
    """Lines of onnx_mutations.py for attempts first..last-1, over its crashes."""
    while first < last:
        run = subprocess.Popen([*command, str(first), str(last)], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
        begun = None
        for line in run.stdout:
            row = json.loads(line)
            begun = row["number"] if "result" not in row else None
            if begun is None:
                yield row
        run.wait()
        if begun is None:
            if run.returncode != 0:
                sys.exit(f"onnx_mutations.py: exit {run.returncode}")
            return
        yield {"number": begun, "result": "crashed"}
        first = begun + 1


def attempts(folder, wanted):
    """Rows of all attempts until onnxruntime has computed as many as are wanted."""
    command = [sys.executable, str(HERE / "onnx_mutations.py"), str(node_cases()),
               str(shared("onnx/node_cases.tsv")), str(folder)]
    rows, computed, first = {}, 0, 0
    while computed < wanted:
        for row in lines_of(command, first, first + CHUNK):
            number = row["number"]
            if computed == wanted or row["result"] == "crashed":
                shutil.rmtree(folder / f"{number:06}", ignore_errors=True)
            if computed < wanted:
                rows[number] = row
                computed += row["result"] == "computed"
        first += CHUNK
    return rows


def ours(folder, runner):
    """{(number, side): "ok" | "refused why" | "crashed" | "hung"}"""
    answers, first = {}, "0"
    while first is not None:
        run = subprocess.Popen([runner, folder, first], stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.DEVNULL)
        for line in run.stdout:
            name, side, *answer = line.rstrip("\n").split(" ", 2)
            answers[int(name), side] = answer[0] if answer else ""
        status = run.wait()
        if status == 0:
            return answers
        number, side = next(reversed(answers))
        answers[number, side] = "hung" if status == -14 else f"crashed ({status})"
        first = f"{number:06}x"  # the next one
        for other in SIDES:
            answers.setdefault((number, other), "not run")
    return answers


def undefined(ours_, theirs):
    """Integers that stand for a float that doesn't fit: ONNX leaves them undefined, we saturate."""
    if theirs.dtype.kind not in "iu":
        return np.zeros(theirs.shape, bool)
    limits = np.iinfo(theirs.dtype)
    odd = [limits.min, limits.max, 0]
    return np.isin(ours_, odd) & np.isin(theirs, odd)


def equal(ours_, theirs, converts=False):
    if ours_.dtype != theirs.dtype or ours_.shape != theirs.shape:
        return f"{ours_.dtype}{list(ours_.shape)}, not {theirs.dtype}{list(theirs.shape)}"
    if theirs.dtype.name not in BOUNDS:
        wrong = ours_ != theirs
    else:
        absolute, relative = BOUNDS[theirs.dtype.name]
        a, b = ours_.astype(np.float64), theirs.astype(np.float64)
        with np.errstate(all="ignore"):
            wrong = ~((a == b) | (np.abs(a - b) <= absolute + relative * np.abs(b))
                      | (np.isnan(a) & np.isnan(b)))
    if converts:
        wrong = wrong & ~undefined(ours_, theirs)
    if not wrong.any():
        return ""
    at = tuple(int(i[0]) for i in np.nonzero(np.atleast_1d(wrong)))
    return (f"{np.count_nonzero(wrong)} of {wrong.size} elements differ, at {list(at)} "
            f"{np.atleast_1d(ours_)[at]}, not {np.atleast_1d(theirs)[at]}")


def judge(folder, row, side, answer):
    """("agrees" | "onnx" | "refused" | "wrong", why)"""
    if answer.startswith("refused "):
        return "refused", answer[8:]
    if answer != "ok":
        return "wrong", answer
    random = "RandomNormalLike" in row["operators"]
    expected = None
    place = folder / f"{row['number']:06}"
    for k in range(len(list(place.glob("output_*.npy")))):
        theirs, mine = np.load(place / f"output_{k}.npy"), np.load(place / f"{side}_{k}.npy")
        if random:
            mine, theirs = np.empty(mine.shape, mine.dtype), np.empty(theirs.shape, theirs.dtype)
            mine[...] = theirs[...] = 0
        converts = {"Cast", "Pow"} & set(row["operators"])
        difference = equal(mine, theirs, converts)
        if not difference:
            continue
        expected = expected or reference_outputs(place)
        if not expected or equal(mine, expected[k], converts):
            return "wrong", f"output {k}: {difference}"
    return ("agrees", "") if expected is None else ("onnx", "onnxruntime differs from ONNX's own "
                                                    "reference evaluator, which says what we do")


def reference_outputs(place):
    """What ONNX's own evaluator computes, or nothing where it can't."""
    import onnx
    from onnx.reference import ReferenceEvaluator
    evaluator = ReferenceEvaluator(onnx.load(place / "model.onnx"))
    inputs = {name: np.load(place / f"input_{i}.npy")
              for i, name in enumerate(evaluator.input_names)}
    try:
        with np.errstate(all="ignore"):
            return [np.asarray(output) for output in evaluator.run(None, inputs)]
    except Exception:  # its exceptions have no common base
        return []


def check_record(verdict, rows):
    computed = "".join(f"{n} {row['case']}: {'; '.join(row['changed'])}\n"
                       for n, row in rows.items() if row["result"] == "computed")
    if not RECORD.exists():
        RECORD.write_text(computed, encoding="utf-8")
    kept = RECORD.read_text(encoding="utf-8")
    same = sum(a == b for a, b in zip(kept.splitlines(), computed.splitlines(), strict=False))
    verdict.check(kept == computed, f"{same} of {len(computed.splitlines())} mutations are those of "
                  f"{RECORD.name}")


def report(verdict, folder, rows, answers, list_file):
    compared = [row for row in rows.values() if row["result"] == "computed"]
    problems = []
    for side in SIDES:
        count, plain_refused = Counter(), 0
        for row in compared:
            result, why = judge(folder, row, side, answers.get((row["number"], side), "not run"))
            count[result] += 1
            if result == "agrees":
                continue
            plain = set(row["types"]) <= {"float32", "int64", "bool"}
            plain_refused += result == "refused" and plain
            problems.append([side, result, row["number"], "+".join(row["operators"]),
                             "+".join(row["types"]), row["case"], "; ".join(row["changed"]), why])
        share = 100 * count["refused"] / max(len(compared), 1)
        verdict.check(count["wrong"] == 0, f"{side}: {count['agrees']} of {len(compared)} agree, "
                      f"{count['wrong']} wrong, crashed or hung; in {count['onnx']} more onnxruntime "
                      "is at odds with ONNX's own evaluator, which agrees with us")
        verdict.check(share <= REFUSED and plain_refused == 0,
                      f"{side}: {count['refused']} refused, {share:.2f} % (limit {REFUSED:g} %); "
                      f"{plain_refused} of them in float32, int64 and bool only (limit 0)")
    accepted = [row for row in rows.values() if row["result"] == "refused"
                and answers.get((row["number"], "program")) == "ok"]
    refused = sum(row["result"] == "refused" for row in rows.values())
    crashed = sum(row["result"] == "crashed" for row in rows.values())
    bad = sum(answers.get((row["number"], side), "crashed") != "ok"
              and not answers.get((row["number"], side), "crashed").startswith("refused ")
              for row in rows.values() if row["result"] == "refused" for side in SIDES)
    verdict.check(bad == 0, f"{bad} crashes or hangs on the {refused} that onnxruntime refuses")
    with open(list_file, "w", encoding="utf-8") as file:
        for row in accepted:
            file.write("\t".join([str(row["number"]), "+".join(row["operators"]),
                                  "+".join(row["types"]), row["case"], "; ".join(row["changed"]),
                                  row["reason"]]) + "\n")
    print(f"        onnxruntime refuses {refused} more and crashes on {crashed}; of these we accept "
          f"{len(accepted)}: {list_file}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=WANTED)
    parser.add_argument("--keep", metavar="FOLDER", help="keep graphs, inputs and outputs there")
    parser.add_argument("--list", metavar="FILE", help="what we accept and onnxruntime refuses")
    arguments = parser.parse_args()
    runner = Path(PROGRAM).parent / "run_onnx_cases"
    if not runner.exists():
        not_run(f"no {runner}; ./dev build makes it")
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.keep or temporary)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        rows = attempts(folder, arguments.count)
        answers = ours(folder, runner)
        if arguments.count == WANTED:
            check_record(verdict, rows)
        list_file = arguments.list or ROOT / "build/accepted-mutations.tsv"
        problems = report(verdict, folder, rows, answers, list_file)
    for problem in problems:
        print("        " + "\t".join(map(str, problem)))
    verdict.leave()


if __name__ == "__main__":
    main()

"""What the acceptance scripts of the language model share: the program, models, texts, verdicts.

Every script prints its figures and leaves with 0 (passed), 1 (failed) or 77 (what it needs is not
there). Set by ./dev accept, with defaults for a run by hand: TENWATT (the program),
TENWATT_TEST_MODELS (a folder of models), TENWATT_SHARED (the folder that holds data/),
TENWATT_REFERENCE_PYTHON (a Python with packaging/requirements-reference.txt). The scripts of every
acceptance import this by PYTHONPATH=tests/acceptance.
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCES = ROOT / "tests/reference/data"
SHARED = Path(os.environ.get("TENWATT_SHARED") or ROOT.parent / "shared")
PROGRAM = os.environ.get("TENWATT") or str(ROOT / "build/release/tenwatt")
PYTHON = os.environ.get("TENWATT_REFERENCE_PYTHON") or sys.executable
NOT_RUN = 77


def not_run(reason):
    print(f"not run: {reason}")
    sys.exit(NOT_RUN)


def model(file_name):
    """Where a model lies, as the program wants it named."""
    folders = [os.environ.get("TENWATT_TEST_MODELS"),
               os.environ.get("TENWATT_HOME") and os.environ["TENWATT_HOME"] + "/models",
               os.path.expanduser("~/.local/share/tenwatt/models")]
    for folder in filter(None, folders):
        path = Path(folder) / file_name
        if path.exists():
            return str(path)
    not_run(f"no {file_name} in TENWATT_TEST_MODELS; `tenwatt pull` gets it")


def language_model():
    return model("SmolLM2-135M-Instruct.Q4_1.gguf")


def shared(name):
    path = SHARED / "data" / name
    if not path.exists():
        not_run(f"no {path}")
    return path


def node_cases():
    """The folder of ONNX's node cases, which the onnx package of the reference Python ships."""
    named = os.environ.get("TENWATT_TEST_ONNX_NODE")
    if named and Path(named).is_dir():
        return Path(named)
    run = subprocess.run([PYTHON, "-c", "import onnx; print(onnx.__file__)"],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    folder = Path(run.stdout.strip()).parent / "backend/test/data/node"
    if run.returncode != 0 or not folder.is_dir():
        not_run("no node cases: TENWATT_TEST_ONNX_NODE names their folder, onnx 1.22.0 ships them")
    return folder


def words_wrong(clips, texts):
    """Words that differ from what the clips say, and wer.py's line about them."""
    heard = [{"id": clip["id"], "text": text} for clip, text in zip(clips, texts, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        for kind, rows in (("reference", clips), ("heard", heard)):
            (Path(folder) / kind).write_text("".join(json.dumps(row) + "\n" for row in rows))
        run = subprocess.run([sys.executable, ROOT / "tests/acceptance/wer.py",
                              f"{folder}/reference", f"{folder}/heard"],
                             capture_output=True, text=True, check=True)
    line = [text for text in run.stdout.splitlines() if " words, " in text][0].split(":", 1)[1]
    return int(line.split()[0]), line.strip()


def tenwatt(*words, stdin=b"", environment=None):
    """Standard output of a run that has to succeed."""
    if not os.access(PROGRAM, os.X_OK):
        not_run(f"no program {PROGRAM}; ./dev build makes it")
    run = subprocess.run([PROGRAM, *map(str, words)], input=stdin, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, env={**os.environ, **(environment or {})})
    if run.returncode != 0:
        sys.exit(f"tenwatt {' '.join(map(str, words))[:200]}: exit {run.returncode}\n"
                 + run.stderr.decode(errors="replace"))
    return run.stdout


def tenwatt_json(*words, **settings):
    return json.loads(tenwatt(*words, "--json", **settings))


class Verdict:
    """Figures with their limits; the script's exit status in the end."""

    def __init__(self):
        self.failures = 0

    def check(self, holds, text):
        print(("ok      " if holds else "FAILED  ") + text, flush=True)
        self.failures += not holds

    def at_most(self, name, figure, limit):
        self.check(figure <= limit, f"{name}: {figure:.6g} (limit {limit:g})")

    def leave(self):
        sys.exit(1 if self.failures else 0)

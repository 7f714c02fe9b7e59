"""The compile commands of the Clang preset, for the checks that need a compiler's view."""
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys

PRESET = "dev"
FALLBACK = ["-std=c++20", "-Isrc", "-Iinclude", "-I.", "-Wall", "-Wextra"]


def configure(root, preset=PRESET):
    """Configures a preset, generates its sources and returns its build folder; ends the check if that fails."""
    folder = root / "build" if preset == "release" else root / "build" / preset
    folder.mkdir(parents=True, exist_ok=True)
    result = subprocess.run(["cmake", "--preset", preset], cwd=root, capture_output=True, text=True,
                            check=False)
    if result.returncode:
        print(f"configuring preset {preset} failed:\n{result.stderr}")
        sys.exit(1)
    if (pathlib.Path(root) / "src/proto/CMakeLists.txt").exists():
        result = subprocess.run(["cmake", "--build", str(folder), "--target", "nokv_generated"],
                                capture_output=True, text=True, check=False)
        if result.returncode:
            print(f"generating the sources of preset {preset} failed:\n{result.stdout}")
            sys.exit(1)
    return folder


def commands(root):
    """{path relative to root: list of compiler arguments without output and input}."""
    database = json.loads((root / "build" / PRESET / "compile_commands.json").read_text())
    found = {}
    for entry in database:
        path = os.path.relpath(entry["file"], root)
        if path.startswith(".."):
            continue
        words = shlex.split(entry["command"])
        while words and "clang" not in os.path.basename(words[0]):
            words.pop(0)  # ccache
        kept, skip = [], False
        for word in words[1:]:
            if skip:
                skip = False
            elif word in ("-o", "-c", "-MF", "-MT", "-MQ"):
                skip = True  # each takes a value
            elif word not in ("-MD", "-MMD"):
                kept.append(word)
        found.setdefault(path, kept)
    return found


def run_all(jobs, workers=None):
    """Runs (label, command) pairs in parallel; yields (label, result) in order."""
    def run(job):
        return job[0], subprocess.run(job[1], capture_output=True, text=True, check=False)
    with concurrent.futures.ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        yield from pool.map(run, jobs)

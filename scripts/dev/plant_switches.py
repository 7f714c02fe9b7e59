#!/usr/bin/env python3
"""plant_switches.py BUGS OUT: writes copies of sources in which each bug of BUGS has a switch.

BUGS has the form of tests/planted/bugs.txt; in the text with the bug, PLANTED is true while its
switch is on. OUT gets one file for each source (src/raft/log.cc becomes raft_log.cc). Bugs are
numbered by their positions. The build runs it for the test of the simulator; the sources themselves
have no switches.
"""
import pathlib
import sys

from planted_bugs import ROOT, read_bugs


def main():
    bugs = read_bugs(pathlib.Path(sys.argv[1]))
    out = pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    texts = {}
    for number, (name, file, before, after) in enumerate(bugs):
        text = texts.setdefault(file, (ROOT / file).read_text())
        if text.count(before) != 1:
            sys.exit(f'error: bug "{name}": its text is {text.count(before)} times in {file}')
        if "PLANTED" not in after:
            sys.exit(f'error: bug "{name}" has no switch')
        texts[file] = text.replace(before, after.replace("PLANTED", f"nokv::sim::IsPlanted({number})"))
    for file, text in texts.items():
        name = file.removeprefix("src/").replace("/", "_")
        (out / name).write_text(f'#include "sim/planted/switch.h"\n{text}')


if __name__ == "__main__":
    main()

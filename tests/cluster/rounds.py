"""Breaks a control plane of real processes, round after round, while clients ask it for timestamps and
ids, and checks what they were given: no number twice, and every timestamp above all that had been
given before it was asked for.

A round kills (kill -9), pauses (SIGSTOP, for longer than the lease) or restarts nodes, some of them
while they start, puts everything back, and waits until timestamps are given out again. What it does
follows from the seed and its number alone. After a failure, or to go on where an earlier run ended:

  scripts/control_plane_rounds.sh --seed 7 --from 120

The last line is "N rounds, … 0 violations"; the exit code is 1 if there are any.
"""
import argparse
import json
import pathlib
import random
import sys
import time

import control_plane
from history import History

# From the last kill until timestamps flow again, as long as a majority of the root and a coordinator
# run and none is paused: a client waits for one that says nothing.
LIMIT_SECONDS = control_plane.LEASE_SECONDS + 1
PACE_MS = 10
PATIENCE = 120  # seconds until something that should happen counts as failed, on a busy machine


def plan(seed, number):
    """What round `number` does: a list of steps (verb, what, seconds), the seconds being how long it
    waits afterwards; and whether the limit holds for it."""
    draw = random.Random(f"{seed} {number}")
    root, other = draw.sample((0, 1, 2), 2)
    first, second = draw.sample((3, 4, 5), 2)
    down, start, pause = draw.uniform(0, 2), draw.uniform(0, 0.4), draw.uniform(1.2, 2.5)
    kinds = {
        "kill": [("kill", draw.choice((root, first)), down)],
        "kill a root and a coordinator": [("kill", root, draw.choice((0, start))),
                                          ("kill", first, down)],
        "kill while starting": [(verb, node, start) for node in (root, first)
                                for verb in ("kill", "start", "kill", "start", "kill")],
        "pause": [("pause", draw.choice((root, first)), pause)],
        "pause a root and a coordinator": [("pause", root, 0), ("pause", first, pause)],
        "pause two coordinators": [("pause", first, start), ("pause", second, pause)],
        "kill one, pause one": [("kill", root, start), ("pause", first, pause)],
        "restart each": [(verb, node, 0) for node in draw.sample(range(6), 6)
                         for verb in ("stop", "start")],
        "kill the majority": [("kill", root, start), ("kill", other, down)],
        "kill all": [("kill", node, 0) for node in range(6)],
        "kill one, pause the majority": [("pause", root, 0), ("pause", other, pause),
                                         ("kill", first, 0)],
    }
    kind = draw.choice(list(kinds))
    return kind, kinds[kind], kind in ("kill", "kill a root and a coordinator",
                                       "kill while starting")


class Rounds:
    """Plays rounds on a control plane that runs; `violations` says what went wrong."""

    def __init__(self, plane, requester, history, record):
        self.plane, self.requester, self.history, self.record = plane, requester, history, record
        self.violations = history.violations
        self.verbs = {"kill": 0, "pause": 0, "stop": 0}
        self.gaps = []  # of rounds for which the limit holds
        self.slow = 0

    def collect(self):
        """Feeds the history; returns the ends of timestamps that came."""
        answers = self.requester.answers()
        given = [answer for answer in answers if answer[0] != "e"]
        self.history.feed(given)
        self.record.writelines(" ".join(map(str, answer)) + "\n" for answer in given)
        return sorted(answer[2] for answer in given if answer[0] == "t")

    def play(self, seed, number):
        """One round; returns its line for the log."""
        kind, steps, limited = plan(seed, number)
        self.collect()
        ends, last_fault = [], time.monotonic_ns()
        for verb, index, seconds in steps:
            node = self.plane.nodes[index]
            if verb != "start":
                last_fault = time.monotonic_ns()
            self.verbs[verb] = self.verbs.get(verb, 0) + 1
            if verb == "stop":
                self.restart(node)
            elif verb != "start" or not node.runs:
                getattr(node, verb)()
            time.sleep(seconds)
            ends += self.collect()
        self.heal()
        ends += self.flow_again()
        ends = [last_fault] + [end for end in ends if end > last_fault]
        gap = max((b - a for a, b in zip(ends, ends[1:])), default=0) / 1e9
        if limited:
            self.gaps.append(gap)
            self.slow += gap > LIMIT_SECONDS
        self.check_nodes(number)
        return f"round {number}: {kind}: gap {gap:.2f} s"

    def restart(self, node):
        code = node.stop()
        if code != 0:
            self.violations.append(f"{node.name} ended with exit code {code} after SIGTERM")

    def heal(self):
        for node in self.plane.nodes:
            node.resume()
            if node.process is None:
                node.start()

    def flow_again(self):
        """Waits until a timestamp comes that was asked for from now on."""
        begin, deadline, ends = time.monotonic_ns(), time.monotonic() + PATIENCE, []
        while not ends or ends[-1] < begin + 1e8:
            if time.monotonic() > deadline:
                self.violations.append(f"no timestamps for {PATIENCE} s")
                break
            time.sleep(0.02)
            ends += self.collect()
        return ends

    def check_nodes(self, number):
        for node in self.plane.nodes:
            if not node.runs:
                self.violations.append(f"{node.name} ended by itself in round {number}, exit code "
                                       f"{node.process.returncode}: see {node.log}")
                node.start()

    def summary(self, rounds):
        gaps = sorted(self.gaps) or [0]
        return (f"{rounds} rounds, {self.verbs['kill']} kills, {self.verbs['pause']} pauses, "
                f"{self.verbs['stop']} restarts, {self.history.count['t']} timestamps and "
                f"{self.history.count['i']} ids in answers, gap {gaps[len(gaps) // 2]:.2f} s in the "
                f"middle and {gaps[-1]:.2f} s at most, {self.slow} above {LIMIT_SECONDS} s, "
                f"{len(self.violations)} violations")


def ports_of(folder):
    """The ports of the run that began in `folder`, for those who go on."""
    path = folder / "ports.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(control_plane.free_ports(9)))
    return json.loads(path.read_text())


def read_record(path, history):
    """Feeds what an earlier run was given."""
    if path.exists():
        lines = [line.split() for line in path.read_text().splitlines()]
        history.feed([(kind, *map(int, rest)) for kind, *rest in lines])


def run(folder, seed, first, rounds, out=sys.stdout):
    """Plays rounds `first` to `first` + `rounds` - 1; returns the Rounds."""
    history = History()
    if first > 1:
        read_record(folder / "answers.txt", history)
    with control_plane.ControlPlane(folder, flags=control_plane.SHORT_LEASE, ports=ports_of(folder)) as plane:
        plane.start()
        plane.wait_ready(PATIENCE)
        with control_plane.Requester(plane.addresses, str(PACE_MS)) as requester, \
                (folder / "answers.txt").open("a") as record:
            player = Rounds(plane, requester, history, record)
            for number in range(first, first + rounds):
                print(player.play(seed, number), file=out, flush=True)
                if player.violations:
                    print(f"repeat: --seed {seed} --from {number}", file=out)
                    break
            player.collect()
    for violation in player.violations[:20]:
        print(violation, file=out)
    print(player.summary(number - first + 1), file=out)
    return player


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000, help="so many (%(default)s)")
    parser.add_argument("--from", type=int, default=1, dest="first", metavar="N",
                        help="begin with round N, on what the rounds before it left")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workdir", type=pathlib.Path, default="artifacts/control-plane-rounds")
    options = parser.parse_args()
    player = run(options.workdir.absolute(), options.seed, options.first, options.rounds)
    sys.exit(1 if player.violations else 0)


if __name__ == "__main__":
    main()

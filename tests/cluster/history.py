"""Checks what clients were given: no timestamp twice and each above what was given before it was
asked for, no id twice. An answer is (kind, start, end, first, count): kind "t" or "i", when it was
asked for and given, and the numbers first to first + count - 1."""
import bisect


class History:
    """Fed with answers in any order within a feeding; what is asked for later comes in a later one."""

    def __init__(self):
        self.violations = []
        self.finished = []  # timestamps: ends of answers, rising, and ...
        self.highest = []   # ... the highest number given until then
        self.firsts = {"t": [], "i": []}  # first numbers, rising, and ...
        self.lasts = {"t": [], "i": []}   # ... the last that goes with each
        self.count = {"t": 0, "i": 0}

    def feed(self, answers):
        for answer in sorted(answers, key=lambda answer: answer[2]):
            kind, start, end, first, count = answer
            self.count[kind] += 1
            self.check_unique(answer)
            if kind != "t":
                continue
            at = bisect.bisect_left(self.finished, start)
            if at and self.highest[at - 1] >= first:
                self.violations.append(f"{answer} was asked for after {self.highest[at - 1]} was given")
            last = first + count - 1
            self.finished.append(max(end, self.finished[-1]) if self.finished else end)
            self.highest.append(max(last, self.highest[-1]) if self.highest else last)

    def check_unique(self, answer):
        kind, _, _, first, count = answer
        firsts, lasts, last = self.firsts[kind], self.lasts[kind], first + count - 1
        at = bisect.bisect_right(firsts, first)
        for other in (at - 1, at):
            if 0 <= other < len(firsts) and firsts[other] <= last and lasts[other] >= first:
                self.violations.append(f"{answer} has numbers of {firsts[other]}..{lasts[other]}")
        firsts.insert(at, first)
        lasts.insert(at, last)

"""A few rounds of rounds.py, and what its checks must find."""
import io
import itertools
import os
import unittest

import gateway
import rounds
from history import History

ROUNDS = int(os.environ.get("NOKV_CONTROL_PLANE_ROUNDS", "3"))


class HistoryTest(unittest.TestCase):

    def violations(self, *feedings):
        history = History()
        for answers in feedings:
            history.feed(answers)
        return history.violations

    def test_takes_what_rises_in_real_time(self):
        self.assertEqual(self.violations([("t", 0, 10, 100, 5), ("t", 5, 12, 90, 5), ("t", 13, 15, 105, 1)],
                                         [("t", 14, 20, 104 + 2, 1), ("i", 14, 20, 7, 2)],
                                         [("i", 21, 22, 1, 6)]), [])

    def test_finds_a_number_that_is_given_twice(self):
        for kind in "ti":
            for first, count in ((100, 1), (104, 1), (95, 6), (90, 100), (102, 2)):
                found = self.violations([(kind, 0, 10, 100, 5)], [(kind, 1, 11, first, count)])
                self.assertEqual(len(found), 1, (first, count))
                self.assertIn("has numbers of 100..104", found[0])

    def test_finds_a_timestamp_below_one_that_was_given_before(self):
        found = self.violations([("t", 0, 10, 100, 5)], [("t", 11, 12, 99, 1)])
        self.assertEqual(found, ["('t', 11, 12, 99, 1) was asked for after 104 was given"])
        self.assertEqual(self.violations([("i", 0, 10, 100, 5)], [("i", 11, 12, 99, 1)]), [])

    def test_keeps_the_highest_of_what_came_earlier(self):
        self.assertEqual(len(self.violations([("t", 0, 10, 500, 1)], [("t", 5, 20, 400, 1)],
                                             [("t", 21, 22, 450, 1)])), 1)


class PlanTest(unittest.TestCase):

    def test_follows_from_the_seed_and_the_number(self):
        plans = [rounds.plan(7, number) for number in range(1, 200)]
        self.assertEqual(plans, [rounds.plan(7, number) for number in range(1, 200)])
        self.assertNotEqual(plans, [rounds.plan(8, number) for number in range(1, 200)])
        self.assertEqual(len({kind for kind, _, _ in plans}), 11)

    def test_those_with_a_limit_leave_a_majority_and_a_coordinator(self):
        for number in range(1, 500):
            kind, steps, limited = rounds.plan(7, number)
            broken = {node for verb, node, _ in steps if verb in ("kill", "pause")}
            if limited:
                self.assertLess(len(broken & {0, 1, 2}), 2, kind)
                self.assertLess(len(broken & {3, 4, 5}), 3, kind)


class RoundsTest(gateway.ScratchTest):

    def test_numbers_survive_what_happens_to_the_processes(self):
        out = io.StringIO()
        player = rounds.run(self.folder / "work", 1, 1, ROUNDS, out)
        self.assertEqual(player.violations, [], out.getvalue())
        self.assertGreater(player.history.count["t"], 10 * ROUNDS)
        self.assertGreater(player.history.count["i"], 10 * ROUNDS)
        # The same again, on what those left.
        player = rounds.run(self.folder / "work", 1, ROUNDS + 1, 1, out)
        self.assertEqual(player.violations, [], out.getvalue())


if __name__ == "__main__":
    unittest.main()

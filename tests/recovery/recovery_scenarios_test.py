"""scripts/recovery_scenarios.sh: what it runs, prints and saves."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
METRICS = {
    "manifest_rewrite", "raft_snapshot_export", "raft_snapshot_import", "raft_wal_backlog_post",
    "raft_wal_backlog_pre", "sst_corrupt_startup_failure", "sst_missing_startup_failure",
    "value_log_gc", "value_log_orphan_cleanup", "wal_replay",
}


class RecoveryScenariosTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="nokv-recovery-")
        self.addCleanup(folder.cleanup)
        self.saved = pathlib.Path(folder.name)

    def run_script(self, **environment):
        result = subprocess.run(
            [ROOT / "scripts/recovery_scenarios.sh"], capture_output=True, text=True, check=False,
            env={**os.environ, "NOKV_ARTIFACTS_DIR": str(self.saved), **environment})
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertRegex(result.stdout.splitlines()[-1], "^[1-9][0-9]* passed, 0 failed$")
        return result.stdout

    def test_metrics_are_printed_and_saved(self):
        output = self.run_script(RECOVERY_TRACE_METRICS="1")
        metrics = {}
        for line in output.splitlines():
            if line.startswith("RECOVERY_METRIC "):
                name, _, value = line.removeprefix("RECOVERY_METRIC ").partition("=")
                metrics[name] = json.loads(value)
        self.assertEqual(set(metrics), METRICS)
        self.assertEqual(metrics["wal_replay"]["key"], "wal-replay")
        saved = (self.saved / "recovery/metrics.txt").read_text()
        for name in METRICS:
            self.assertIn(f"RECOVERY_METRIC {name}=", saved)
        self.assertTrue((self.saved / "recovery/nokv_engine_test.log").exists())

    def test_a_program_without_such_tests_is_a_failure(self):
        programs = self.saved / "bin"
        programs.mkdir()
        for name in ("nokv_engine_test", "nokv_raftlog_test"):
            (programs / name).symlink_to("/bin/true")
        result = subprocess.run(
            [ROOT / "scripts/recovery_scenarios.sh"], capture_output=True, text=True, check=False,
            env={**os.environ, "NOKV_ARTIFACTS_DIR": str(self.saved),
                 "NOKV_BINARY_DIR": str(programs)})
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("nokv_engine_test passed none of the tests", result.stdout)

    def test_without_the_variable_none_is(self):
        self.assertNotIn("RECOVERY_METRIC", self.run_script(RECOVERY_TRACE_METRICS=""))


if __name__ == "__main__":
    unittest.main()

"""scripts/transport_chaos.sh runs the documented scenarios and saves what they measured."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class ChaosTest(unittest.TestCase):
    def test_saves_the_metrics_of_the_documented_scenarios(self):
        with tempfile.TemporaryDirectory(prefix="nokv-chaos-") as folder:
            result = subprocess.run([str(ROOT / "scripts/transport_chaos.sh")], capture_output=True,
                                    text=True, check=False, timeout=120,
                                    env=os.environ | {"NOKV_ARTIFACTS_DIR": folder})
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertEqual(result.stdout.splitlines()[-1], "4 passed, 0 failed")
            log = (pathlib.Path(folder) / "transport/nokv_transport_test.log").read_text()
            metrics = {}
            for line in (pathlib.Path(folder) / "transport/metrics.txt").read_text().splitlines():
                name, values = line.removeprefix("TRANSPORT_METRIC ").split("=", 1)
                metrics[name] = json.loads(values)
        for name in ("HandlesPartition", "MetricsWatchdog", "MetricsBlockedPeers"):
            self.assertIn(f"GRPCTransport.{name}", log)
        self.assertEqual(metrics["partition"]["blocked_peers"], 2)
        self.assertGreater(metrics["partition"]["send_failures"], 0)
        self.assertTrue(metrics["watchdog"]["watchdog_active"])
        self.assertFalse(metrics["watchdog_cleared"]["watchdog_active"])
        self.assertEqual(metrics["blocked"]["blocked_peers"], 1)


if __name__ == "__main__":
    unittest.main()

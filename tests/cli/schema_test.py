"""What the tools print as JSON is what schemas/ says: nothing else, and nothing less."""
import copy
import json
import pathlib
import subprocess
import unittest

import jsonschema

import gateway
from lone_coordinator import Coordinator

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"


def closed(schema):
    """`schema` without room for what it does not describe. Readers must take what is added later;
    whoever adds it describes it."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: closed(value) for key, value in schema.items()}
    if "properties" in schema:
        strict.setdefault("additionalProperties", False)
    return strict


class SchemaTest(gateway.ScratchTest):

    def nokv(self, *arguments, program="nokv"):
        done = subprocess.run([gateway.BIN / program, *map(str, arguments)], check=True,
                              stdout=subprocess.PIPE, text=True, timeout=gateway.PATIENCE)
        return done.stdout

    def schema(self, name):
        schema = closed(json.loads((SCHEMAS / f"{name}.json").read_text()))
        jsonschema.Draft202012Validator.check_schema(schema)
        return jsonschema.Draft202012Validator(schema)

    def assert_described(self, name, value, validator=None):
        for error in (validator or self.schema(name)).iter_errors(value):
            place = ".".join(map(str, error.absolute_path))
            self.fail(f"schemas/{name}.json does not describe {place or 'the document'}: "
                      f"{error.message[:300]}")

    def check(self, name, *command, program="nokv"):
        """The document, and each line of -o jsonl."""
        document = json.loads(self.nokv(*command, "--json", program=program))
        self.assert_described(name, document)
        validator = self.schema(name)
        if isinstance(document, list):
            self.assertTrue(document)
            validator = self.schema(name).evolve(schema=copy.copy(validator.schema["items"]))
        for line in self.nokv(*command, "-o", "jsonl", program=program).splitlines():
            self.assert_described(name, json.loads(line), validator)
        return document

    def test_every_command_that_prints_json(self):
        db = self.folder / "db"
        metrics = f"127.0.0.1:{gateway.free_port()}"
        with gateway.Gateway(db, "--metrics-addr", metrics) as server:
            client = server.client()
            client.call("SET", "text", "x")
            client.call("SET", b"\xff", b"\xfe", "PX", 10_000_000)
            client.call("INCR", "text")
            shown = self.check("stats", "stats", "--expvar", metrics)
            self.assertEqual(shown["redis"]["errors_per_operation"], {"incr": 1})
            self.assertEqual(server.stop(), 0)
        subprocess.run([gateway.BIN / "sample_directory", self.folder / "tables"], check=True,
                       stdout=subprocess.DEVNULL, timeout=gateway.PATIENCE)
        self.nokv("catalog", "--workdir", self.folder / "store", "--region-id", "1", "--end-key",
                  "hex:ff", "--peer", "1:101", program="nokv-config")
        with Coordinator() as coordinator:
            status = self.check("status", "status", "--coordinator-addr", coordinator.address)
        at = ("--workdir", db)
        tables = ("--workdir", self.folder / "tables")
        checked = {
            "get": self.check("get", "get", "text", *at),
            "scan": self.check("scan", "scan", *at),
            "stats": self.check("stats", "stats", *tables),
            "manifest": self.check("manifest", "manifest", *tables),
            "vlog": self.check("vlog", "vlog", *tables),
            "debug": self.check("debug", "debug", "verify", *tables),
            "doctor": self.check("doctor", "doctor", *at),
            "config": self.check("config", "config", "explain"),
            "version": self.check("version", "version"),
            "status": status,
            "regions": self.check("regions", "regions", "--workdir", self.folder / "store"),
        }
        self.check("get", "get", "hex:ff", *at)
        self.check("scan", "scan", "--keys-only", *at)
        self.check("version", "version", program="nokv-redis")
        self.assertTrue(checked["stats"]["lsm"]["levels"], "tables are there")
        self.assertTrue(checked["manifest"]["levels"])
        self.assertEqual(len(checked["scan"]), 2)
        with_json = {
            name for name in self.commands()
            if "--json " in self.nokv("help", name)}
        self.assertEqual(with_json, checked.keys(), "a command without a schema, or the reverse")

    def commands(self):
        listed = self.nokv("help").split("\nCommands:\n")[1].split("\n\n")[0]
        return [line.split()[0] for line in listed.splitlines()]

    def test_progress_events(self):
        # That these are what is printed, progress_test.cc says.
        page = (SCHEMAS.parent / "docs/cli.md").read_text()
        events = [line for line in page.splitlines() if line.startswith('{"event":')]
        self.assertTrue(events)
        for event in events:
            self.assert_described("progress", json.loads(event))

    def test_a_field_that_is_new_or_gone_is_found(self):
        version = json.loads(self.nokv("version", "--json"))
        for changed in ({**version, "new": 1}, {k: v for k, v in version.items() if k != "commit"},
                        {**version, "commit": 7}):
            with self.assertRaises(AssertionError):
                self.assert_described("version", changed)


if __name__ == "__main__":
    unittest.main()

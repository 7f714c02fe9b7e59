"""The runner of the pages' commands notices what it is there to notice."""
import pathlib
import tempfile
import unittest

import run_docs

BIN = pathlib.Path("/usr/bin")


def complaints(text, listed=()):
    return list(run_docs.check_page("page.md", text, BIN, dict.fromkeys(listed, "x")))


class RunDocsTest(unittest.TestCase):
    def test_accepts_commands_that_print_what_the_page_says(self):
        page = ("```sh run\necho one > a\ncat a\n```\n```text output\none\n```\nThen\n"
                "```sh run\ncat a; date +%s\n```\n```text output\no...e\n...\n```\n")
        self.assertEqual(complaints(page), [])

    def test_refuses_a_command_that_fails(self):
        self.assertIn("exit code 1", complaints("```sh run\nfalse\necho done\n```\n")[0])

    def test_refuses_another_output(self):
        page = "```sh run\necho one\n```\n```text output\ntwo\n```\n"
        self.assertIn("page.md:4: expected\ntwo\nbut the commands printed\none", complaints(page)[0])

    def test_refuses_a_command_that_nothing_runs(self):
        page = "```sh\nmake test   # takes a while\nmake moon\n```\n"
        self.assertEqual(len(complaints(page, ["make test"])), 1)
        self.assertIn("nothing runs 'make moon'", complaints(page, ["make test"])[0])

    def test_replaces_ports_and_waits_for_a_server_in_the_background(self):
        page = ("```sh run\ncat >server.py <<'END'\nimport socket, time\n"
                "listener = socket.create_server(('127.0.0.1', 6380))\ntime.sleep(60)\nEND\n"
                "python3 server.py 127.0.0.1:6380 &\n"
                "(exec 3<>/dev/tcp/127.0.0.1/6380) && echo up\n```\n"
                "```text output\nup\n```\n")
        self.assertEqual(complaints(page), [])

    def test_moves_the_ports_of_a_cluster_by_one_offset(self):
        ports = run_docs.choose_ports()
        offset = ports[2379] - 2379
        text = "a --port-offset 100 :2379 :2479 :3382 :1234"
        self.assertEqual(run_docs.substitute_ports(text, ports),
                         f"a --port-offset {offset} :{2379 + offset} :{2379 + offset} "
                         f":{3382 + offset} :1234")

    def test_refuses_code_that_is_not_in_its_file(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "a.cc").write_text("int a;\nint b;\n")
            self.assertEqual(list(run_docs.check_quotes(
                root, "page.md", "```cpp from a.cc\nint b;\n```\n")), [])
            self.assertEqual(list(run_docs.check_quotes(
                root, "page.md", "Text\n```cpp from a.cc\nint c;\n```\n")),
                ["page.md:2: this is not in a.cc"])

    def test_refuses_a_list_that_ci_does_not_keep(self):
        root = pathlib.Path(__file__).resolve().parents[2]
        found = list(run_docs.check_list(root, {"make moon": "scripts/moon.sh"}))
        self.assertEqual(len(found), 2)


if __name__ == "__main__":
    unittest.main()

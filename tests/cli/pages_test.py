"""What is made from the tree of commands: completion, manual pages, reference; and the error pages."""
import pathlib
import re
import shutil
import subprocess
import unittest

import gateway

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("nokv", "nokv-redis", "nokv-config", "nokv-sim", "nokv-bench")


def output(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=gateway.PATIENCE, check=True, **options).stdout


class CompletionTest(gateway.ScratchTest):

    def complete(self, line):
        """What bash offers behind `line`, the script being sourced for real."""
        words = line.split(" ")
        quoted = " ".join(f"'{word}'" for word in words)
        program = words[0]
        function = "_" + program.replace("-", "_")
        script = (f"source <('{gateway.BIN / program}' completion bash) && "
                  f"complete -p {program} >/dev/null && compopt() {{ :; }} && "
                  f"COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1} && {function} && "
                  "printf '%s\\n' \"${COMPREPLY[@]}\"")
        return output("bash", "-euc", script, cwd=self.folder).split()

    def test_bash_completes_commands_flags_and_values(self):
        self.assertIn("stats", self.complete("nokv "))
        self.assertEqual(self.complete("nokv sta"), ["stats"])
        self.assertEqual(self.complete("nokv stats --wo"), ["--workdir"])
        self.assertEqual(self.complete("nokv scan -o js"), ["json", "jsonl"])
        self.assertEqual(self.complete("nokv scan --output c"), ["csv"])
        self.assertEqual(self.complete("nokv completion z"), ["zsh"])
        self.assertEqual(self.complete("nokv-redis --sync a"), ["always"])
        self.assertEqual(self.complete("nokv-sim crash --st"), ["--stride"])
        self.assertNotIn("serve", self.complete("nokv "))
        (self.folder / "database").mkdir()
        self.assertEqual(self.complete("nokv stats --workdir dat"), ["database"])

    def test_the_scripts_of_other_shells_parse_where_the_shell_is(self):
        for program in PROGRAMS:
            for shell in ("zsh", "fish"):
                script = output(gateway.BIN / program, "completion", shell)
                self.assertIn("--workdir" if shell == "zsh" else "-l workdir",
                              output(gateway.BIN / "nokv", "completion", shell))
                self.assertIn(program, script)
                if shutil.which(shell):
                    (self.folder / "script").write_text(script)
                    output(shell, "-n", self.folder / "script")


class ManualTest(gateway.ScratchTest):

    def test_pages_name_every_flag_and_render(self):
        for program in PROGRAMS:
            output(gateway.BIN / program, "gen-docs", "--man", self.folder)
        names = {page.name for page in self.folder.iterdir()}
        self.assertLessEqual({"nokv.1", "nokv-get.1", "nokv-redis.1", "nokv-sim-crash.1"}, names)
        for page in self.folder.iterdir():
            text = page.read_text()
            for section in ("NAME", "SYNOPSIS", "EXAMPLES", "DESCRIPTION", "OPTIONS",
                            "EXIT STATUS"):
                self.assertIn(f".SH {section}\n", text, page.name)
            if shutil.which("groff"):
                warnings = subprocess.run(["groff", "-man", "-Tutf8", "-ww", page], check=True,
                                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE).stderr
                self.assertEqual(warnings, b"", page.name)
        self.assertIn("\\-\\-redis\\-db N", (self.folder / "nokv-get.1").read_text())

    def test_the_reference_is_what_the_programs_say(self):
        for program in PROGRAMS:
            output(gateway.BIN / program, "gen-docs", "--markdown", self.folder)
            self.assertEqual(
                (ROOT / "docs/reference" / (program + ".md")).read_text(),
                (self.folder / (program + ".md")).read_text(),
                f"renew it: build/bin/{program} gen-docs --markdown docs/reference")


class ErrorPagesTest(unittest.TestCase):

    def test_every_number_in_the_sources_has_a_page_and_every_page_a_number(self):
        used = set()
        for path in sorted(ROOT.glob("src/**/*.cc")) + sorted(ROOT.glob("src/**/*.h")):
            if path.name.endswith("_test.cc"):
                continue
            text = path.read_text()
            used |= set(re.findall(r"WithErrorNumber\((\d{4})\)", text))
            for name in re.findall(r"WithErrorNumber\((k\w+)\)", text):
                used |= set(re.findall(rf"\b{name} = (\d{{4}})\b", text))
        pages = set(re.findall(r"^## E(\d{4}):", (ROOT / "docs/errors.md").read_text(), re.M))
        self.assertEqual(used, pages)
        for number in sorted(pages):
            text = output(gateway.BIN / "nokv", "help", "E" + number)
            self.assertTrue(text.startswith(f"E{number}: "), text)
            self.assertEqual(output(gateway.BIN / "nokv-redis", "help", "e" + number), text)


if __name__ == "__main__":
    unittest.main()

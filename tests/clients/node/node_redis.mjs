// node-redis with its defaults: RESP3 handshake, strings, expiry, scan, pipelines, transactions,
// scripts, publish and subscribe.
import { createClient, defineScript } from 'redis';
import { assert, nextMessage, runChecks, url } from './check.mjs';

const addScript = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: "return redis.call('GET', KEYS[1]) + ARGV[1]",
  parseCommand(parser, key, amount) {
    parser.pushKey(key);
    parser.push(String(amount));
  },
  transformReply: (reply) => reply,
});

const client = createClient({ url, scripts: { add: addScript } });
client.on('error', () => {});
const key = (name) => `node-redis:${name}`;

await runChecks({
  async connect() {
    await client.connect();
    assert.equal(await client.ping(), 'PONG');
  },
  async 'set and get'() {
    assert.equal(await client.set(key('a'), 'value'), 'OK');
    assert.equal(await client.get(key('a')), 'value');
    assert.equal(await client.get(key('missing')), null);
    assert.equal(await client.set(key('a'), 'other', { condition: 'NX' }), null);
    assert.deepEqual(await client.mGet([key('a'), key('missing')]), ['value', null]);
    assert.equal(await client.incrBy(key('n'), 41), 41);
    assert.equal(await client.incr(key('n')), 42);
  },
  async expire() {
    await client.set(key('e'), 'x', { expiration: { type: 'EX', value: 100 } });
    assert.ok((await client.ttl(key('e'))) > 90);
    assert.equal(await client.expire(key('a'), 50), 1);
    assert.equal(await client.persist(key('a')), 1);
    assert.equal(await client.ttl(key('a')), -1);
  },
  async scan() {
    const wanted = new Set();
    for (let i = 0; i < 250; i += 1) wanted.add(key(`scan:${i}`));
    await client.mSet([...wanted].map((name) => [name, '1']));
    const seen = new Set();
    for await (const names of client.scanIterator({ MATCH: key('scan:*'), COUNT: 50 })) {
      for (const name of names) seen.add(name);
    }
    assert.deepEqual(seen, wanted);
    assert.equal(await client.del([...wanted]), 250);
  },
  async pipeline() {
    const replies = await Promise.all([...Array(100).keys()].map((i) => client.set(key(`p${i}`), i)));
    assert.ok(replies.every((reply) => reply === 'OK'));
    const piped = client.multi();
    for (let i = 0; i < 100; i += 1) piped.get(key(`p${i}`));
    assert.deepEqual(await piped.execAsPipeline(), [...Array(100).keys()].map(String));
  },
  async transaction() {
    const replies = await client.multi().set(key('t'), '1').incr(key('t')).get(key('t')).exec();
    assert.deepEqual(replies, ['OK', 2, '2']);
  },
  async 'watch notices another client'() {
    const other = await client.duplicate().connect();
    await other.watch(key('w'));
    await client.set(key('w'), 'changed');
    await assert.rejects(other.multi().set(key('w'), 'mine').exec(), /watch/i);
    assert.equal(await client.get(key('w')), 'changed');
    other.destroy();
  },
  async script() {
    await client.set(key('s'), '40');
    assert.equal(await client.add(key('s'), 2), 42);
    assert.deepEqual(
      await client.eval('return {KEYS[1], ARGV[1]}', { keys: ['k'], arguments: ['v'] }), ['k', 'v']);
  },
  async 'publish and subscribe'() {
    const listener = await client.duplicate().connect();
    const direct = nextMessage((done) => listener.subscribe('news', (text) => done(text)));
    const pattern = nextMessage((done) => listener.pSubscribe('new*', (text, channel) => done([channel, text])));
    await listener.ping();
    assert.equal(await client.publish('news', 'hello'), 2);
    assert.equal(await direct, 'hello');
    assert.deepEqual(await pattern, ['news', 'hello']);
    listener.destroy();
  },
}, () => client.close());

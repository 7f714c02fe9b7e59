// ioredis with its defaults; IOREDIS names the package, so that two major versions are tried.
import { assert, nextMessage, port, runChecks } from './check.mjs';

const { default: Redis } = await import(process.env.IOREDIS ?? 'ioredis');
const client = new Redis(port, '127.0.0.1');
client.on('error', () => {});
const key = (name) => `ioredis:${name}`;

await runChecks({
  async connect() {
    assert.equal(await client.ping(), 'PONG');
    assert.equal(client.status, 'ready');
  },
  async 'set and get'() {
    assert.equal(await client.set(key('a'), 'value'), 'OK');
    assert.equal(await client.get(key('a')), 'value');
    assert.equal(await client.get(key('missing')), null);
    assert.deepEqual(await client.getBuffer(key('a')), Buffer.from('value'));
    assert.equal(await client.set(key('a'), 'x', 'NX'), null);
    await client.mset({ [key('b')]: '2', [key('c')]: '3' });
    assert.deepEqual(await client.mget(key('b'), key('c'), key('missing')), ['2', '3', null]);
  },
  async expire() {
    await client.set(key('e'), 'x', 'PX', 100000);
    assert.ok((await client.pttl(key('e'))) > 90000);
    assert.equal(await client.expire(key('a'), 50), 1);
    assert.equal(await client.ttl(key('missing')), -2);
  },
  async scan() {
    for (let i = 0; i < 250; i += 1) await client.set(key(`scan:${i}`), i);
    const seen = new Set();
    for await (const names of client.scanStream({ match: key('scan:*'), count: 50 })) {
      for (const name of names) seen.add(name);
    }
    assert.equal(seen.size, 250);
    assert.equal(await client.unlink(...seen), 250);
  },
  async pipeline() {
    const pipeline = client.pipeline();
    for (let i = 0; i < 100; i += 1) pipeline.set(key(`p${i}`), i).get(key(`p${i}`));
    const replies = await pipeline.exec();
    assert.equal(replies.length, 200);
    assert.deepEqual(replies[199], [null, '99']);
  },
  async transaction() {
    const replies = await client.multi().set(key('t'), '1').incr(key('t')).exec();
    assert.deepEqual(replies, [[null, 'OK'], [null, 2]]);
    const broken = await client.multi().set(key('t'), 'word').incr(key('t')).exec();
    assert.match(broken[1][0].message, /not an integer/);
    await assert.rejects(client.multi().call('nosuchcommand').exec(), /EXECABORT/);
  },
  async 'watch notices another client'() {
    const other = client.duplicate();
    await other.watch(key('w'));
    await client.set(key('w'), 'changed');
    assert.equal(await other.multi().set(key('w'), 'mine').exec(), null);
    other.disconnect();
  },
  async script() {
    client.defineCommand('double', { numberOfKeys: 1, lua: "return redis.call('GET', KEYS[1]) * 2" });
    await client.set(key('s'), '21');
    assert.equal(await client.double(key('s')), 42);
    await client.script('FLUSH');
    assert.equal(await client.double(key('s')), 42);  // EVALSHA, NOSCRIPT, EVAL
  },
  async 'publish and subscribe'() {
    const listener = client.duplicate();
    const message = nextMessage(async (done) => {
      listener.on('message', (channel, text) => done([channel, text]));
    });
    assert.equal(await listener.subscribe('io-news'), 1);
    assert.equal(await client.publish('io-news', 'hello'), 1);
    assert.deepEqual(await message, ['io-news', 'hello']);
    listener.disconnect();
  },
}, () => client.quit());

// valkey-glide with its defaults.
import { Batch, GlideClient, Script, TimeUnit } from '@valkey/valkey-glide';
import { assert, nextMessage, port, runChecks } from './check.mjs';

const addresses = [{ host: '127.0.0.1', port }];
let client;
const key = (name) => `glide:${name}`;

await runChecks({
  async connect() {
    client = await GlideClient.createClient({ addresses, requestTimeout: 10000 });
    assert.equal(await client.ping(), 'PONG');
  },
  async 'set and get'() {
    assert.equal(await client.set(key('a'), 'value'), 'OK');
    assert.equal(await client.get(key('a')), 'value');
    assert.equal(await client.get(key('missing')), null);
    assert.equal(await client.incrBy(key('n'), 42), 42);
    assert.equal(await client.mset({ [key('b')]: '2', [key('c')]: '3' }), 'OK');
    assert.deepEqual(await client.mget([key('b'), key('c'), key('missing')]), ['2', '3', null]);
  },
  async expire() {
    await client.set(key('e'), 'x', { expiry: { type: TimeUnit.Seconds, count: 100 } });
    assert.ok((await client.ttl(key('e'))) > 90);
    assert.equal(await client.expire(key('a'), 50), true);
    assert.equal(await client.persist(key('a')), true);
  },
  async scan() {
    for (let i = 0; i < 100; i += 1) await client.set(key(`scan:${i}`), '1');
    const seen = new Set();
    let cursor = '0';
    do {
      const [next, names] = await client.scan(cursor, { match: key('scan:*'), count: 20 });
      cursor = next;
      for (const name of names) seen.add(name);
    } while (cursor !== '0');
    assert.equal(seen.size, 100);
  },
  async pipeline() {
    const batch = new Batch(false);
    for (let i = 0; i < 50; i += 1) batch.set(key(`p${i}`), String(i)).get(key(`p${i}`));
    const replies = await client.exec(batch, true);
    assert.equal(replies.length, 100);
    assert.equal(replies[99], '49');
  },
  async transaction() {
    const replies = await client.exec(new Batch(true).set(key('t'), '1').incr(key('t')), true);
    assert.deepEqual(replies, ['OK', 2]);
  },
  async 'watch notices another client'() {
    const other = await GlideClient.createClient({ addresses, requestTimeout: 10000 });
    await other.watch([key('w')]);
    await client.set(key('w'), 'changed');
    assert.equal(await other.exec(new Batch(true).set(key('w'), 'mine'), true), null);
    other.close();
  },
  async script() {
    const script = new Script("return {KEYS[1], ARGV[1]}");
    assert.deepEqual(await client.invokeScript(script, { keys: ['k'], args: ['v'] }), ['k', 'v']);
  },
  async 'publish and subscribe'() {
    let listener;
    const message = nextMessage(async (done) => {
      listener = await GlideClient.createClient({
        addresses,
        requestTimeout: 10000,
        pubsubSubscriptions: {
          channelsAndPatterns: { 0: new Set(['glide-news']) },
          callback: (received) => done([received.channel, received.message]),
        },
      });
    });
    while (listener === undefined || (await client.publish('hello', 'glide-news')) === 0) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.deepEqual(await message, ['glide-news', 'hello']);
    listener.close();
  },
}, async () => client.close());

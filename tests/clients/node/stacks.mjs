// Whole stacks over the gateway: what a service does with keyv, connect-redis, redlock,
// rate-limiter-flexible and the socket.io adapter.
import { createServer } from 'node:http';
import KeyvRedis from '@keyv/redis';
import { createAdapter } from '@socket.io/redis-adapter';
import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import Redis from 'ioredis5';
import Keyv from 'keyv';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { createClient } from 'redis';
import Redlock from 'redlock';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { assert, nextMessage, port, runChecks, url } from './check.mjs';

const client = createClient({ url });
client.on('error', () => {});
await client.connect();
const ioClients = [];
const newIoredis = () => {
  const made = new Redis(port, '127.0.0.1');
  made.on('error', () => {});
  ioClients.push(made);
  return made;
};

const listen = (server) => new Promise((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve(server.address().port));
});

await runChecks({
  async 'keyv keeps, expires, iterates and clears'() {
    const keyv = new Keyv(new KeyvRedis(url), { namespace: 'keyv-test' });
    await keyv.set('a', { n: 1 });
    await keyv.set('b', 'two', 60000);
    assert.deepEqual(await keyv.get('a'), { n: 1 });
    assert.deepEqual(await keyv.get(['a', 'b']), [{ n: 1 }, 'two']);
    const names = new Set();
    for await (const [name] of keyv.iterator()) names.add(name);
    assert.deepEqual(names, new Set(['a', 'b']));
    assert.equal(await keyv.delete('a'), true);
    assert.equal(await keyv.get('a'), undefined);
    await keyv.clear();
    assert.equal(await keyv.get('b'), undefined);
    await keyv.disconnect();
  },

  async 'connect-redis carries a session from request to request'() {
    const store = new RedisStore({ client, prefix: 'session:' });
    const app = express();
    app.use(session({ store, secret: 'test', resave: false, saveUninitialized: false }));
    app.get('/', (request, response) => {
      request.session.views = (request.session.views ?? 0) + 1;
      response.json({ views: request.session.views });
    });
    app.get('/out', (request, response) => request.session.destroy(() => response.json({})));
    const server = createServer(app);
    const base = `http://127.0.0.1:${await listen(server)}`;
    const first = await fetch(base);
    const cookie = first.headers.get('set-cookie').split(';')[0];
    assert.deepEqual(await first.json(), { views: 1 });
    const get = async (path) => (await fetch(base + path, { headers: { cookie } })).json();
    assert.deepEqual(await get('/'), { views: 2 });
    const [name] = await client.keys('session:*');
    assert.ok((await client.ttl(name)) > 80000);
    assert.equal((await store.all()).length, 1);
    await get('/out');
    assert.equal(await client.exists(name), 0);
    server.closeAllConnections();
    server.close();
  },

  async 'redlock excludes, extends and releases'() {
    const redlock = new Redlock([newIoredis()], { retryCount: 0 });
    const lock = await redlock.lock('locks:job', 10000);
    await assert.rejects(redlock.lock('locks:job', 10000), /unable to lock|exceeded/i);
    const longer = await lock.extend(20000);
    assert.ok((await client.pTTL('locks:job')) > 10000);
    await longer.unlock();
    assert.equal(await client.exists('locks:job'), 0);
    const again = await redlock.lock('locks:job', 10000);
    await again.unlock();
  },

  async 'rate-limiter-flexible counts and refuses'() {
    const limiter = new RateLimiterRedis({
      storeClient: newIoredis(), keyPrefix: 'limit', points: 5, duration: 30,
    });
    const outcomes = await Promise.allSettled(
      [...Array(8)].map(() => limiter.consume('user', 1)));
    assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 5);
    const refused = outcomes.find((outcome) => outcome.status === 'rejected').reason;
    assert.ok(refused.msBeforeNext > 0 && refused.msBeforeNext <= 30000);
    assert.equal((await limiter.get('user')).consumedPoints, 8);
    await limiter.delete('user');
    assert.equal(await limiter.get('user'), null);
  },

  async 'socket.io reaches the clients of another server'() {
    const servers = [];
    for (let i = 0; i < 2; i += 1) {
      const http = createServer();
      const publisher = client.duplicate();
      const subscriber = client.duplicate();
      await Promise.all([publisher.connect(), subscriber.connect()]);
      const server = new Server(http, { adapter: createAdapter(publisher, subscriber) });
      server.on('connection', (socket) => socket.join('room'));
      servers.push({ server, http, port: await listen(http), redis: [publisher, subscriber] });
    }
    const clients = await Promise.all(servers.map((one) => new Promise((resolve) => {
      const socket = io(`http://127.0.0.1:${one.port}`, { transports: ['websocket'] });
      socket.on('connect', () => resolve(socket));
    })));
    const heard = nextMessage((done) => { clients[1].on('news', done); });
    servers[0].server.to('room').emit('news', { hello: 'world' });
    assert.deepEqual(await heard, { hello: 'world' });
    const everyone = await servers[0].server.in('room').fetchSockets();
    assert.equal(everyone.length, 2);
    for (const socket of clients) socket.disconnect();
    for (const one of servers) {
      await one.server.close();
      await Promise.all(one.redis.map((redis) => redis.close()));
    }
  },
}, async () => {
  for (const made of ioClients) made.disconnect();
  await client.close();
});

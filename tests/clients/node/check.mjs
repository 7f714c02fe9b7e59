// What every client program here shares: named checks, run in order, each with a time limit. Prints
// "ok NAME" or "not ok NAME: why" and ends the process with 1 if any failed.
import assert from 'node:assert/strict';

export { assert };
export const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6380';
export const port = Number(new URL(url).port);
const limitMs = 20000;

export async function runChecks(checks, close) {
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${limitMs / 1000} s`)), limitMs);
    });
    try {
      await Promise.race([check(), late]);
      console.log(`ok ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`not ok ${name}: ${String(error?.stack ?? error).split('\n').slice(0, 3).join(' | ')}`);
    }
    clearTimeout(timer);
  }
  // A client that cannot end its connections must not hang the run.
  setTimeout(() => process.exit(failed > 0 ? 1 : 0), 2000).unref();
  try {
    await close();
  } catch {
    // It may never have been connected; the checks have said so.
  }
  process.exit(failed > 0 ? 1 : 0);
}

// Resolves with the first value that `subscribe` hands to its callback.
export function nextMessage(subscribe) {
  return new Promise((resolve, reject) => {
    Promise.resolve(subscribe(resolve)).catch(reject);
  });
}

import { expect, test } from 'vitest';
import { AnswerStore } from '../../../src/server/http/answer-store.ts';

const never = new AbortController().signal;
const bytes = (n: number) => Promise.resolve(new Uint8Array(n));

/** An evaluation that ends when it is told to. */
function slow() {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const state = { runs: 0, aborted: false };
  return {
    state,
    resolve,
    reject,
    evaluate: (signal: AbortSignal) => {
      state.runs += 1;
      signal.addEventListener('abort', () => {
        state.aborted = true;
        reject(signal.reason);
      });
      return promise;
    },
  };
}

test('one evaluation for those who ask at once and later; another body is a conflict', async () => {
  const store = new AnswerStore({ maxBytes: 100, maxAnswers: 10 });
  const run = slow();
  const first = store.answer('id', 'body', run.evaluate, never);
  const second = store.answer('id', 'body', run.evaluate, never);
  await expect(store.answer('id', 'other', run.evaluate, never)).rejects.toMatchObject({
    code: 'REQUEST_CONFLICT',
    status: 409,
  });
  run.resolve(new Uint8Array(5));
  expect(await first).toBe(await second);
  expect(await store.answer('id', 'body', run.evaluate, never)).toBe(await first);
  expect(run.state.runs).toBe(1);
  expect(store.bytes).toBe(5);
});

test('stops when the last who waits has left, and can be asked again', async () => {
  const store = new AnswerStore({ maxBytes: 100, maxAnswers: 10 });
  const run = slow();
  const [one, two] = [new AbortController(), new AbortController()];
  const first = store.answer('id', 'body', run.evaluate, one.signal);
  const second = store.answer('id', 'body', run.evaluate, two.signal);
  one.abort(new Error('left'));
  await expect(first).rejects.toThrow('left');
  expect(run.state.aborted).toBe(false);
  two.abort(new Error('left too'));
  await expect(second).rejects.toThrow('left too');
  expect(run.state.aborted).toBe(true);
  expect(await store.answer('id', 'other', () => bytes(3), never)).toHaveLength(3);
});

test('a failure is not kept', async () => {
  const store = new AnswerStore({ maxBytes: 100, maxAnswers: 10 });
  const broken = () => Promise.reject(new Error('broken'));
  await expect(store.answer('id', 'body', broken, never)).rejects.toThrow('broken');
  expect(await store.answer('id', 'body', () => bytes(3), never)).toHaveLength(3);
});

test('forgets the oldest answers beyond its bytes and its number', async () => {
  const store = new AnswerStore({ maxBytes: 10, maxAnswers: 3 });
  let runs = 0;
  const ask = (name: string, size: number) =>
    store.answer(name, 'body', () => ((runs += 1), bytes(size)), never);
  await ask('a', 6);
  await ask('b', 4);
  await ask('c', 1);
  expect(store.bytes).toBe(5);
  await ask('b', 4);
  expect(runs).toBe(3);
  await ask('a', 1);
  expect(runs).toBe(4);
  await ask('d', 1);
  expect(store.bytes).toBe(3);
});

test('without a name nothing is kept', async () => {
  const store = new AnswerStore({ maxBytes: 100, maxAnswers: 10 });
  await store.answer(null, 'body', () => bytes(9), never);
  expect(store.bytes).toBe(0);
});

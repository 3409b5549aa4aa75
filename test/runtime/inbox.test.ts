import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { memory, saga } from '../../src/index.ts';
import { readAnswer } from '../../src/runtime/command.ts';
import type { Store } from '../../src/stores/store.ts';
import { Lines } from '../observe/lines.ts';
import { Gate, World } from './harness.ts';

const noop = async () => 1;
let w: World;
afterEach(async () => await w.close());

async function opened(store?: ConstructorParameters<typeof World>[0]) {
  w = new World(store);
  const gate = new Gate();
  const lines = new Lines();
  const s = saga('one', {
    version: 1,
    input: z.object({
      n: z
        .number()
        .transform((n) => ({ n: 1 / n }))
        .refine(({ n }) => {
          if (n < 0) throw new RangeError('n');
          return true;
        }),
    }),
  }).step('a', gate.run, { compensate: noop });
  const engine = await w.open([s], { pollEvery: '50ms', log: { level: 'error', to: lines } });
  return { engine, gate, s, lines };
}

const put = async (id: string, body: string, run = 'r'): Promise<void> => void (await w.store.send({ id, run, body, at: 0 }));
const answerOf = async (id: string): Promise<string | null> => {
  await w.clock.advance(100);
  return (await w.store.inbox(id))?.answer ?? null;
};
/** What the sender is told, as its error or its number. */
const told = async (id: string): Promise<unknown> => {
  const answer = await answerOf(id);
  expect(answer).not.toBeNull();
  try {
    return readAnswer(answer ?? '');
  } catch (error) {
    return error;
  }
};

describe('the inbox', () => {
  it.each([
    ['no JSON', '{"type":'],
    ['nothing', 'null'],
    ['a number', '42'],
  ])('answers an entry that is %s, and goes on with the next', async (_, body) => {
    const { engine, gate } = await opened();
    await put('bad', body);
    await put('good', '{"type":"start","saga":"one","input":{"n":1}}');
    expect(await answerOf('bad')).toContain('"ok":false');
    expect(await told('good')).toEqual({ seq: 1 });
    gate.last.resolve(1);
    expect(await engine.run('r').outcome()).toMatchObject({ status: 'completed' });
  });

  it.each([
    ['no JSON', '{"type":'],
    ['nothing', 'null'],
    ['a signal without a name', '{"type":"signal"}'],
  ])('answers an entry that is %s with a code', async (_, body) => {
    const { engine, gate } = await opened();
    await engine.start('one', { n: 1 }, { id: 'r' });
    await put('bad', body);
    expect(await told('bad')).toMatchObject({ code: 'SC_INBOX', message: expect.stringMatching(/./) });
    gate.last.resolve(1);
  });

  it('answers a start whose schema throws', async () => {
    await opened();
    await put('bad', '{"type":"start","saga":"one","input":{"n":-1}}');
    expect(await told('bad')).toMatchObject({ message: expect.stringContaining('n') });
  });

  it('answers with the code, the message, what to do and whether to try again', async () => {
    await opened();
    await put('s', '{"type":"start","saga":"one","input":{"n":"x"}}');
    expect(await told('s')).toMatchObject({ code: 'SC_INPUT_INVALID', next: 'Correct the input.', retryable: false, message: expect.stringContaining('one') });
    await put('c', '{"type":"cancel"}', 'nobody');
    expect(await told('c')).toMatchObject({ code: 'SC_UNKNOWN_RUN' });
    await put('i', '{"type":"start","saga":"one","input":{"n":1}}', 'x'.repeat(300));
    expect(await told('i')).toMatchObject({ code: 'SC_RUN_ID' });
  });

  it('answers each of several commands in order, those for one run and a refused one too', async () => {
    const { engine, gate } = await opened();
    await put('1', '{"type":"start","saga":"one","input":{"n":1},"labels":{"of":"Ada"}}');
    await put('2', '{"type":"skip","step":"a","reason":"no"}');
    await put('3', '{"type":"cancel","by":"Ann"}');
    await put('4', '{"type":"terminate","by":"Ann"}');
    expect(await told('1')).toEqual({ seq: 1 });
    expect(await engine.run('r').status()).toMatchObject({ labels: { of: 'Ada' }, status: 'terminated' });
    expect(await told('2')).toMatchObject({ code: 'SC_NOT_STUCK' });
    expect(await told('3')).toMatchObject({ seq: expect.any(Number) });
    expect(await told('4')).toMatchObject({ seq: expect.any(Number) });
    gate.last.resolve(1);
  });

  it('answers also what comes just after the command that ends the run', async () => {
    const { gate } = await opened();
    await put('1', '{"type":"start","saga":"one","input":{"n":1}}');
    await put('2', '{"type":"terminate"}');
    await put('3', '{"type":"cancel"}');
    expect(await told('3')).toMatchObject({ code: 'SC_RUN_ENDED' });
    gate.last.resolve(1);
  });

  it('takes an id once, however often it is sent, and an entry once over a restart', async () => {
    const { gate, s } = await opened();
    await put('1', '{"type":"start","saga":"one","input":{"n":1}}');
    await put('1', '{"type":"start","saga":"one","input":{"n":2}}');
    await put('c', '{"type":"cancel"}');
    await answerOf('c');
    await put('c', '{"type":"cancel"}');
    const before = await w.store.journal((await w.store.find('r'))?.number ?? 0);
    gate.last.reject(new Error('stopped'));
    await w.close();
    await w.open([s], { pollEvery: '50ms' });
    await w.clock.advance(100);
    const sent = (await w.store.journal((await w.store.find('r'))?.number ?? 0)).filter(({ text }) => text.includes('"cancel"'));
    expect(before.filter(({ text }) => text.includes('"cancel"'))).toHaveLength(1);
    expect(sent).toHaveLength(1);
  });

  it('of more entries than a page is read to its end', async () => {
    await opened();
    for (let n = 0; n < 230; n++) await put(`c${n}`, '{"type":"cancel"}', `nobody${n}`);
    await w.clock.advance(200);
    expect(await w.store.pending(0, 999)).toEqual([]);
  });

  it('that cannot be read is read again later', async () => {
    let broken = true;
    const { lines } = await opened((clock): Store => {
      const store = memory({ clock });
      const pending = store.pending.bind(store);
      store.pending = async (...asked) => {
        if (broken) throw new Error('no connection');
        return await pending(...asked);
      };
      return store;
    });
    await put('c', '{"type":"cancel"}');
    expect(await answerOf('c')).toBeNull();
    expect(lines.of('the inbox could not be read').length).toBeGreaterThan(0);
    broken = false;
    expect(await told('c')).toMatchObject({ code: 'SC_UNKNOWN_RUN' });
  });
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, memory, StoreError, saga } from '../../src/index.ts';
import type { Archive } from '../../src/runtime/archive.ts';
import { Gate, World } from './harness.ts';

let keys: string[];
const work = saga('work', { version: 1, input: z.object({ n: z.string().transform(Number) }) })
  .read('a', ({ key }) => {
    keys.push(key);
    return key;
  })
  .output(({ input }) => input.n * 2);
const declined = saga('declined', { version: 1, input: z.any() }).pivot('p', () => {
  throw new HardError('no');
});
const gate = new Gate();
const held = saga('held', { version: 1, input: z.any() }).read('a', gate.run);

let w: World;
beforeEach(() => {
  keys = [];
  w = new World();
});
afterEach(async () => await w.close());

const open = (options: Parameters<World['open']>[1] = {}) => w.open([work, declined, held], options);
const ended = async (id: string) => await (await w.engine.start(work, { n: '7' }, { id })).outcome();

describe('purge', () => {
  it('leaves a tombstone of a run that has ended, and nothing else', async () => {
    const engine = await open();
    await ended('r');
    await w.clock.advance(5_000);
    expect(await engine.purge('r', { dryRun: true })).toEqual({ matched: 1, done: 0, failed: 0, failures: [] });
    expect(await engine.purge('r')).toEqual({ matched: 1, done: 1, failed: 0, failures: [] });
    const { number: _, ...tombstone } = { number: 0, ...(await w.store.tombstone('r')) };
    expect(tombstone).toEqual({ id: 'r', saga: 'work', inputHash: expect.any(String), status: 'completed', incarnation: 1, at: w.clock.now() });
    expect(await engine.list()).toEqual([]);
    expect(await w.store.journal(1)).toEqual([]);
    for (const asked of [
      engine.run('r').status(),
      engine.run('r').view(),
      engine.run('r').outcome(),
      engine.run('r').cancel(),
      engine.purge('r'),
      engine.start(work, { n: '7' }, { id: 'r' }),
    ])
      await expect(asked).rejects.toMatchObject({ code: 'SC_RUN_PURGED', details: { status: 'completed', incarnation: 1 } });
    await expect(engine.start(work, { n: '8' }, { id: 'r' })).rejects.toMatchObject({ code: 'SC_RUN_EXISTS' });
    expect(keys).toHaveLength(1);
  });

  it('refuses a run that goes on, and one that was never there', async () => {
    const engine = await open();
    await engine.start(held, null, { id: 'r' });
    await expect(engine.purge('r')).rejects.toMatchObject({ code: 'SC_RUN_ACTIVE' });
    await expect(engine.purge('nobody')).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
    expect(await engine.purge({})).toMatchObject({ matched: 0 });
    expect((await engine.run('r').status()).status).toBe('running');
    gate.last.resolve(1);
  });

  it('takes all that fit a filter, many in one transaction, or only counts them', async () => {
    const batches: number[] = [];
    const commit = w.store.commit.bind(w.store);
    w.store.commit = async (batch) => {
      if (batch.commits.some(({ tombstone }) => tombstone)) batches.push(batch.commits.length);
      return await commit(batch);
    };
    const engine = await open();
    for (let i = 0; i < 45; i++) await ended(`r${i}`);
    await (await engine.start(declined, null, { id: 'd' })).outcome();
    const told: number[] = [];
    expect(await engine.purge({ saga: 'work' }, { dryRun: true })).toEqual({ matched: 45, done: 0, failed: 0, failures: [] });
    expect(await engine.purge({ saga: 'work' }, { progress: ({ done }) => told.push(done) })).toMatchObject({ matched: 45, done: 45 });
    expect(batches).toEqual([20, 20, 5]);
    expect(told).toEqual([20, 40, 45]);
    expect((await engine.list()).map(({ id }) => id)).toEqual(['d']);
  });

  it('that a store refuses is told of each run, and can be asked for again', async () => {
    const engine = await open();
    await ended('r');
    const commit = w.store.commit.bind(w.store);
    w.store.commit = async ({ commits }) => commits.map(() => 'fenced' as const);
    expect(await engine.purge({})).toMatchObject({ matched: 1, done: 0, failed: 1, failures: [{ run: 'r', error: { code: 'SC_RUN_HELD', retryable: true } }] });
    w.store.commit = commit;
    expect(await engine.purge({})).toMatchObject({ done: 1 });
  });

  it('waits for the end of a run whose committer has not heard of it', async () => {
    const engine = await open();
    const run = await engine.start(held, null, { id: 'r' });
    await w.clock.settle();
    const commit = w.store.commit.bind(w.store);
    let lost = true;
    w.store.commit = async (batch) => {
      const verdicts = await commit(batch);
      if (!lost) return verdicts;
      lost = false;
      throw new StoreError('SC_STORE_IO', 'the answer was lost', { retryable: true });
    };
    const outcome = run.outcome();
    gate.last.resolve(1);
    await w.clock.settle();
    expect((await w.store.find('r'))?.status).toBe('completed');
    await expect(engine.purge('r')).rejects.toMatchObject({ code: 'SC_RUN_ACTIVE' });
    await w.clock.advance(1_000);
    expect(await outcome).toMatchObject({ status: 'completed' });
    expect(await engine.purge('r')).toMatchObject({ done: 1 });
  });

  it('is asked for through the inbox, too', async () => {
    const engine = await open({ pollEvery: 1 });
    await ended('r');
    await engine.start(held, null, { id: 'busy' });
    await w.store.send({ id: 'p', run: 'r', body: '{"type":"purge"}', at: 1 });
    await w.store.send({ id: 'q', run: 'busy', body: '{"type":"purge"}', at: 1 });
    await w.clock.advance(10);
    expect(await w.store.inbox('p')).toBeUndefined();
    expect((await w.store.tombstone('r'))?.status).toBe('completed');
    expect((await w.store.inbox('q'))?.answer).toContain('SC_RUN_ACTIVE');
    gate.last.resolve(1);
  });
});

describe('restart', () => {
  it('does the work of a run once more, under its id, with new keys', async () => {
    const engine = await open();
    expect(await ended('r')).toMatchObject({ output: 14 });
    const again = await engine.restart('r');
    // Its input is what the schema made of it then: it is not parsed a second time.
    expect(await again.outcome()).toMatchObject({ status: 'completed', output: 14 });
    expect(keys).toEqual(['sc1:ns/r/1/a/-/1/run', 'sc1:ns/r/2/a/-/1/run']);
    expect((await again.status()).incarnation).toBe(2);
    expect((await engine.list({ ids: ['r'] })).map(({ incarnation }) => incarnation)).toEqual([2, 1]);
    expect((await again.view()).input).toEqual({ n: 7 });
    // Starting it is the same as before.
    await engine.start(work, { n: '7' }, { id: 'r' });
    expect(keys).toHaveLength(2);
  });

  it('takes another input, labels and a version', async () => {
    const second = saga('work', { version: 2, input: z.object({ n: z.number() }) }).read('b', ({ input, key }) => `${key} ${input.n}`);
    const engine = await w.open([work, second]);
    await (await engine.start(work, { n: '7' }, { id: 'r', labels: { of: 'Ann' } })).outcome();
    await expect(engine.restart('r', { version: 2 })).rejects.toMatchObject({ code: 'SC_OPTION' });
    await expect(engine.restart('r', { version: 2, input: { n: 'x' } })).rejects.toMatchObject({ code: 'SC_INPUT_INVALID' });
    await (await engine.restart('r', { input: { n: 8 } })).outcome();
    expect(await engine.run('r').status()).toMatchObject({ version: 2, incarnation: 2, labels: { of: 'Ann' } });
    await (await engine.restart('r', { labels: { of: 'Bob' } })).outcome();
    expect(await engine.run('r').status()).toMatchObject({ version: 2, incarnation: 3, labels: { of: 'Bob' } });
  });

  it('is refused while the run goes on, and where there was none; twice at once is one', async () => {
    const engine = await open();
    await engine.start(held, null, { id: 'r' });
    await expect(engine.restart('r')).rejects.toMatchObject({ code: 'SC_RUN_ACTIVE' });
    await expect(engine.restart('nobody')).rejects.toMatchObject({ code: 'SC_UNKNOWN_RUN' });
    gate.last.resolve(1);
    await engine.run('r').outcome();
    const two = await Promise.allSettled([engine.restart('r'), engine.restart('r')]);
    expect(two.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    gate.last.resolve(1);
    await engine.run('r').outcome();
  });

  it('of a purged run needs its input', async () => {
    const engine = await open();
    await ended('r');
    await engine.purge('r');
    await expect(engine.restart('r')).rejects.toMatchObject({ code: 'SC_RUN_PURGED' });
    await (await engine.restart('r', { input: { n: '7' } })).outcome();
    expect(keys.at(-1)).toBe('sc1:ns/r/2/a/-/1/run');
    await engine.restart('r');
    await engine.run('r').outcome();
    // With a life its earlier ones go, so that none of them is found in its place.
    expect(await engine.purge('r')).toMatchObject({ done: 1 });
    expect(await engine.list()).toEqual([]);
    expect((await w.store.tombstone('r'))?.incarnation).toBe(3);
  });

  it('is asked for through the inbox, once for each entry', async () => {
    await open({ pollEvery: 1 });
    await ended('r');
    const entry = { id: 'x', run: 'r', body: '{"type":"restart","input":{"n":"9"}}', at: 1 };
    await w.store.send(entry);
    await w.clock.advance(10);
    await w.store.send(entry);
    await w.clock.advance(10);
    expect((await w.store.find('r'))?.incarnation).toBe(2);
    expect((await w.store.inbox('x'))?.answer).toBe('{"ok":true,"seq":1}');
  });
});

describe('what belongs to one life of a run', () => {
  const asking = saga('asking', { version: 1, input: z.any(), signals: { go: z.number() } })
    .waitFor('go')
    .read('answer', gate.run);
  const fix = saga('fix', { version: 1, input: z.any() }).read('a', () => 1);

  it('are the ids of its signals, and its pause', async () => {
    const engine = await w.open([asking]);
    const run = await engine.start(asking, null, { id: 'r' });
    await run.signal('go', 1, { id: 'x' });
    await w.clock.settle();
    const before = gate.calls.length;
    await run.pause();
    await run.terminate();
    await engine.restart('r');
    expect(await run.status()).toMatchObject({ incarnation: 2, paused: false });
    await run.signal('go', 2, { id: 'x' });
    await w.clock.settle();
    expect(gate.calls.length).toBe(before + 1);
    gate.last.resolve(1);
    expect(await run.outcome()).toMatchObject({ status: 'completed' });
  });

  it('are its remedies, and its alerts wait to leave when it is purged', async () => {
    let down = true;
    const send = (): void => {
      if (down) throw new Error('down');
    };
    const engine = await w.open([declined, fix], { alerts: [{ name: 'pager', send }], remedies: [{ of: declined, on: 'failure', start: fix }] });
    await (await engine.start(declined, null, { id: 'd' })).outcome();
    await engine.restart('d');
    await engine.run('d').outcome();
    await w.clock.settle();
    expect((await engine.list({ saga: 'fix' })).map(({ id }) => id)).toEqual(['remedy:d/2/failure/p/fix', 'remedy:d/1/failure/p/fix']);
    expect(await engine.purge('d')).toMatchObject({ done: 1 });
    expect(await w.store.outboxCount()).toEqual({ pager: 2 });
    down = false;
    await w.clock.advance(3_600_000);
    expect(await w.store.outboxCount()).toEqual({});
  });
});

describe('retention', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sagachart-archive-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const lines = (file: string): Record<string, unknown>[] =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('purges runs a while after their end, by how they ended', async () => {
    const engine = await open({ retention: { completed: '1h', every: '10s' } });
    await ended('r');
    await (await engine.start(declined, null, { id: 'd' })).outcome();
    await w.clock.advance(3_590_000);
    expect(await engine.list()).toHaveLength(2);
    await w.clock.advance(30_000);
    expect((await engine.list()).map(({ id }) => id)).toEqual(['d']);
  });

  it('archives each as one line, with everything that was stored of it, before it is purged', async () => {
    const file = join(directory, 'runs.jsonl');
    await open({ retention: { completed: 0, failed: '1d', archive: file, every: '10s' } });
    await ended('r');
    await w.engine.restart('r');
    await w.engine.run('r').outcome();
    const journal = await w.store.journal(2);
    await w.clock.advance(10_000);
    // A real file takes its time; closing waits for the sweep.
    await w.engine.close();
    const all = lines(file);
    expect(all.map(({ run }) => (run as { incarnation: number }).incarnation).sort()).toEqual([1, 2]);
    expect(all.at(-1)).toMatchObject({ format: 1, archivedAt: 1_010_000, input: { n: 7 }, run: { id: 'r', saga: 'work', status: 'completed' } });
    expect(all.find(({ run }) => (run as { incarnation: number }).incarnation === 2)?.journal).toEqual(journal);
    expect(await w.store.list({})).toEqual([]);
  });

  it('purges nothing that could not be archived, and says so; later it is', async () => {
    let broken = true;
    const written: string[] = [];
    const archive: Archive = {
      write: async (text) => {
        written.push(text);
      },
      sync: async () => {
        if (broken) throw new Error('no room');
        written.push('sync');
      },
      close: async () => {},
    };
    const order: string[] = [];
    const commit = w.store.commit.bind(w.store);
    w.store.commit = async (batch) => {
      if (batch.commits.some(({ tombstone }) => tombstone)) order.push(written.at(-1) ?? '');
      return await commit(batch);
    };
    const engine = await open({ retention: { completed: 0, archive, every: '10s' } });
    await ended('r');
    await w.clock.advance(10_000);
    expect(await engine.list()).toHaveLength(1);
    broken = false;
    await w.clock.advance(10_000);
    expect(await engine.list()).toEqual([]);
    expect(order).toEqual(['sync']);
  });

  it('a file that ends in the middle of a line goes on with a line of its own', async () => {
    const file = join(directory, 'runs.jsonl');
    writeFileSync(file, '{"format":1,"run":{"i');
    const engine = await open();
    await ended('r');
    await engine.purge('r', { archive: file });
    await ended('s');
    await engine.purge({}, { archive: file });
    expect(
      readFileSync(file, 'utf8')
        .split('\n')
        .slice(1, 3)
        .map((line) => (JSON.parse(line) as { run: { id: string } }).run.id),
    ).toEqual(['r', 's']);
    await ended('t');
    await expect(engine.purge('t', { archive: join(directory, 'no/such/file') })).rejects.toMatchObject({ code: 'SC_ARCHIVE', retryable: true });
    expect((await engine.run('t').status()).status).toBe('completed');
  });

  it('takes a few at a time, and the runs that go on are not held up', async () => {
    let most = 0;
    const commit = w.store.commit.bind(w.store);
    w.store.commit = async (batch) => {
      most = Math.max(most, batch.commits.filter(({ tombstone }) => tombstone).length);
      return await commit(batch);
    };
    const engine = await open({ retention: { completed: 0, every: '10s' } });
    for (let i = 0; i < 70; i++) await ended(`r${i}`);
    await w.clock.advance(10_000);
    expect(await engine.list()).toEqual([]);
    expect(most).toBe(20);
  });

  it('says what is wrong with its options', async () => {
    const refused = async (retention: object) => await expect(w.open([work], { retention } as never)).rejects.toMatchObject({ code: 'SC_OPTION' });
    await refused({ running: '1d' });
    await refused({ every: '10ms' });
    await expect(w.open([work], { retention: { failed: 'soon' } } as never)).rejects.toMatchObject({ code: 'SC_DEFINITION_DURATION' });
    await open();
  });
});

describe('a store that is shared with another worker', () => {
  it('keeps what the other has not let go', async () => {
    const shared = memory({ clock: w.clock });
    w = new World(() => shared);
    const engine = await open();
    await ended('r');
    const other = await shared.join({ name: 'other', pid: 1, host: 'x', since: 1, leaseMs: 60_000 });
    await w.clock.advance(1);
    await shared.claimRun(other, 'r', w.clock.now());
    expect(await engine.purge({})).toMatchObject({ failed: 1, failures: [{ error: { code: 'SC_RUN_HELD' } }] });
  });
});

import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { HardError, saga } from '../../src/index.ts';
import { FileWorld, setting } from '../promises/setting.ts';

const worlds = setting();

/** What a service that honors keys knows: whether what came under a key stands. */
class Ledger {
  readonly standing: Map<string, boolean>;
  readonly done: Map<string, number>;
  readonly undone: Map<string, number>;

  constructor(standing: Iterable<[string, boolean]> = [], done: Iterable<[string, number]> = [], undone: Iterable<[string, number]> = []) {
    this.standing = new Map(standing);
    this.done = new Map(done);
    this.undone = new Map(undone);
  }

  copy(): Ledger {
    return new Ledger(this.standing, this.done, this.undone);
  }

  do(key: string): void {
    if (this.standing.get(key) === undefined) this.done.set(key, (this.done.get(key) ?? 0) + 1);
    if (this.standing.get(key) !== false) this.standing.set(key, true);
  }

  undo(key: string): void {
    if (this.standing.get(key)) this.undone.set(key, (this.undone.get(key) ?? 0) + 1);
    this.standing.set(key, false);
  }

  get left(): readonly string[] {
    return [...this.standing].filter(([, stands]) => stands).map(([key]) => key);
  }
}

const input = z.object({ items: z.number(), failing: z.number().nullable() });

/** An item of which the first attempt is never heard of, one that is refused at the end, and the rest. */
const work = saga('work', { version: 1, input, services: {} as { carries?: Ledger } })
  .map(
    'parts',
    ({ input: { items } }) => Array.from({ length: items }, (_, i) => i),
    ({ index, key, attempt, input: { failing }, services }) => {
      if (index === failing) throw new HardError('no');
      services.do(key);
      if (index === 1 && attempt === 1) throw new Error('reset');
      return { index };
    },
    {
      compensate: ({ runKey, outcome, index, attempt, services }) => {
        if (outcome.result !== undefined && outcome.result.index !== index) throw new HardError('the result of another item');
        services.undo(runKey);
        if (index === 2 && attempt === 1) throw new Error('reset');
      },
      concurrency: 2,
      retry: { attempts: 3, from: '1s', to: '1s', jitter: 'none' },
    },
  )
  .output(({ results }) => results.parts.map(({ index }) => index));

interface Cut {
  readonly path: string;
  readonly ledger: Ledger;
}

const directory = mkdtempSync(join(tmpdir(), 'sagachart-map-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs it once, and takes what a power cut would leave after each commit, before and after what that commit demands has been done. */
async function cuts(given: z.infer<typeof input>): Promise<readonly Cut[]> {
  const world = worlds.file();
  const ledger = new Ledger();
  const all: Cut[] = [];
  const cut = (): void => {
    const path = join(mkdtempSync(join(directory, 'cut-')), 'runs.db');
    for (const end of ['', '-wal']) copyFileSync(world.path + end, path + end);
    all.push({ path, ledger: ledger.copy() });
  };
  const commit = world.store.commit.bind(world.store);
  world.store.commit = async (batch) => {
    if (batch.commits[0]?.seq !== 1) cut();
    const verdicts = await commit(batch);
    cut();
    return verdicts;
  };
  const engine = await world.open([work], { services: ledger });
  const run = await engine.start(work, given, { id: 'r' });
  await world.clock.advance(60_000);
  await run.outcome();
  // The last one is of a run that has ended.
  return all.slice(0, -1);
}

async function goOn({ path, ledger }: Cut) {
  const world = new FileWorld(path);
  const engine = await world.open([work], { services: ledger });
  const ending = engine.run('r').outcome();
  await world.clock.advance(120_000);
  const outcome = await ending;
  await world.close();
  return outcome;
}

describe('a map whose process dies after any commit', () => {
  it('is done in the end, each item once', async () => {
    const all = await cuts({ items: 5, failing: null });
    expect(all.length).toBeGreaterThan(14);
    for (const cut of all) {
      await expect(goOn(cut)).resolves.toMatchObject({ status: 'completed', output: [0, 1, 2, 3, 4] });
      expect([...cut.ledger.done.values()]).toEqual([1, 1, 1, 1, 1]);
      expect(cut.ledger.left.length).toBe(5);
    }
  }, 60_000);

  it('leaves nothing behind when it failed, and undoes each item once', async () => {
    const all = await cuts({ items: 8, failing: 4 });
    expect(all.length).toBeGreaterThan(20);
    for (const cut of all) {
      await expect(goOn(cut)).resolves.toMatchObject({ status: 'compensated', failure: { message: 'parts[4]: no' }, left: [] });
      expect(cut.ledger.left).toEqual([]);
      expect(new Set(cut.ledger.undone.values())).toEqual(new Set([1]));
      expect([...cut.ledger.undone.keys()].sort()).toEqual([...cut.ledger.done.keys()].sort());
    }
  }, 60_000);
});

describe('ten thousand items', () => {
  it('are done, a hundred at a time, and their results are there', async () => {
    const world = worlds.file();
    const ledger = new Ledger();
    const many = saga('many', { version: 1, input, services: {} as { carries?: Ledger } })
      .map(
        'parts',
        ({ input: { items } }) => Array.from({ length: items }, (_, i) => i),
        ({ index, key, services }) => {
          services.do(key);
          return index;
        },
        { compensate: ({ runKey, services }) => services.undo(runKey), concurrency: 100 },
      )
      .output(({ results }) => results.parts.reduce((sum, one) => sum + one, 0));
    const engine = await world.open([many], { services: ledger });
    const run = await engine.start(many, { items: 10_000, failing: null }, { id: 'r' });
    await expect(run.outcome()).resolves.toMatchObject({ status: 'completed', output: 49_995_000 });
    expect(ledger.left.length).toBe(10_000);
  }, 60_000);

  it('are undone once each when one in the middle fails, and the store says so when it is opened again', async () => {
    const world = worlds.file();
    const ledger = new Ledger();
    const many = saga('many', { version: 1, input, services: {} as { carries?: Ledger } }).map(
      'parts',
      ({ input: { items } }) => Array.from({ length: items }, (_, i) => i),
      ({ index, key, input: { failing }, services }) => {
        if (index === failing) throw new HardError('no');
        services.do(key);
        return index;
      },
      { compensate: ({ runKey, services }) => services.undo(runKey), concurrency: 100 },
    );
    const engine = await world.open([many], { services: ledger });
    const run = await engine.start(many, { items: 10_000, failing: 5_000 }, { id: 'r' });
    await expect(run.outcome()).resolves.toMatchObject({ status: 'compensated', failure: { message: 'parts[5000]: no' }, left: [] });
    expect(ledger.left).toEqual([]);
    expect(ledger.done.size).toBeGreaterThanOrEqual(5_000);
    expect(ledger.undone.size).toBe(ledger.done.size);
    expect(new Set(ledger.undone.values())).toEqual(new Set([1]));
    await world.close();
    const { store } = world;
    await store.open();
    const row = await store.find('r');
    expect(row?.status).toBe('compensated');
    const states = new Map<string, number>();
    for (let from = 0; ; ) {
      const page = await store.items(row?.number ?? 0, { step: 0, round: 1, from, limit: 1_000 });
      if (page.length === 0) break;
      for (const { state } of page) states.set(state, (states.get(state) ?? 0) + 1);
      from = (page.at(-1)?.index ?? 0) + 1;
    }
    expect(states.get('undone')).toBe(ledger.done.size);
    expect([...states.keys()].sort()).toEqual(['refused', 'undone']);
    await store.close();
  }, 60_000);
});

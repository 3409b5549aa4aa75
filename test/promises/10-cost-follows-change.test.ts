import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import type { AnySaga } from '../../src/saga/any-saga.ts';
import type { Commit } from '../../src/stores/store.ts';
import { Gate } from '../runtime/harness.ts';
import { Disk, setting } from './setting.ts';

const worlds = setting();
const bytesOf = (commit: Commit | undefined): number => JSON.stringify(commit ?? null).length;
/** Recognizable, and as large as a real answer. */
const resultOf = (step: number): string => `result of step ${step}: ${'x'.repeat(300)}`;

const chain = (steps: number): AnySaga => {
  let made: AnySaga = saga('chain', { version: 1, input: z.any() });
  for (let step = 1; step <= steps; step++) made = made.read(`s${step}` as never, async () => resultOf(step));
  return made;
};

/** A thousand steps take a while to compile on a busy machine. */
const LONG = 60_000;

describe('10. cost follows change', () => {
  it(
    'the 900th step of a run writes what the 10th wrote, and no result is written twice',
    async () => {
      const w = worlds.memory();
      const disk = new Disk(w.store);
      const s = chain(1_000);
      const engine = await w.open([s]);
      const run = await engine.start(s, null);
      expect(await run.outcome()).toMatchObject({ status: 'completed' });
      const commits = disk.batches.flatMap(({ commits }) => commits);
      expect(commits).toHaveLength(1_001);
      const ordinary = (from: number): number[] =>
        commits.slice(from, from + 10).map(({ base: _, ...commit }) => {
          // An ordinary commit is its difference alone: the run's row is not written.
          expect(commit.standing).toBeUndefined();
          return bytesOf(commit);
        });
      const [early, late] = [Math.max(...ordinary(10)), Math.max(...ordinary(900))];
      expect(early).toBeLessThan(1_000);
      expect(late).toBeLessThan(early * 1.1);

      const journal = commits.map(({ entry }) => entry.text).join('\n');
      for (const step of [1, 10, 500, 900]) expect(journal.split(`result of step ${step}:`)).toHaveLength(2);
      // Full snapshots are written when the differences have grown as large as the last one, so in all they cost a constant factor.
      const snapshots = commits.reduce((sum, { base }) => sum + (base?.text.length ?? 0), 0);
      expect(snapshots).toBeLessThan(journal.length * 2.5);
      expect(commits.filter(({ base }) => base)).not.toHaveLength(0);
    },
    LONG,
  );

  it('an attempt that fails writes its failure, not the run', async () => {
    const w = worlds.memory();
    const disk = new Disk(w.store);
    const gate = new Gate();
    const s = saga('big', { version: 1, input: z.any() })
      .step('load', async () => 'y'.repeat(100_000), { compensate: () => {} })
      .step('call', gate.run, { compensate: () => {}, retry: { attempts: 'forever', from: '1ms', jitter: 'none' } });
    const engine = await w.open([s]);
    const run = await engine.start(s, { text: 'z'.repeat(100_000) });
    await w.clock.settle();
    const before = disk.batches.length;
    gate.last.reject(new Error('no'));
    await w.clock.advance(1);
    const after = disk.batches.slice(before).flatMap(({ commits }) => commits);
    expect(after).toHaveLength(2);
    // A failure holds the input it was about, cut at 2,000 characters, and its stack, cut at 4,000.
    expect(after.reduce((sum, commit) => sum + bytesOf(commit), 0)).toBeLessThan(10_000);
    gate.last.resolve(1);
    await run.outcome();
  });

  it('sleeping runs are not in memory, and cost a transition of another run nothing', async () => {
    const w = worlds.memory();
    const disk = new Disk(w.store);
    const gate = new Gate();
    const sleepy = saga('sleepy', { version: 1, input: z.any() }).sleep('1d');
    const busy = saga('busy', { version: 1, input: z.any() }).step('a', gate.run, { compensate: () => {} });
    const engine = await w.open([sleepy, busy]);
    await Promise.all(Array.from({ length: 300 }, (_, n) => engine.start(sleepy, n)));
    await w.clock.settle();
    expect(engine.load()).toMatchObject({ runs: 0, attempts: 0 });
    const run = await engine.start(busy, null);
    const before = disk.batches.length;
    gate.last.resolve(1);
    await run.outcome();
    expect(disk.batches.slice(before).map(({ commits }) => commits.length)).toEqual([1]);
    expect(await w.store.count()).toEqual({ sleeping: 300, completed: 1 });
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandLine, until } from '../processes.ts';

interface Shown extends Record<string, unknown> {
  readonly attention: boolean;
  readonly status: string;
  readonly timeline: readonly { readonly step: string; readonly kind: string; readonly outcome: string }[];
}

describe('a run that needs a person', () => {
  const cli = new CommandLine();
  const show = async (id: string): Promise<Shown> => (await cli.json('show', id)) as Shown;
  const stuck = async (id: string, undos: number): Promise<Shown> =>
    await until(async () => {
      const shown = await show(id);
      const tried = shown.timeline.filter(({ kind, outcome }) => kind === 'undo' && outcome === 'failed');
      return shown.attention && tried.length === undos ? shown : undefined;
    });
  const ended = async (id: string): Promise<Shown> =>
    await until(async () => {
      const shown = await show(id);
      return shown.endedAt === null ? undefined : shown;
    });

  beforeAll(async () => {
    await cli.executor();
    await cli.json('start', 'stuck', '1', '--id', 'skipped');
    await cli.json('start', 'stuck', '1', '--id', 'resolved');
  });
  afterAll(() => cli.remove());

  it('says so in show and list', async () => {
    expect(await stuck('skipped', 1)).toMatchObject({
      status: 'compensating',
      states: ['compensating.a.attention'],
      outcome: null,
      timeline: [
        { step: 'a', kind: 'run', outcome: 'succeeded', error: null },
        { step: 'p', kind: 'run', outcome: 'failed', error: { code: 'HardError', message: 'declined', class: 'hard', effect: 'none' } },
        { step: 'a', kind: 'undo', outcome: 'failed', error: { message: 'no undo' } },
      ],
      context: { input: 1, cause: { kind: 'failure', step: 'p' } },
    });
    await stuck('resolved', 1);
    expect((await cli.json('list', '--attention')).runs).toMatchObject([{ id: 'resolved' }, { id: 'skipped' }]);
  });

  it('retry tries the undo again; it is stuck again', async () => {
    expect(await cli.json('retry', 'skipped')).toMatchObject({ command: 'retry', seq: expect.any(Number) });
    expect((await stuck('skipped', 2)).timeline.at(-1)).toMatchObject({ step: 'a', kind: 'undo', attempt: 2 });
  });

  it('skip ends it, and what was given up stays listed', async () => {
    await cli.json('skip', 'skipped', 'a', '--reason', 'written off', '--by', 'Ann');
    expect(await ended('skipped')).toMatchObject({
      status: 'compensated',
      attention: false,
      outcome: { status: 'compensated', step: 'p', left: [{ step: 'a', what: 'undo skipped' }] },
    });
    expect(JSON.stringify((await cli.json('journal', 'skipped')).entries)).toContain('"by":"Ann","reason":"written off"');
  });

  it('resolve ends it, and what a person did stays listed', async () => {
    await cli.json('resolve', 'resolved', 'a', '--by', 'Bob');
    expect(await ended('resolved')).toMatchObject({ status: 'compensated', outcome: { left: [{ step: 'a', what: 'undo resolved by hand' }] } });
    expect(await cli.json('list', '--attention')).toEqual({ runs: [] });
  });
});

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sqlite } from '../../src/index.ts';
import { journalOf } from '../promises/setting.ts';
import { balances, moves } from '../transact/bank.ts';

const RUNS = 120;
const KILLS = 5;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sagachart-bank-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Runs the bank until it is done, or until it is killed so long after it has opened. */
async function bank(path: string, killAfterMs?: number): Promise<'done' | 'killed'> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../transact/bank-process.ts'), path, String(RUNS)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let told = '';
  let complaints = '';
  child.stderr.on('data', (text) => {
    complaints += text;
  });
  child.stdout.on('data', (text) => {
    if (told === '' && killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    told += text;
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => child.once('exit', (...end) => resolve(end)));
  if (signal === null && code !== 0) throw new Error(`the bank ended with ${code}: ${complaints}`);
  return told.includes('done') ? 'done' : 'killed';
}

describe('a process that is killed while it transfers money in transactional steps', () => {
  it('has done each of them once or not at all: the table is what the journals say, and the sum stays', async () => {
    const path = join(directory, 'runs.db');
    let killed = 0;
    for (let i = 0; i < KILLS; i++) if ((await bank(path, 5 + ((i * 37) % 120))) === 'killed') killed++;
    expect(await bank(path)).toBe('done');
    // Otherwise it is too fast for this test.
    expect(killed).toBeGreaterThan(2);

    const after = balances(path);
    expect(Object.values(after).reduce((sum, cents) => sum + cents, 0)).toBe(2_000);
    const stands = Object.entries(moves(path));
    expect(stands.filter(([, n]) => n !== 1)).toEqual([]);

    const store = sqlite(path);
    await store.open();
    const told: string[] = [];
    for (let i = 0; i < RUNS; i++)
      for (const { event } of await journalOf(store, `r${i}`))
        if (event.type === 'succeeded') told.push(`sc1:ns/r${i}/1/${event.child.replace('.undo', '')}/-/1/${event.child.endsWith('.undo') ? 'undo' : 'run'}`);
    await store.close();
    expect(told.sort()).toEqual(stands.map(([key]) => key).sort());
    // Some were undone, too.
    expect(told.some((key) => key.endsWith('/undo'))).toBe(true);
  }, 120_000);
});

import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const bin = join(import.meta.dirname, '../../bin/sagachart.js');
const fixture = join(import.meta.dirname, '../fixtures');

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sagachart-crash-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const store = (): string => join(directory, 'runs.db');
const cli = async (...args: string[]): Promise<Record<string, unknown>> => {
  const { stdout } = await run(process.execPath, [bin, ...args, '--json', '--store', store(), '--config', join(fixture, 'sagachart.config.ts')]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? 'null') as Record<string, unknown>;
};
/** A real executor in a process of its own. */
async function executor(): Promise<{ kill(): Promise<void>; interrupt(): Promise<number | null> }> {
  const child = spawn(process.execPath, [bin, 'run', '--store', store(), '--config', join(fixture, 'sagachart.config.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    kill: async () => {
      child.kill('SIGKILL');
      await exit;
    },
    interrupt: async () => {
      child.kill('SIGINT');
      return await exit;
    },
  };
}
const until = async <T>(look: () => Promise<T | undefined>): Promise<T> => {
  for (let i = 0; i < 1_000; i++) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it did not come');
};

describe('a killed process', () => {
  it('loses and doubles nothing, by the books of the services', async () => {
    const { stdout } = await run(process.execPath, [join(import.meta.dirname, '../../tools/crash.ts'), '--kills', '6', '--json']);
    const report = JSON.parse(stdout.trim()) as Record<string, number>;
    expect(report, `seed ${report.seed}`).toMatchObject({ lost: 0, doubled: 0, notUndone: 0, outOfOrder: 0, unfinished: 0 });
    expect(report.kills).toBeGreaterThanOrEqual(6);
    expect(report.repeatedCalls).toBeGreaterThan(0);
  });

  it('does not delay a timer: 2 s after it was set it fires, killed at once and restarted after 1 s', async () => {
    const first = await executor();
    const set = Date.now();
    await cli('start', 'two-seconds', 'null', '--id', 'r');
    await first.kill();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, set + 1_000 - Date.now())));
    const second = await executor();
    const row = await until(async () => {
      const db = new DatabaseSync(store(), { readOnly: true });
      const found = db.prepare("SELECT created_at, ended_at FROM runs WHERE id = 'r' AND ended_at IS NOT NULL").get() as
        | { created_at: number; ended_at: number }
        | undefined;
      db.close();
      return found;
    });
    expect(row.ended_at - row.created_at).toBeGreaterThanOrEqual(2_000);
    expect(row.ended_at - row.created_at).toBeLessThanOrEqual(2_500);
    expect(await second.interrupt()).toBe(0);
  });
});

describe('a second process', () => {
  it('cancels a run beside the executor: it reaches the run within 200 ms (p95), and is undone', async () => {
    const first = await executor();
    const delays: number[] = [];
    for (let i = 0; i < 20; i++) {
      await cli('start', 'slow', 'null', '--id', `r${i}`);
      await cli('cancel', `r${i}`, '--by', 'Ann');
      const db = new DatabaseSync(store(), { readOnly: true });
      const row = db.prepare('SELECT at, answered_at FROM inbox WHERE run = ? ORDER BY number DESC LIMIT 1').get(`r${i}`) as {
        at: number;
        answered_at: number;
      };
      db.close();
      delays.push(row.answered_at - row.at);
    }
    const p95 = delays.sort((a, b) => a - b)[Math.floor(delays.length * 0.95)] ?? 0;
    expect(p95, `delays ${delays.join(', ')} ms`).toBeLessThanOrEqual(200);
    const end = await until(async () => {
      const shown = await cli('show', 'r0');
      return shown.endedAt ? shown : undefined;
    });
    expect(end).toMatchObject({ status: 'canceled', outcome: { by: 'Ann' } });
    expect((end.timeline as { kind: string; outcome: string }[]).map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      'run succeeded',
      'run failed',
      'undo succeeded',
      'undo succeeded',
    ]);
    expect(await first.interrupt()).toBe(0);
  });

  it('is told who executes, when it wants to execute too', async () => {
    const first = await executor();
    await expect(cli('run')).rejects.toMatchObject({ code: 4, stdout: expect.stringMatching(/SC_STORE_LOCKED.*already has an executor: process \d+/) });
    await first.kill();
    const next = await executor();
    expect(await next.interrupt()).toBe(0);
  });
});

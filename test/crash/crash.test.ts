import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandLine, until } from '../processes.ts';

const run = promisify(execFile);

let cli: CommandLine;
beforeEach(() => {
  cli = new CommandLine();
});
afterEach(() => cli.remove());

describe('a killed process', () => {
  it('loses and doubles nothing, by the books of the services', async () => {
    const { stdout } = await run(process.execPath, [join(import.meta.dirname, '../../tools/crash.ts'), '--kills', '6', '--json']);
    const report = JSON.parse(stdout.trim()) as Record<string, number>;
    expect(report, `seed ${report.seed}`).toMatchObject({ lost: 0, doubled: 0, notUndone: 0, outOfOrder: 0, unfinished: 0 });
    expect(report.kills).toBeGreaterThanOrEqual(6);
    expect(report.repeatedCalls).toBeGreaterThan(0);
  });

  it('does not delay a timer: 2 s after it was set it fires, killed at once and restarted after 1 s', async () => {
    const first = await cli.executor();
    const set = Date.now();
    await cli.json('start', 'two-seconds', 'null', '--id', 'r');
    await first.kill();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, set + 1_000 - Date.now())));
    const second = await cli.executor();
    const row = await until(() => {
      const [found] = cli.query<{ created_at: number; ended_at: number }>("SELECT created_at, ended_at FROM runs WHERE id = 'r' AND ended_at IS NOT NULL");
      return found;
    });
    expect(row.ended_at - row.created_at).toBeGreaterThanOrEqual(2_000);
    expect(row.ended_at - row.created_at).toBeLessThanOrEqual(2_500);
    expect(await second.interrupt()).toBe(0);
  });
});

describe('a second process', () => {
  it('cancels a run beside the executor: it reaches the run within 200 ms (p95), and is undone', async () => {
    const first = await cli.executor();
    const delays: number[] = [];
    for (let i = 0; i < 20; i++) {
      await cli.json('start', 'slow', 'null', '--id', `r${i}`);
      await cli.json('cancel', `r${i}`, '--by', 'Ann');
      const [row] = cli.query<{ at: number; answered_at: number }>('SELECT at, answered_at FROM inbox WHERE run = ? ORDER BY number DESC LIMIT 1', `r${i}`);
      delays.push(row ? row.answered_at - row.at : Number.POSITIVE_INFINITY);
    }
    const p95 = delays.sort((a, b) => a - b)[Math.floor(delays.length * 0.95)] ?? 0;
    expect(p95, `delays ${delays.join(', ')} ms`).toBeLessThanOrEqual(200);
    const end = await until(async () => {
      const shown = await cli.json('show', 'r0');
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
    const first = await cli.executor();
    const second = await cli.run(['run']);
    expect(second).toMatchObject({ code: 4, json: { error: { code: 'SC_STORE_LOCKED' } } });
    expect(second.stdout).toContain(`already has an executor: process ${first.pid} on `);
    await first.kill();
    const next = await cli.executor();
    expect(await next.interrupt()).toBe(0);
  });
});

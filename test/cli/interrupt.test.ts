import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandLine, until } from '../processes.ts';

const bin = `${import.meta.dirname}/../../bin/sagachart.js`;
const config = `${import.meta.dirname}/gate.config.ts`;

describe('Ctrl-C on an executor with a running attempt', () => {
  let cli: CommandLine;
  let executor: ChildProcess;
  let gate: string;

  const command = async (...args: string[]) => (await cli.plain([...args, '--json', '--store', cli.store, '--config', config])).json;
  const lines: string[] = [];
  const stopping = (): Promise<true> => until(() => lines.join('').includes('stopping') || undefined);

  beforeEach(async () => {
    cli = new CommandLine();
    gate = `${cli.directory}/gate`;
    lines.length = 0;
    executor = spawn(process.execPath, [bin, 'run', '--store', cli.store, '--config', config], { stdio: ['ignore', 'pipe', 'ignore'] });
    executor.stdout?.on('data', (text: Buffer) => lines.push(String(text)));
    await until(() => lines.length > 0 || undefined);
    await command('start', 'gated', JSON.stringify(gate), '--id', 'a');
    await until(async () => (await command('show', 'a'))?.states?.toString().includes('working') || undefined);
  });
  afterEach(async () => {
    if (executor.exitCode === null && executor.signalCode === null) {
      executor.kill('SIGKILL');
      await once(executor, 'exit');
    }
    await cli.remove();
  });

  it('once: waits for the attempt to end, keeps its result, and exits with 0', async () => {
    executor.kill('SIGINT');
    await stopping();
    await setTimeout(300);
    expect(executor.exitCode).toBe(null);
    writeFileSync(gate, '');
    expect(await once(executor, 'exit')).toEqual([0, null]);
    expect(await command('show', 'a')).toMatchObject({ status: 'completed', timeline: [{ step: 'pass', outcome: 'succeeded', attempt: 1 }] });
  });

  for (const second of ['SIGINT', 'SIGTERM'] as const) {
    it(`and then ${second}: aborts at once, and the run goes on with the next executor`, async () => {
      executor.kill('SIGINT');
      await stopping();
      await setTimeout(50);
      const from = performance.now();
      executor.kill(second);
      expect(await once(executor, 'exit')).toEqual([0, null]);
      expect(performance.now() - from).toBeLessThan(2_000);
      expect(await command('show', 'a')).toMatchObject({
        status: 'running',
        endedAt: null,
        timeline: [{ step: 'pass', outcome: 'failed', error: { code: 'SC_ATTEMPT_INTERRUPTED', effect: 'maybe' } }],
      });
      writeFileSync(gate, '');
      await command('run', '--until-idle');
      expect(await command('show', 'a')).toMatchObject({ status: 'completed', timeline: [{ outcome: 'failed' }, { outcome: 'succeeded', attempt: 2 }] });
    });
  }
});

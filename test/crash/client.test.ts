import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SagachartClient } from '../../src/client/client.ts';
import type { Definition } from '../../src/definitions.ts';
import { sagachartClient, sqlite } from '../../src/index.ts';
import config from '../fixtures/sagachart.config.ts';
import { CommandLine } from '../processes.ts';

let cli: CommandLine;
let client: SagachartClient<readonly Definition[]>;
beforeEach(async () => {
  cli = new CommandLine();
  client = await sagachartClient<readonly Definition[]>({ store: sqlite(cli.store), sagas: config.sagas });
});
afterEach(async () => {
  await client.close();
  await cli.remove();
});

describe('a client beside an executor in another process', () => {
  it('starts before there is one, and outlives one that is killed', async () => {
    const run = await client.start('approval', { title: 'desk', cents: 90_000 }, { id: 'r', labels: { of: 'Ann' } });
    const outcome = run.outcome();
    const first = await cli.executor();
    expect(await run.status()).toMatchObject({ saga: 'approval', labels: { of: 'Ann' } });
    await first.kill();
    const signal = run.signal('approve', { by: 'Ann' }, { id: 'once' });
    await cli.executor();
    const { seq } = await signal;
    expect((await run.view({ after: seq })).data.context).toMatchObject({ trail: ['approved by Ann'] });
    // Sent again it is the same signal, and has the same answer.
    expect(cli.query('SELECT * FROM inbox WHERE id = ?', 'signal:r/1/once')).toHaveLength(1);
    expect(await outcome).toMatchObject({ status: 'completed' });
  });

  it('never takes the role of executor', async () => {
    const run = await client.start('slow', 1, { id: 'r' });
    await cli.executor();
    await run.status();
    const { seq } = await run.terminate({ by: 'Ann' });
    expect(await run.status({ after: seq })).toMatchObject({ status: 'terminated' });
    expect(await run.outcome()).toMatchObject({ status: 'terminated' });
  });

  it('starts many, finds them, and ends them all', async () => {
    const entries = Array.from({ length: 300 }, (_, n) => ({ saga: 'typed', input: { n }, id: `r${n}`, labels: { batch: 'b' } }));
    const answers = await client.startMany(entries as never);
    expect(answers.every(({ status }) => status === 'started')).toBe(true);
    await cli.executor();
    await Promise.all(answers.map(async (answer) => answer.status === 'error' || (await answer.run.outcome())));
    const ids: string[] = [];
    for await (const { id } of client.runs({ labels: { batch: 'b' }, status: ['completed'] })) ids.push(id);
    expect(new Set(ids).size).toBe(300);
    expect(await client.bulk('purge', { labels: { batch: 'b' } })).toMatchObject({ matched: 300, done: 300, failed: 0 });
    expect(cli.query('SELECT 1 FROM journal')).toEqual([]);
    expect(cli.query('SELECT 1 FROM labels')).toEqual([]);
    // What was sent to them is gone too: their inputs stood in it.
    expect(cli.query('SELECT 1 FROM inbox')).toEqual([]);
    expect(cli.query('SELECT 1 FROM tombstones')).toHaveLength(300);
    await expect(client.run('r7').outcome()).rejects.toMatchObject({ code: 'SC_RUN_PURGED' });
  });
});

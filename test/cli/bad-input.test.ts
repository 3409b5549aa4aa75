import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CommandLine, type Ran, until } from '../processes.ts';

/** What is wrong, what is called, the error's code, the exit status, and what it must say. */
type Row = readonly [what: string, args: readonly string[], code: string, status: number, says: string];

const REFUSED: readonly Row[] = [
  ['an unknown saga', ['start', 'nope', '1'], 'SC_UNKNOWN_SAGA', 3, '"nope"'],
  ['an unknown version', ['start', 'slow', '1', '--saga-version', '9'], 'SC_UNKNOWN_SAGA', 3, 'version 9'],
  ['an unknown run, shown', ['show', 'nope'], 'SC_UNKNOWN_RUN', 3, '"nope"'],
  ['an unknown run, its journal', ['journal', 'nope'], 'SC_UNKNOWN_RUN', 3, '"nope"'],
  ['an unknown run, signaled', ['signal', 'nope', 'approve'], 'SC_UNKNOWN_RUN', 3, '"nope"'],
  ['an unknown run, canceled', ['cancel', 'nope'], 'SC_UNKNOWN_RUN', 3, '"nope"'],
  ['an input that fails its schema', ['start', 'typed', '{"n":"x"}'], 'SC_INPUT_INVALID', 2, 'n: Invalid input: expected number'],
  ['an input that is not JSON', ['start', 'typed', '{n:1}'], 'SC_USAGE', 2, 'not JSON'],
  ['an input over the byte limit', ['start', 'slow', JSON.stringify('x'.repeat(4_001))], 'SC_PAYLOAD_TOO_LARGE', 2, '4003 bytes'],
  ['a run id that is too long', ['start', 'slow', '1', '--id', 'x'.repeat(201)], 'SC_RUN_ID', 2, '200 bytes'],
  ['an id that another input has', ['start', 'slow', '2', '--id', 'busy'], 'SC_RUN_EXISTS', 1, '"busy" exists already, with another input'],
  ['a signal for a finished run', ['signal', 'done', 'approve', '{"by":"Ann"}'], 'SC_RUN_ENDED', 1, 'run done has ended (completed)'],
  ['a cancel of a finished run', ['cancel', 'done'], 'SC_RUN_ENDED', 1, 'takes no cancel'],
  ['a signal that nobody declared', ['signal', 'asked', 'shout'], 'SC_SIGNAL_UNKNOWN', 3, 'approve, reject'],
  ['a signal whose payload fails its schema', ['signal', 'asked', 'approve', '{"by":1}'], 'SC_SIGNAL_INVALID', 2, 'by: '],
  ['an event of XState', ['signal', 'asked', 'xstate.done.actor.record'], 'SC_EVENT_RESERVED', 2, 'xstate.done.actor.record'],
  ['an event of XState, for a saga', ['signal', 'busy', 'xstate.after.1'], 'SC_EVENT_RESERVED', 2, 'xstate.after.1'],
  ['a retry of what is not stuck', ['retry', 'busy', 'hang'], 'SC_NOT_STUCK', 1, 'hang does not need a person'],
  ['a skip without a reason', ['skip', 'busy', 'hang'], 'SC_REASON_MISSING', 2, '--reason'],
  ['a cancel past the pivot', ['cancel', 'paid'], 'SC_CANCEL_PAST_PIVOT', 1, 'past its pivot'],
  ['a command that does not exist', ['bogus'], 'SC_USAGE', 2, 'bogus'],
];

describe('beside an executor', () => {
  const cli = new CommandLine();
  beforeAll(async () => {
    await cli.executor();
    await cli.json('start', 'slow', '1', '--id', 'busy');
    await cli.json('start', 'paid', '1', '--id', 'paid');
    await cli.json('start', 'approval', '{"title":"desk","cents":90000}', '--id', 'asked');
    await cli.json('start', 'typed', '{"n":1}', '--id', 'done', '--wait');
  });
  afterAll(() => cli.remove());

  for (const [what, args, code, status, says] of REFUSED) {
    it(`${what}: ${code}, exit ${status}, rows unchanged`, async () => {
      const before = cli.rows();
      const ran = await cli.run(args);
      expect(ran).toMatchObject({ code: status, json: { error: { code, next: expect.any(String) } } });
      expect(JSON.stringify(ran.json?.error)).toContain(JSON.stringify(says).slice(1, -1));
      expect(cli.rows()).toEqual(before);
    });
  }

  const FAILED: readonly (readonly [what: string, saga: string, code: string, says: string])[] = [
    ['a result that is not serializable', 'odd-result', 'SC_NOT_STORABLE', 'result of a.at.made cannot be stored: it is an instance of Map'],
    ['a result over the byte limit', 'big-result', 'SC_PAYLOAD_TOO_LARGE', 'the result of step a has 5002 bytes, more than the 4000'],
  ];
  for (const [what, saga, code, says] of FAILED) {
    it(`${what}: the step counts as one that may have happened, and is undone; exit 6`, async () => {
      const ran = await cli.run(['start', saga, '1', '--id', saga, '--wait']);
      expect(ran).toMatchObject({ code: 6, json: { status: 'compensated', outcome: { failure: { code, class: 'hard', effect: 'maybe', step: 'a' } } } });
      expect(ran.json).toMatchObject({ outcome: { failure: { message: expect.stringContaining(says) } } });
      expect((await cli.json('show', saga)).timeline).toMatchObject([
        { step: 'a', kind: 'run', outcome: 'failed', error: { code } },
        { step: 'a', kind: 'undo', outcome: 'succeeded', error: null },
      ]);
    });
  }

  it('says the same to people, on standard error', async () => {
    const ran = await cli.plain(['show', 'nope', '--store', cli.store, '--config', `${import.meta.dirname}/../fixtures/sagachart.config.ts`]);
    expect(ran).toMatchObject({ code: 3, stdout: '' });
    expect(ran.stderr).toBe('SC_UNKNOWN_RUN there is no run "nope"\n  → List the runs there are with `sagachart list`.\n');
  });
});

let cli: CommandLine;
const fresh = (): void => {
  beforeEach(() => {
    cli = new CommandLine();
  });
  afterEach(() => cli.remove());
};

describe('a file that cannot be used', () => {
  fresh();
  const COMMANDS: readonly (readonly string[])[] = [['list'], ['start', 'typed', '{"n":1}'], ['run', '--until-idle']];
  const FILES: readonly (readonly [what: string, code: string, says: string, make: (path: string) => void])[] = [
    ['a corrupt file', 'SC_STORE_CORRUPT', 'Restore the file from a backup', corrupt],
    [
      'a file that is no database',
      'SC_STORE_FOREIGN',
      'Choose another file',
      (path) => writeFileSync(path, 'this is a letter, and a long one at that. '.repeat(100)),
    ],
    ['the database of another program', 'SC_STORE_FOREIGN', 'Choose another file', foreign],
    ['a newer file', 'SC_STORE_NEWER', 'Update Sagachart', newer],
  ];
  for (const [what, code, says, make] of FILES) {
    for (const args of COMMANDS) {
      it(`${what}, ${args[0]}: ${code}, exit 4, not a byte changed`, async () => {
        if (what === 'a corrupt file' || what === 'a newer file') await cli.json('start', 'typed', '{"n":1}');
        make(cli.store);
        const before = readFileSync(cli.store);
        const ran = await cli.run(args);
        expect(ran).toMatchObject({ code: 4, json: { error: { code } } });
        expect(ran.json?.error).toMatchObject({ message: expect.stringContaining('runs.db'), next: expect.stringContaining(says) });
        expect(readFileSync(cli.store).equals(before)).toBe(true);
      });
    }
  }

  // Root may write anything: without these capabilities it is a user like others.
  const asUser = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-dac_override,-dac_read_search'] : [];
  for (const args of COMMANDS.slice(1)) {
    it(`a read-only file, ${args[0]}: SC_STORE_READONLY, exit 4, rows unchanged`, async () => {
      await cli.json('start', 'typed', '{"n":1}');
      const before = cli.rows();
      chmodSync(cli.store, 0o444);
      const ran = await cli.run(args, { through: asUser });
      expect(ran).toMatchObject({ code: 4, json: { error: { code: 'SC_STORE_READONLY', next: expect.stringContaining('right to write') } } });
      chmodSync(cli.store, 0o644);
      expect(cli.rows()).toEqual(before);
    });
  }

  it('a read-only file can still be read', async () => {
    await cli.json('start', 'typed', '{"n":1}');
    chmodSync(cli.store, 0o444);
    expect(await cli.run(['list'], { through: asUser })).toMatchObject({ code: 0, json: { runs: [] } });
  });
});

describe('a full disk', () => {
  fresh();
  // A limit on the size of files stands for the disk: SQLite is told that it cannot write more.
  const full = (kib: number): readonly string[] => ['bash', '-c', `trap '' XFSZ; ulimit -S -f ${kib}; exec "$0" "$@"`];

  it('refuses a start: SC_STORE_FULL, exit 4, rows unchanged', async () => {
    await cli.json('start', 'typed', '{"n":1}');
    const before = cli.rows();
    const ran = await cli.run(['start', 'slow', JSON.stringify('x'.repeat(3_900))], { through: full(4) });
    expect(ran).toMatchObject({ code: 4, json: { error: { code: 'SC_STORE_FULL', retryable: true, next: expect.stringContaining('Make room') } } });
    expect(cli.rows()).toEqual(before);
  });

  it('stops an executor, which goes on by itself when there is room, and loses nothing', async () => {
    const executor = await cli.executor({ through: full(200) });
    const started: string[] = [];
    let refusal: Ran | undefined;
    for (let i = 0; i < 60 && !refusal; i++) {
      const ran = await cli.run(['start', 'typed', '{"n":1}', '--id', `r${i}`, '--timeout', '300']);
      started.push(`r${i}`);
      if (ran.code !== 0) refusal = ran;
    }
    expect(refusal).toMatchObject({ code: 5, json: { error: { code: 'SC_UNANSWERED' } } });
    await new Promise((resolve) => setTimeout(resolve, 100));
    execFileSync('prlimit', ['--pid', String(executor.pid), '--fsize=unlimited']);
    await until(() => (cli.query("SELECT id FROM runs WHERE status = 'completed'").length === started.length ? true : undefined));
    expect(await executor.interrupt()).toBe(0);
  });
});

function corrupt(path: string): void {
  const file = openSync(path, 'r+');
  writeSync(file, 'x'.repeat(3_000), 4_096);
  ftruncateSync(file, 12_288);
  closeSync(file);
}

function foreign(path: string): void {
  const db = new DatabaseSync(path);
  db.exec('CREATE TABLE addresses (name TEXT)');
  db.close();
}

function newer(path: string): void {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 99');
  db.close();
}

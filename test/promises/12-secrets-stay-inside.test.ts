import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { journalObject, journalPage, showObject, showPage } from '../../src/cli/page.ts';
import { Visible } from '../../src/cli/visible.ts';
import { programOf } from '../../src/definitions.ts';
import { HardError, saga } from '../../src/index.ts';
import { readJournal, viewRun } from '../../src/runtime/history.ts';
import type { World } from '../runtime/harness.ts';
import { journalOf, setting } from './setting.ts';

const worlds = setting();
/** Each stands in one place only, so that a leak says where it came from. */
const SECRETS = ['4111-1111', 'nested-iban', 'listed-pass', 'optional-code', 'keyed-token', 'step-name', 'logged-secret', 'mapped-card'];
const hidden = z.string().meta({ sensitive: true });
const input = z.object({
  card: hidden,
  who: z.object({ name: z.string(), bank: hidden }),
  guests: z.array(z.object({ passport: hidden })),
  code: hidden.optional(),
  token: z.string(),
});
const given = {
  card: '4111-1111',
  who: { name: 'Ada', bank: 'nested-iban' },
  guests: [{ passport: 'listed-pass' }],
  code: 'optional-code',
  token: 'keyed-token',
};

const secretive = saga('secretive', { version: 1, input })
  .step(
    'pay',
    ({ log }) => {
      log.info('paying', { password: 'logged-secret', nested: { apiKey: 'logged-secret' }, amount: 42 });
      return { ref: 'R-1', secret: 'step-name' };
    },
    { compensate: () => {} },
  )
  .use(
    'book',
    {
      input: z.object({ guest: z.string(), payWith: hidden }),
      run: () => {
        throw new HardError('sold out');
      },
      options: { compensate: () => {} },
    },
    ({ input }) => ({ guest: input.who.name, payWith: `mapped-card ${input.card}` }),
  );

const leaksIn = (text: string): readonly string[] => SECRETS.filter((secret) => text.includes(secret));

/** A run that fails, with every line of the log at its most talkative. */
const failedRun = async (w: World): Promise<string> => {
  const lines: string[] = [];
  const engine = await w.open([secretive], { log: { level: 'debug', to: { write: (line) => lines.push(line) } } });
  const run = await engine.start(secretive, given, { id: 'r' });
  expect(await run.outcome()).toMatchObject({ status: 'compensated' });
  return lines.join('');
};

describe('12. secrets stay inside', () => {
  it('sensitive fields and likely credentials do not reach the log', async () => {
    const log = await failedRun(worlds.memory());
    for (const seen of ['paying', '42', 'attempt failed', 'sold out', 'run ended']) expect(log).toContain(seen);
    expect(leaksIn(log)).toEqual([]);
  });

  it('nor the record of a failure, which holds the input of its step', async () => {
    const w = worlds.memory();
    await failedRun(w);
    const failed = (await journalOf(w.store, 'r')).filter(({ event }) => event.type === 'failed');
    expect(failed).toHaveLength(1);
    const text = JSON.stringify(failed);
    expect(text).toContain('"guest":"Ada"');
    expect(text).toContain('"payWith":"[redacted]"');
    expect(leaksIn(text)).toEqual([]);
    const end = JSON.stringify(await w.engine.run('r').outcome());
    expect(end).toContain('[redacted]');
    expect(leaksIn(end)).toEqual([]);
  });

  it('nor what `show` and `journal` print, for people and for scripts', async () => {
    const w = worlds.memory();
    await failedRun(w);
    const view = await viewRun(w.store, 'r');
    const visible = new Visible(programOf(secretive), view);
    const shown = showObject(view, { blocked: null, visible });
    const journal = journalObject(await readJournal(w.store, 'r'), visible);
    for (const text of [JSON.stringify(shown), showPage(shown).join('\n'), JSON.stringify(journal), journalPage(journal).join('\n')]) {
      expect(text).toContain('Ada');
      expect(text).toContain('R-1');
      expect(text).toContain('[redacted]');
      expect(leaksIn(text)).toEqual([]);
    }
  });

  it('and where the code of a run is gone, nothing of what came from outside is printed', async () => {
    const w = worlds.memory();
    await failedRun(w);
    const view = await viewRun(w.store, 'r');
    const visible = new Visible(undefined, view);
    const text = JSON.stringify([showObject(view, { blocked: 'gone', visible }), journalObject(await readJournal(w.store, 'r'), visible)]);
    expect(text).toContain('compensated');
    for (const outside of ['R-1', '"name":"Ada"', ...SECRETS]) expect(text).not.toContain(outside);
  });

  it('nor observers of failures, nor the alerts that leave', async () => {
    const w = worlds.memory();
    await failedRun(w);
    const failures = w.events.filter(({ type }) => type === 'attempt.failed' || type === 'retry.scheduled');
    expect(failures).toHaveLength(1);
    expect(leaksIn(JSON.stringify([failures, w.alerts]))).toEqual([]);
  });

  it('an input that is refused is not repeated in the message', async () => {
    const w = worlds.memory();
    const engine = await w.open([secretive]);
    const refused = await engine.start('secretive', { ...given, who: { bank: 'nested-iban' } }).catch((error: Error) => error);
    expect(refused).toMatchObject({ code: 'SC_INPUT_INVALID' });
    expect(leaksIn(String(refused))).toEqual([]);
  });
});

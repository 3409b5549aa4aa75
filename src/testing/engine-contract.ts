import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import { z } from 'zod';
import { BusyError, HardError } from '../base/errors.ts';
import type { AnySaga } from '../saga/any-saga.ts';
import type { Sagachart } from '../sagachart.ts';
import { type ContractCase, kept } from './contract.ts';
import type { Begin } from './simulate/sketch.ts';

/** What an engine is judged by: what its users call. */
export type EngineUnderTest = Pick<Sagachart, 'start' | 'run' | 'close'>;

export interface EngineContractOptions {
  /** `saga` of the package that the engine runs. */
  readonly saga: Begin;
  /** A new engine, on nothing stored yet. */
  open(options: { readonly sagas: readonly AnySaga[]; readonly services: unknown }): Promise<EngineUnderTest>;
  /** Another engine that goes on with what this one, which is closed, has stored; undefined where that cannot be. */
  again?(options: { readonly sagas: readonly AnySaga[]; readonly services: unknown }): Promise<EngineUnderTest>;
  /** Cases that do not apply, and why. */
  readonly skip?: Readonly<Record<string, string>>;
}

/** What every engine must do, whatever it stores its runs in. Give each case to the `it` of your test runner. */
export function engineContract(options: EngineContractOptions): readonly ContractCase[] {
  return kept(CASES, options.skip).map(([name, check]) => ({ name, run: async () => await check(options) }));
}

/** What the steps of a case call: they do what it says, and remember who called. */
class Desk {
  readonly calls: { readonly step: string; readonly key: string; readonly outcome?: unknown }[] = [];
  readonly #answers: Record<string, (() => unknown)[]>;

  constructor(answers: Record<string, (() => unknown)[]> = {}) {
    this.#answers = answers;
  }

  call(step: string, key: string, outcome?: unknown): unknown {
    this.calls.push({ step, key, ...(outcome === undefined ? {} : { outcome }) });
    return this.#answers[step]?.shift()?.() ?? `${step} done`;
  }

  get order(): readonly string[] {
    return this.calls.map(({ step }) => step);
  }
}

const refuses = (): never => {
  throw new HardError('no');
};
const isBusy = (): never => {
  throw new BusyError('later');
};
const losesAnswer = (): never => {
  throw new Error('reset');
};

interface Context {
  readonly services: Desk;
  readonly key: string;
  readonly runKey: string;
  readonly undoKey: string;
  readonly outcome: { readonly status: string; readonly result?: unknown };
  readonly results: Readonly<Record<string, unknown>>;
  readonly input: unknown;
}

interface Chain {
  step(name: string, run: unknown, options: unknown): Chain;
  pivot(name: string, run: unknown, options?: unknown): Chain;
  sleep(ms: number): Chain;
  output(compute: unknown): Chain;
}

const quick = { retry: { attempts: 3, from: '1ms', to: '2ms' } };
const work =
  (step: string) =>
  ({ services, key }: Context) =>
    services.call(step, key);
const undone = (step: string) => ({
  ...quick,
  undo: quick,
  compensate: ({ services, runKey, undoKey, outcome }: Context) => services.call(`undo ${step}`, undoKey, { runKey, ...outcome }),
});

function trip(saga: Begin): AnySaga {
  const chain = saga('contract', { version: 1, input: z.object({ n: z.number() }) } as never) as Chain;
  return chain
    .step('flight', work('flight'), undone('flight'))
    .step('hotel', work('hotel'), undone('hotel'))
    .pivot('pay', work('pay'), quick)
    .output(({ input, results }: Context) => ({ input, paid: results.pay })) as unknown as AnySaga;
}

const CASES: Readonly<Record<string, (options: EngineContractOptions) => Promise<void>>> = {
  'runs the steps in order, and gives the output': async (options) => {
    await on(options, {}, async (engine, desk) => {
      const outcome = await (await engine.start('contract', { n: 1 })).outcome();
      deepStrictEqual(outcome, { status: 'completed', output: { input: { n: 1 }, paid: 'pay done' }, left: [] });
      deepStrictEqual(desk.order, ['flight', 'hotel', 'pay']);
    });
  },
  'starts a run once, however often it is started, and refuses another under its id': async (options) => {
    await on(options, {}, async (engine, desk) => {
      await engine.start('contract', { n: 1 }, { id: 'r' });
      await (await engine.start('contract', { n: 1 }, { id: 'r' })).outcome();
      deepStrictEqual(desk.order, ['flight', 'hotel', 'pay']);
      await rejects(engine.start('contract', { n: 2 }, { id: 'r' }), { code: 'SC_RUN_EXISTS' });
      await rejects(engine.start('nobody', { n: 2 }), { code: 'SC_UNKNOWN_SAGA' });
      await rejects(engine.start('contract', { n: 'x' }), { code: 'SC_INPUT_INVALID' });
    });
  },
  'tries again under the same key': async (options) => {
    await on(options, { flight: [isBusy, losesAnswer] }, async (engine, desk) => {
      strictEqual((await (await engine.start('contract', { n: 1 })).outcome()).status, 'completed');
      const keys = desk.calls.filter(({ step }) => step === 'flight').map(({ key }) => key);
      strictEqual(keys.length, 3);
      strictEqual(new Set(keys).size, 1);
    });
  },
  'undoes in reverse order what succeeded, and gives the result to the undo': async (options) => {
    await on(options, { pay: [refuses] }, async (engine, desk) => {
      const outcome = await (await engine.start('contract', { n: 1 })).outcome();
      strictEqual(outcome.status, 'compensated');
      deepStrictEqual(desk.order, ['flight', 'hotel', 'pay', 'undo hotel', 'undo flight']);
      const [undo] = desk.calls.filter(({ step }) => step === 'undo hotel');
      const run = desk.calls.find(({ step }) => step === 'hotel');
      deepStrictEqual(undo?.outcome, { runKey: run?.key, status: 'succeeded', result: 'hotel done' });
      ok(undo?.key !== run?.key);
    });
  },
  'undoes what nobody has heard back from, by its key, and not what was refused': async (options) => {
    await on(options, { flight: [losesAnswer, losesAnswer, losesAnswer] }, async (engine, desk) => {
      strictEqual((await (await engine.start('contract', { n: 1 })).outcome()).status, 'compensated');
      deepStrictEqual(desk.order, ['flight', 'flight', 'flight', 'undo flight']);
      strictEqual((desk.calls.at(-1)?.outcome as { readonly status: string } | undefined)?.status, 'unknown');
    });
    await on(options, { flight: [refuses] }, async (engine, desk) => {
      strictEqual((await (await engine.start('contract', { n: 1 })).outcome()).status, 'failed');
      deepStrictEqual(desk.order, ['flight']);
    });
  },
  'asks for a person where an undo fails hard, and takes what that person does': async (options) => {
    await on(options, { pay: [refuses], 'undo hotel': [refuses] }, async (engine) => {
      const run = await engine.start('contract', { n: 1 });
      deepStrictEqual(await run.until('attention'), ['hotel']);
      await rejects(run.skip('hotel', { reason: ' ' }), { code: 'SC_REASON_MISSING' });
      await run.skip('hotel', { reason: 'by phone' });
      const outcome = await run.outcome();
      deepStrictEqual([outcome.status, outcome.left], ['compensated', [{ step: 'hotel', what: 'undo skipped' }]]);
      await rejects(run.cancel(), { code: 'SC_RUN_ENDED' });
    });
  },
  'goes on with what another engine has stored': async (options) => {
    if (!options.again) return;
    const desk = new Desk();
    const chain = options.saga('contract', { version: 1, input: z.object({ n: z.number() }) } as never) as Chain;
    const sleeper = chain.step('flight', work('flight'), undone('flight')).sleep(5).pivot('pay', work('pay'), quick) as unknown as AnySaga;
    const first = await options.open({ sagas: [sleeper], services: desk });
    await first.start('contract', { n: 1 }, { id: 'r' });
    await first.close();
    const second = await options.again({ sagas: [sleeper], services: desk });
    try {
      strictEqual((await second.run('r').outcome()).status, 'completed');
      deepStrictEqual([...new Set(desk.order)], ['flight', 'pay']);
    } finally {
      await second.close();
    }
  },
};

async function on(
  options: EngineContractOptions,
  answers: Record<string, (() => unknown)[]>,
  check: (engine: EngineUnderTest, desk: Desk) => Promise<void>,
): Promise<void> {
  const desk = new Desk(answers);
  const engine = await options.open({ sagas: [trip(options.saga)], services: desk });
  try {
    await check(engine, desk);
  } finally {
    await engine.close();
  }
}

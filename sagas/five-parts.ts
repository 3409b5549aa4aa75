import { z } from 'zod';
import { saga, type } from '../src/index.ts';
import type { PartServices } from './services/services.ts';

interface Parts {
  /** Answer a repeated key with the first result. */
  readonly parts: PartServices;
  /** Count every call, repeated or not. */
  readonly countedParts: PartServices;
}

const quick = { retry: { attempts: 5, from: '2ms', to: '20ms' }, undo: { retry: { attempts: 10, from: '2ms', to: '20ms' } } } as const;

/** Five steps in a row, for batches: four that can be undone, and the one that settles them. */
function partsSaga<const Name extends string>(name: Name, of: (services: Parts) => PartServices) {
  return saga(name, {
    version: 1,
    services: type<Parts>(),
    input: z.object({ n: z.number().int() }),
    why: 'the smallest saga that has everything: retries, checks, compensations, a pivot',
  })
    .step('one', ({ key, signal, services }) => of(services).do('one', { key, signal }), {
      ...quick,
      compensate: ({ outcome, runKey, undoKey, services }) => of(services).undo('one', outcome.result?.ref ?? { reservedUnder: runKey }, { key: undoKey }),
    })
    .step('two', ({ key, signal, services }) => of(services).do('two', { key, signal }), {
      ...quick,
      compensate: ({ outcome, runKey, undoKey, services }) => of(services).undo('two', outcome.result?.ref ?? { reservedUnder: runKey }, { key: undoKey }),
    })
    .step('three', ({ key, signal, services }) => of(services).do('three', { key, signal }), {
      ...quick,
      check: ({ runKey, services }) => of(services).find('three', runKey),
      compensate: ({ outcome, runKey, undoKey, services }) => of(services).undo('three', outcome.result?.ref ?? { reservedUnder: runKey }, { key: undoKey }),
    })
    .step('four', ({ key, signal, services }) => of(services).do('four', { key, signal }), {
      ...quick,
      compensate: ({ outcome, runKey, undoKey, services }) => of(services).undo('four', outcome.result?.ref ?? { reservedUnder: runKey }, { key: undoKey }),
    })
    .pivot('five', ({ key, signal, services }) => of(services).do('five', { key, signal }), {
      retry: quick.retry,
      check: ({ runKey, services }) => of(services).find('five', runKey),
    })
    .output(({ input, results }) => ({ n: input.n, last: results.five.ref }));
}

/** Against services that honor keys. */
export const fiveParts = partsSaga('five-parts', ({ parts }) => parts);
/** Against services that count every call. */
export const fiveCountedParts = partsSaga('five-counted-parts', ({ countedParts }) => countedParts);

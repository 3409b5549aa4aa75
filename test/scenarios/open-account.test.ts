import { z } from 'zod';
import { HardError, saga, type } from '../../src/index.ts';
import { type Books, scenario } from './stage.ts';

/**
 * An account is opened, then an address, a client and a bank account are added; the bank loses its answer and then
 * refuses. What it may have done is undone, too, though nobody ever heard that it happened.
 */
const openAccount = (attempts: { bank: number }) =>
  saga('open-account', { version: 1, input: z.object({ owner: z.string() }), services: type<Books>() })
    .read('account', ({ input }) => `account of ${input.owner}`)
    .step('address', ({ key, services }) => services.do(key, 'address'), { compensate: ({ runKey, services }) => services.undo(runKey, 'address') })
    .step('client', ({ key, services }) => services.do(key, 'client'), { compensate: ({ runKey, services }) => services.undo(runKey, 'client') })
    .step(
      'bank',
      ({ key, services }) => {
        services.do(key, 'bank account');
        if (attempts.bank++ === 0) throw new Error('no answer');
        throw new HardError('the bank says no');
      },
      { compensate: ({ runKey, services }) => services.undo(runKey, 'bank account') },
    );

scenario(
  'open account',
  () => {
    const definition = openAccount({ bank: 0 });
    return {
      sagas: [definition],
      script: async (client) => {
        await client.start(definition, { owner: 'Ada' }, 'acc');
        await client.end('acc');
      },
    };
  },
  { ends: { acc: { status: 'compensated', failure: 'the bank says no' } }, standing: [] },
);

import { z } from 'zod';
import { defineConfig, saga, type } from '../../src/index.ts';

interface Desk {
  readonly desk: { ask(): Promise<number> };
}

const visit = saga('visit', { version: 1, services: type<Desk>(), input: z.object({ n: z.number() }) })
  .step('enter', ({ services }) => services.desk.ask(), { compensate: () => {}, retry: { attempts: 3, from: '5ms', to: '20ms' } })
  .pivot('stay', ({ services }) => services.desk.ask(), { retry: { attempts: 'forever', from: '5ms', to: '20ms' } });

export default defineConfig({
  store: 'real.db',
  sagas: [visit],
  services: () => ({ desk: { ask: () => Promise.reject(new Error('a drill must not call this')) } }),
  drill: { services: () => ({ desk: { ask: async () => 1 } }), workload: (n) => ({ saga: 'visit', input: { n } }) },
});

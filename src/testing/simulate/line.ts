import type { QueueOptions } from '../../runtime/queue.ts';
import type { Scheduling } from '../../runtime/scheduling.ts';
import type { Store } from '../../stores/store.ts';
import type { Random } from './random.ts';

/** The queue that some simulated runs are started into: so narrow that they get in each other's way. */
export const LINE = { name: 'line', concurrency: 2, perKey: 1 } as const satisfies QueueOptions;
const KEYS = ['ann', 'bob', 'cat'] as const;

/** How a run is asked to begin: most at once. */
export function drawScheduling(random: Random): Scheduling {
  const delay = random.chance(0.15) ? { delay: random.pick(['2s', '30s'] as const) } : {};
  if (!random.chance(0.3)) return delay;
  return { queue: LINE.name, key: random.pick(KEYS), priority: random.between(-1, 1), ...delay };
}

/** What is wrong with how many have begun; undefined if nothing is. */
export async function overcrowded(store: Pick<Store, 'begun'>): Promise<string | undefined> {
  const [all = 0, ...each] = await Promise.all([store.begun(LINE.name), ...KEYS.map((key) => store.begun(LINE.name, key))]);
  if (all > LINE.concurrency) return `${all} runs have begun in a queue for ${LINE.concurrency}`;
  const key = each.findIndex((count) => count > LINE.perKey);
  return key === -1 ? undefined : `${each[key]} runs of ${KEYS[key]} have begun where there may be ${LINE.perKey}`;
}

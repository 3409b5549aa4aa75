import { systemClock } from '../base/clock.ts';
import { sagachart } from '../sagachart.ts';
import { sqlite } from '../stores/sqlite/sqlite.ts';
import { type OutageRates, withOutages } from '../testing/drill/outages.ts';
import { Random } from '../testing/simulate/random.ts';
import { loadConfig } from './config.ts';

/** What a worker of a drill is told. */
export interface DrillWorkerTask {
  readonly config: string | undefined;
  readonly store: string;
  readonly seed: number;
  readonly rates: OutageRates;
}

/** One executor of a drill, to be killed: says when it has taken over what was under way. */
process.once('message', (task: DrillWorkerTask) => {
  execute(task).catch((error: unknown) => {
    process.stderr.write(`${error}\n`);
    process.exitCode = 1;
    process.disconnect();
  });
});

async function execute({ config: file, store, seed, rates }: DrillWorkerTask): Promise<void> {
  const config = await loadConfig(file);
  const services = withOutages(await config.drill?.services(), { rates, random: new Random(seed), clock: systemClock });
  const engine = await sagachart({
    sagas: config.sagas,
    store: sqlite(store),
    services: services as never,
    log: { level: 'silent' },
    ...(config.limits ? { limits: config.limits } : {}),
    // A game day tells nobody; what it starts belongs to it.
    ...(config.remedies ? { remedies: config.remedies } : {}),
  });
  process.send?.('ready');
  process.once('message', () => {
    void engine.close().then(() => process.disconnect());
  });
}

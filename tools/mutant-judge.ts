import { z } from 'zod';
import { memory, saga, sagachart } from '../src/index.ts';
import type { AnySaga } from '../src/saga/any-saga.ts';
import { Random } from '../src/testing/simulate/random.ts';
import { simulate } from '../src/testing/simulate/simulate.ts';
import { randomSketch, sagaOf } from '../src/testing/simulate/sketch.ts';
import { verify } from '../src/testing/verify/verify.ts';
import { wrongMigration } from './mutant-migrations.ts';

/** Says who catches the engine that stands beside it: `verify` with a path, `simulate` with a seed, or what migrates runs. */
const SEEDS = Number(process.argv[2] ?? 1_500);

const done = (caughtBy: string | null): never => {
  console.log(JSON.stringify({ caughtBy }));
  process.exit(0);
};
process.on('uncaughtException', (error) => done(`an error: ${error.message}`));
process.on('unhandledRejection', (error) => done(`an error: ${(error as Error).message}`));

const run = async (): Promise<void> => {};
const undo = { compensate: async (): Promise<void> => {} };
const now = (): void => {};
const undoNow = { compensate: now };
const check = (): undefined => undefined;
const begin = () => saga('verified', { version: 1, input: z.unknown() });

const sagas: readonly (readonly [AnySaga, number])[] = [
  [
    begin()
      .step('a', run, undo)
      .step('b', run, { ...undo, check })
      .pivot('c', run, { check })
      .step('d', run),
    2,
  ],
  [begin().graph((g) => g.step('a', run, undo).step('b', run, undo).after('a', 'b').step('c', run, undo)) as unknown as AnySaga, 2],
  [begin().step('a', run, undo).sleep('1m').step('b', run, undo), 3],
  [begin().step('a', run, undo).approval('m', run, { retry: 1 }), 2],
  [begin().transact('a', now, undoNow).step('b', run, undo).transact('c', now, { pivot: true }).transact('d', now), 2],
];
const wrong = await wrongMigration();
if (wrong !== null) done(`migrations: ${wrong}`);
for (const [definition, faults] of sagas) {
  const { violations } = await verify(definition, { limits: { faults } });
  const [first] = violations;
  if (first) done(`verify: ${first.rule} (${first.message}): ${first.path.join(' → ')}`);
}
const rewound = [
  begin().step('a', run, undo).step('b', run, undo).pivot('c', run),
  begin().parallel(
    (b) => b.step('a', run, undo),
    (b) => b.step('b', run, undo),
  ),
];
for (const definition of rewound) {
  const { violations } = await verify(definition as unknown as AnySaga, { limits: { attempts: 1, faults: 2, rewinds: 1 } });
  const [first] = violations;
  if (first) done(`verify: ${first.rule} (${first.message}): ${first.path.join(' → ')}`);
}
const wrongFork = await forked();
if (wrongFork) done(`a fork ${wrongFork}`);
for (let seed = 1; seed <= SEEDS; seed++) {
  const { wrong } = await simulate(sagaOf(randomSketch(new Random(seed)), saga as never), { seed, input: { n: 1 } });
  const [first] = wrong;
  if (first) done(`simulate: seed ${seed}: ${first.rule} (${first.message})`);
}
done(null);

/** What is wrong with a run that begins as what another was, does the rest, and is canceled; undefined if nothing is. */
async function forked(): Promise<string | undefined> {
  const undone: string[] = [];
  const compensate = ({ runKey }: { readonly runKey: string }): void => void undone.push(runKey);
  const trip = begin().step('a', run, { compensate }).step('b', run, { compensate }).sleep('1h');
  await using engine = await sagachart({ sagas: [trip], store: memory(), log: { level: 'silent' }, namespace: 'n' });
  const asleep = async (id: string): Promise<void> => {
    for (let look = 0; look < 500 && (await engine.run(id).status()).status !== 'sleeping'; look++) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  await engine.start(trip, 1, { id: 'r' });
  await asleep('r');
  const fork = await engine.fork('r', { before: 'b', id: 'f', reason: 'to see' });
  await asleep('f');
  if ((await fork.status()).status !== 'sleeping') return 'does not go on';
  await fork.cancel();
  const { status, left } = await fork.outcome();
  if (undone.join() !== 'sc1:n/f/1/b/-/1/run') return `has undone ${undone.join(', ')}`;
  return status === 'canceled' && left[0]?.what === 'inherited' ? undefined : `says ${JSON.stringify({ status, left })}`;
}

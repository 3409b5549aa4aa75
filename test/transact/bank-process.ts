import { sagachart, sqlite } from '../../src/index.ts';
import { query, transfer, withAccounts } from './bank.ts';

/** A process that transfers money until all of it is done, or it is killed. */
const [path = '', count = '0'] = process.argv.slice(2);
const NAMES = ['a', 'b', 'c', 'nobody'];

const engine = await sagachart({ sagas: [transfer], store: sqlite(path), namespace: 'ns', log: { level: 'silent' }, pollEvery: '10ms' });
if (query(path, "SELECT 1 FROM sqlite_schema WHERE name = 'moves'").length === 0) withAccounts(path, {});
if (query(path, 'SELECT 1 FROM accounts').length === 0) withAccounts(path, { a: 1_000, b: 1_000, c: 0 });
console.log('open');
const runs = await Promise.all(
  Array.from({ length: Number(count) }, (_, i) =>
    engine.start(transfer, { from: NAMES[i % 3] as string, to: NAMES[(i * 7 + 1) % 4] as string, cents: 1 + ((i * 13) % 97) }, { id: `r${i}` }),
  ),
);
/** An attempt that was lost three times in a row asks a person, who knows that it was no fault of its own. */
const ended = async (run: (typeof runs)[number]): Promise<void> => {
  const needed = await Promise.race([run.until('attention').catch(() => []), run.outcome().then(() => [])]);
  if (needed.length === 0) return;
  await run.retry(needed[0], { by: 'whoever has killed it' });
  await ended(run);
};
await Promise.all(runs.map(ended));
await engine.close();
console.log('done');

import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { BenchOptions, Figure } from './figure.ts';
import { leak } from './leak.ts';
import { longRun } from './long-run.ts';
import { map } from './map.ts';
import { sleepersMemory } from './sleepers-memory.ts';
import { throughput } from './throughput.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '9' }, sagas: { type: 'string', default: '2000' } },
});
const benches: Readonly<Record<string, (options: BenchOptions) => Promise<Figure>>> = {
  throughput,
  map,
  'long-run': longRun,
  'sleepers-memory': sleepersMemory,
  leak,
};
const options: BenchOptions = {
  rounds: Number(values.rounds),
  sagas: Number(values.sagas),
  say: (line) => {
    if (!values.json) console.log(line);
  },
};
const figures: Figure[] = [];
for (const name of positionals.length > 0 ? positionals : Object.keys(benches)) {
  const bench = benches[name];
  if (!bench) throw new Error(`there is no benchmark ${name}; there are: ${Object.keys(benches).join(', ')}`);
  figures.push(await bench(options));
}
console.log(
  JSON.stringify({
    machine: `${cpus().length} × ${cpus()[0]?.model}`,
    versions: { node: process.version, sqlite: process.versions.sqlite },
    figures,
  }),
);
process.exitCode = figures.every(({ ok }) => ok) ? 0 : 1;

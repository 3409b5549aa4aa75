import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Progress, processOutput } from '../src/cli/output.ts';
import { MUTANTS, type Mutant } from './mutant-list.ts';

/** Breaks the engine on purpose, one defect at a time, and says who notices. */
const { values } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'boolean', default: false } } });
const root = fileURLToPath(new URL('..', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'sagachart-mutants-'));
const SIDE_BY_SIDE = 2;
/** One that hangs has been noticed, too. */
const LONGEST_MS = 240_000;

interface Judged {
  readonly name: string;
  readonly caughtBy: string | null;
}

const chosen = MUTANTS.filter(({ name, test = '' }) => values.only === undefined || name.includes(values.only) || test.includes(values.only));
const judged: Judged[] = [];
const progress = new Progress(processOutput(values.json));
try {
  for (const test of new Set(chosen.map((mutant) => mutant.test))) {
    const sound = await judge('sound', undefined, test);
    if (sound !== null) throw new Error(`the engine as it is was found to be broken: ${sound}`);
  }
  const waiting = [...chosen];
  const work = async (lane: number): Promise<void> => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      judged.push({ name: mutant.name, caughtBy: await judge(`lane-${lane}`, mutant, mutant.test) });
      progress.tell(
        judged.length / chosen.length,
        `${judged.length}/${chosen.length} mutants, ${judged.filter(({ caughtBy }) => caughtBy === null).length} not caught`,
      );
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, (_, lane) => work(lane)));
} finally {
  progress.end();
  rmSync(home, { recursive: true, force: true });
}
const mutants = chosen.map(({ name }) => judged.find((one) => one.name === name) as Judged);
const caught = mutants.filter(({ caughtBy }) => caughtBy !== null).length;
if (!values.json) {
  for (const { name, caughtBy } of mutants) console.log(`${caughtBy === null ? '✗ NOT CAUGHT' : '✓'} ${name}\n    ${caughtBy ?? ''}`);
  console.log(`${caught} of ${mutants.length} caught`);
}
console.log(JSON.stringify({ total: mutants.length, caught, mutants }));
process.exitCode = caught === mutants.length ? 0 : 1;

/** A copy of the engine with the defect, and what its judges say. */
async function judge(place: string, mutant: Mutant | undefined, test: string | undefined): Promise<string | null> {
  const copy = join(home, place);
  const parts =
    test === undefined
      ? ['src', 'tools/mutant-judge.ts', 'tools/mutant-migrations.ts', 'package.json']
      : ['src', 'test', 'machines', 'package.json', 'vitest.config.ts', 'tsconfig.json'];
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy);
  for (const part of parts) cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const { file: name, from, to } of mutant ? [mutant, ...(mutant.also ?? [])] : []) {
    const file = join(copy, name);
    const text = readFileSync(file, 'utf8');
    if (text.split(from).length !== 2) throw new Error(`mutant "${mutant?.name}": its text does not stand in ${name} exactly once`);
    writeFileSync(
      file,
      text.replace(from, () => to),
    );
  }
  if (test !== undefined) return await tested(copy, test);
  return await new Promise((resolve, reject) => {
    execFile(process.execPath, ['tools/mutant-judge.ts'], { cwd: copy, timeout: LONGEST_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      const last = stdout.trim().split('\n').at(-1) ?? '';
      if (last.startsWith('{')) resolve((JSON.parse(last) as Judged).caughtBy);
      else if (error?.killed) resolve('it hangs');
      else if (mutant)
        resolve(
          `an error: ${
            stderr
              .trim()
              .split('\n')
              .find((line) => /Error/.test(line)) ?? error?.message
          }`,
        );
      else reject(new Error(stderr));
    });
  });
}

/** The first test of a file that fails in a copy of the engine. */
async function tested(copy: string, test: string): Promise<string | null> {
  const report = join(copy, 'report.json');
  const options = ['run', test, '--project', 'unit', '--coverage.enabled=false', '--reporter=json', `--outputFile=${report}`];
  const failed = await new Promise<'hangs' | boolean>((resolve) => {
    const command = [join(copy, 'node_modules/vitest/vitest.mjs'), ...options];
    execFile(process.execPath, command, { cwd: copy, timeout: LONGEST_MS, killSignal: 'SIGKILL' }, (error) =>
      resolve(error?.killed ? 'hangs' : error !== null),
    );
  });
  if (failed === 'hangs') return 'it hangs';
  if (!failed) return null;
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    readonly testResults: readonly { readonly message: string; readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[] }[];
  };
  const first = testResults.flatMap(({ assertionResults }) => assertionResults).find(({ status }) => status === 'failed');
  return `${test}: ${first?.fullName ?? testResults.map(({ message }) => message).join(' ')}`;
}

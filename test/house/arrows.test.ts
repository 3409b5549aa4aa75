import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseSync } from 'oxc-parser';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** Which room may use which. A room is a folder of src, or a file at its top. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  participant: ['base'],
  saga: ['base'],
  chart: ['base', 'saga'],
  kernel: ['base'],
  stores: ['base'],
  policies: ['base', 'saga'],
  runtime: ['base', 'saga', 'chart', 'kernel', 'policies', 'stores/store.ts'],
  observe: ['base', 'runtime/event.ts', 'runtime/log.ts', 'runtime/alert.ts', 'saga/duration.ts'],
  testing: ['base', 'saga', 'chart', 'kernel', 'stores', 'runtime', 'observe', 'definitions.ts', 'sagachart.ts'],
  'definitions.ts': ['base', 'saga', 'chart', 'runtime', 'observe'],
  'sagachart.ts': ['base', 'policies', 'runtime', 'observe', 'archive', 'definitions.ts', 'stores/store.ts'],
  archive: ['base', 'runtime/archive.ts'],
  client: ['base', 'saga', 'chart', 'runtime', 'stores/store.ts', 'definitions.ts', 'sagachart.ts'],
  'config.ts': ['base', 'definitions.ts', 'sagachart.ts', 'stores', 'testing'],
  'index.ts': ['base', 'saga', 'chart', 'runtime', 'observe', 'stores', 'definitions.ts', 'sagachart.ts', 'client', 'config.ts'],
  cli: [
    'base',
    'saga',
    'chart',
    'kernel',
    'policies',
    'runtime',
    'observe',
    'stores',
    'archive',
    'client',
    'testing',
    'definitions.ts',
    'sagachart.ts',
    'config.ts',
  ],
};

/** Packages, and the rooms that may use them; `(types)` only for their types. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  zod: [
    'saga',
    'testing/simulate/sketch.ts',
    'testing/engine-contract.ts',
    'testing/fast-check',
    'chart (types)',
    'runtime (types)',
    'observe (types)',
    'definitions.ts (types)',
  ],
  xstate: ['chart', 'kernel', 'saga (types)', 'runtime (types)', 'testing (types)'],
  '@xstate/graph': ['testing/paths/chart-graph.ts'],
  'fast-check': ['testing/fast-check'],
  immer: ['kernel'],
  cockatiel: ['policies/breaker.ts'],
  croner: ['runtime/timing.ts'],
  pino: ['observe', 'sagachart.ts (types)'],
  '@commander-js/extra-typings': ['cli'],
  '@bomb.sh/tab': ['cli'],
  'node:sqlite': ['stores/sqlite', 'stores (types)', 'saga (types)', 'sagachart.ts (types)', 'client (types)', 'testing (types)'],
  'node:crypto': ['base', 'observe/alerts'],
  'node:os': ['sagachart.ts'],
  'node:util': ['cli', 'observe'],
  'node:fs': ['cli', 'archive'],
  'node:path': ['cli'],
  'node:url': ['cli'],
  'node:assert': ['testing'],
  'node:child_process': ['cli/drill.ts'],
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

function importsOf(path: string, source: string): readonly Import[] {
  const { module } = parseSync(path, source);
  const fixed = module.staticImports.map(({ moduleRequest, entries }) => ({
    to: moduleRequest.value,
    typeOnly: entries.length > 0 && entries.every(({ isType }) => isType),
  }));
  const passedOn = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest, isType }) => (moduleRequest ? [{ to: moduleRequest.value, typeOnly: isType }] : [])),
  );
  const dynamic = module.dynamicImports.map(({ moduleRequest }) => ({
    to: source.slice(moduleRequest.start, moduleRequest.end).replaceAll(/['"`]/g, ''),
    typeOnly: false,
  }));
  // A path that is only known when it runs leads out of the package: the config file of the command line.
  return [...fixed, ...passedOn, ...dynamic.filter(({ to }) => /^[\w@.:/-]+$/.test(to) && !to.includes('.href'))].map((one) => ({ from: path, ...one }));
}

function roomOf(path: string): string {
  return path.split('/')[1] ?? path;
}

/** What is wrong with an import, if anything. Paths are relative to the root of the repository. */
function judge({ from, to, typeOnly }: Import): string | undefined {
  const room = roomOf(from);
  const allowed = ARROWS[room];
  if (!allowed) return `${from}: ${room} is a room without arrows`;
  if (!to.startsWith('.')) {
    const name = to.startsWith('@') ? to.split('/').slice(0, 2).join('/') : (to.split('/')[0] as string);
    const here = (PACKAGES[name] ?? []).some((one) => from.startsWith(`src/${one}`) || (typeOnly && `${room} (types)` === one));
    return here ? undefined : `${from} must not use ${to}`;
  }
  const target = relative(root, resolve(root, dirname(from), to));
  if (!target.startsWith('src/')) return `${from} leaves src: ${to}`;
  if (roomOf(target) === room) return undefined;
  return allowed.some((one) => target === `src/${one}` || target.startsWith(`src/${one}/`)) ? undefined : `${from} must not use ${target}`;
}

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => `src/${file}`);
const all = files.flatMap((file) => importsOf(file, readFileSync(join(root, file), 'utf8')));

describe('the walls between the rooms of src', () => {
  it('stand', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(all.flatMap((one) => judge(one) ?? [])).toEqual([]);
  });

  it('have no cycle of files', () => {
    const graph = new Map(
      files.map((file) => [
        file,
        all
          .filter(({ from, to, typeOnly }) => from === file && to.startsWith('.') && !typeOnly)
          .map(({ to }) => relative(root, resolve(root, dirname(file), to))),
      ]),
    );
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      else if (!done.has(file)) for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  const broken: readonly [string, string, string | undefined][] = [
    ['src/kernel/x.ts', "import { a } from '../runtime/engine.ts';", 'src/kernel/x.ts must not use src/runtime/engine.ts'],
    ['src/runtime/x.ts', "import { sqlite } from '../stores/sqlite/sqlite.ts';", 'src/runtime/x.ts must not use src/stores/sqlite/sqlite.ts'],
    ['src/runtime/x.ts', "import type { Store } from '../stores/store.ts';", undefined],
    ['src/saga/x.ts', "import { createMachine } from 'xstate';", 'src/saga/x.ts must not use xstate'],
    ['src/saga/x.ts', "import type { AnyStateMachine } from 'xstate';", undefined],
    ['src/chart/x.ts', "export * from '../../sagas/trip-booking.ts';", 'src/chart/x.ts leaves src: ../../sagas/trip-booking.ts'],
    ['src/base/x.ts', "const fs = await import('node:fs');", 'src/base/x.ts must not use node:fs'],
    ['src/stores/memory/x.ts', "import { DatabaseSync } from 'node:sqlite';", 'src/stores/memory/x.ts must not use node:sqlite'],
    ['src/new/x.ts', "import 'zod';", 'src/new/x.ts: new is a room without arrows'],
  ];
  for (const [from, source, wrong] of broken)
    it(`${source} in ${from}: ${wrong ? 'refused' : 'fine'}`, () => expect(importsOf(from, source).map(judge)).toEqual([wrong]));
});

import type { AnyStateMachine } from 'xstate';

interface Names {
  readonly actors: Set<string>;
  readonly guards: Set<string>;
  readonly actions: Set<string>;
  readonly delays: Set<string>;
}

/** Fields of a config that are code, which a picture does not need. */
const CODE = new Set(['context', 'output', 'input', 'meta']);

/**
 * TypeScript source that the Stately editor imports: one literal `createMachine` call, with every actor, guard,
 * action and delay by its name.
 */
export function statelySource(machine: AnyStateMachine): string {
  const names: Names = { actors: new Set(), guards: new Set(), actions: new Set(), delays: new Set() };
  const config = literal(machine.config, names, 1, '');
  const stub = (all: ReadonlySet<string>, value: string): string =>
    [...all]
      .sort()
      .map((name) => `    ${JSON.stringify(name)}: ${value},`)
      .join('\n');
  return `import { fromPromise, setup } from 'xstate';

export const machine = setup({
  actors: {
${stub(names.actors, 'fromPromise(async () => ({}))')}
  },
  guards: {
${stub(names.guards, '() => true')}
  },
  actions: {
${stub(names.actions, '() => {}')}
  },
  delays: {
${stub(names.delays, '1000')}
  },
}).createMachine(${config});
`;
}

function literal(value: unknown, names: Names, depth: number, key: string): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[${value.map((item) => literal(item, names, depth, key)).join(', ')}]`;
  if (typeof value === 'function') return JSON.stringify(collect(named(value), names, key));
  if (typeof value === 'string') return JSON.stringify(collect(value, names, key));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const indent = '  '.repeat(depth);
  if (key === 'after') for (const delay of Object.keys(value)) names.delays.add(delay);
  const entries = Object.entries(value)
    .filter(([field, item]) => item !== undefined && !CODE.has(field))
    .map(
      ([field, item]) => `${indent}${/^[A-Za-z_]\w*$/.test(field) ? field : JSON.stringify(field)}: ${literal(item, names, depth + 1, roleOf(field, key))},`,
    );
  return entries.length === 0 ? '{}' : `{\n${entries.join('\n')}\n${'  '.repeat(depth - 1)}}`;
}

/** What a string at this place names. Below `states`, `on` and `after` a field is a name of the user's, not a role. */
function roleOf(field: string, key: string): string {
  if (key === 'states') return 'state';
  if (key === 'on' || key === 'after') return 'transition';
  if (key === 'params') return 'params';
  if (field === 'type' && (key === 'guard' || key === 'actions' || key === 'entry' || key === 'exit')) return key;
  return field;
}

function collect(name: string, names: Names, role: string): string {
  if (role === 'src') names.actors.add(name);
  if (role === 'guard') names.guards.add(name);
  if (role === 'actions' || role === 'entry' || role === 'exit') names.actions.add(name);
  return name;
}

function named(value: unknown): string {
  const { type, name } = value as { readonly type?: string; readonly name?: string };
  return type ?? (name || 'inline');
}

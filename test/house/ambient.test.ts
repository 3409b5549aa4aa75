import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const TIMERS = new Set(['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate']);
const MEMBERS = new Set(['Date.now', 'Math.random', 'performance.now', 'process.hrtime', 'crypto.randomUUID', 'crypto.getRandomValues']);
/** Where time and chance come in: everything else is given a clock or ids. */
const SOURCES = new Set(['base/clock.ts', 'base/ids.ts']);

/** Uses of the machine's own time and chance, directly, through `globalThis` or by taking them apart. */
function ambient(path: string, source: string): readonly string[] {
  const found: string[] = [];
  const { program } = parseSync(path, source);
  new Visitor({
    CallExpression: ({ callee }) => {
      if (callee.type === 'Identifier' && TIMERS.has(callee.name)) found.push(callee.name);
    },
    NewExpression: ({ callee, arguments: values }) => {
      if (callee.type === 'Identifier' && callee.name === 'Date' && values.length === 0) found.push('new Date()');
    },
    MemberExpression: ({ object, property }) => {
      const name = property.type === 'Identifier' ? property.name : property.type === 'Literal' ? String(property.value) : '';
      const owner =
        object.type === 'Identifier' ? object.name : object.type === 'MemberExpression' && object.property.type === 'Identifier' ? object.property.name : '';
      if (MEMBERS.has(`${owner}.${name}`)) found.push(`${owner}.${name}`);
      if (owner === 'globalThis' && TIMERS.has(name)) found.push(`globalThis.${name}`);
    },
    VariableDeclarator: ({ id, init }) => {
      if (id.type !== 'ObjectPattern' || init?.type !== 'Identifier') return;
      for (const one of id.properties) {
        const name = one.type === 'Property' && one.key.type === 'Identifier' ? one.key.name : '';
        if (MEMBERS.has(`${init.name}.${name}`) || (init.name === 'globalThis' && TIMERS.has(name))) found.push(`{ ${name} } = ${init.name}`);
      }
    },
    ImportDeclaration: ({ source: from, specifiers }) => {
      if (from.value === 'node:timers' || from.value === 'node:timers/promises') found.push(from.value);
      for (const one of specifiers) if (from.value === 'node:crypto' && /^random/.test(one.local.name)) found.push(one.local.name);
    },
  }).visit(program);
  return found;
}

describe('time and chance', () => {
  it('come from the clock and the ids alone; the clock for tests lets the event loop turn', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const found = files.flatMap((file) =>
      SOURCES.has(file) ? [] : ambient(file, readFileSync(join(root, 'src', file), 'utf8')).map((what) => `${file}: ${what}`),
    );
    expect(new Set(found)).toEqual(new Set(['testing/manual-clock.ts: setImmediate', 'testing/simulate/sim-time.ts: setImmediate']));
  });

  const caught: readonly [string, readonly string[]][] = [
    ['setTimeout(f, 1)', ['setTimeout']],
    ['globalThis.setTimeout(f, 1)', ['globalThis.setTimeout']],
    ['Date.now()', ['Date.now']],
    ['globalThis.Date.now()', ['Date.now']],
    ["Math['random']()", ['Math.random']],
    ['const { now } = Date', ['{ now } = Date']],
    ['const { setInterval: s } = globalThis', ['{ setInterval } = globalThis']],
    ['new Date()', ['new Date()']],
    ['new Date(5)', []],
    ["import { randomBytes } from 'node:crypto'", ['randomBytes']],
    ["import { setTimeout as wait } from 'node:timers/promises'", ['node:timers/promises']],
    ['clock.now()', []],
  ];
  for (const [source, what] of caught) it(`${source}: ${what.length > 0 ? 'caught' : 'fine'}`, () => expect(ambient('x.ts', source)).toEqual(what));
});

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

it('no file of src is a drawer, and none has more than 300 lines', () => {
  expect(files.filter((file) => /(^|\/)(utils?|helpers?|common|misc|shared)(\.|\/)/.test(file))).toEqual([]);
  const long = files.filter((file) => read(`src/${file}`).split('\n').length > 301);
  // The verbs of a builder are one class, and so is what a store does: its methods are short, and what they do lies beside it.
  expect(long.filter((file) => !['saga/saga.ts', 'stores/memory/memory.ts', 'stores/sqlite/sqlite.ts'].includes(file))).toEqual([]);
});

it('every error code has a page, and every page a code', () => {
  const codes = new Set(files.flatMap((file) => [...read(`src/${file}`).matchAll(/'(SC_[A-Z_]+[A-Z])'/g)].map(([, code]) => code as string)));
  const pages = new Set(readdirSync(join(root, 'docs/errors')).flatMap((file) => (file.startsWith('SC_') ? [file.replace(/\.md$/, '')] : [])));
  expect([...codes].filter((code) => !pages.has(code)).sort(), 'codes without a page in docs/errors').toEqual([]);
  expect([...pages].filter((page) => !codes.has(page)).sort(), 'pages without a code').toEqual([]);
});

it('error pages say what to do', () => {
  for (const file of readdirSync(join(root, 'docs/errors')).filter((name) => name.startsWith('SC_'))) {
    const text = read(`docs/errors/${file}`);
    expect(text.startsWith(`# ${file.replace(/\.md$/, '')}\n`), file).toBe(true);
    expect(text, file).toMatch(/\*\*What to do\.\*\* /);
  }
});

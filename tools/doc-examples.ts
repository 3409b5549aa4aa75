import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A fenced block of a page: its language, what stands behind it (`file=trip.ts`), its text. */
export interface Block {
  readonly language: string;
  readonly about: Readonly<Record<string, string>>;
  readonly text: string;
}

/** A command of a `console` block, and what it must print: `…` stands for anything. */
export interface Shown {
  readonly command: string;
  readonly output: string;
}

/** Pages for users: the README, and what lies in docs itself. */
export function pages(): readonly string[] {
  const inDocs = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', ...inDocs.map((file) => `docs/${file}`)];
}

export function blocksOf(page: string): readonly Block[] {
  return [...readFileSync(join(root, page), 'utf8').matchAll(/^```(\w+)(.*)\n([\s\S]*?)^```$/gm)].map(([, language = '', about = '', text = '']) => ({
    language,
    about: Object.fromEntries(
      about
        .trim()
        .split(/\s+/)
        .filter(Boolean)
        .map((one) => one.split('=', 2) as [string, string]),
    ),
    text,
  }));
}

export function shownIn(page: string): readonly Shown[] {
  return blocksOf(page)
    .filter(({ language }) => language === 'console')
    .flatMap(({ text }) => text.split(/^\$ /m).slice(1))
    .map((one) => {
      const end = one.indexOf('\n');
      return { command: one.slice(0, end), output: one.slice(end + 1) };
    });
}

/** Writes the files of a page into a directory where `sagachart` and its peers are found as if they were installed. */
export function unpack(page: string, directory: string): readonly string[] {
  const files = blocksOf(page).flatMap(({ about: { file }, text }) => (file ? [[file, text] as const] : []));
  for (const [file, text] of files) writeFileSync(join(directory, file), text);
  return files.map(([file]) => file);
}

/** The checkout as an installed package: linked, so that its sources run. */
export function link(directory: string): void {
  const installed = join(directory, 'node_modules/sagachart');
  mkdirSync(installed, { recursive: true });
  const exports = {
    '.': './src/index.ts',
    './testing': './src/testing/index.ts',
    './testing/fast-check': './src/testing/fast-check/index.ts',
    './participant': './src/participant/index.ts',
  };
  writeFileSync(join(installed, 'package.json'), JSON.stringify({ name: 'sagachart', type: 'module', exports }));
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module' }));
  symlinkSync(join(root, 'src'), join(installed, 'src'));
  for (const peer of ['zod', 'xstate', 'fast-check', '@types']) symlinkSync(join(root, 'node_modules', peer), join(directory, 'node_modules', peer));
}

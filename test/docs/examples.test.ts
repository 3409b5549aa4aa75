import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { blocksOf, link, pages, shownIn, unpack } from '../../tools/doc-examples.ts';

const root = join(import.meta.dirname, '../..');
const tsc = join(root, 'node_modules/typescript/bin/tsc');

const run = async (directory: string, file: string, args: readonly string[]): Promise<string> =>
  await new Promise((resolve) => {
    execFile(file, args, { cwd: directory, env: { ...process.env, NO_COLOR: '1' } }, (_, stdout, stderr) => resolve(stdout + stderr));
  });

/** Everything between the dots must stand there, in this order. */
function expectLike(actual: string, wanted: string): void {
  const pattern = wanted
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[\\s\\S]*?');
  expect(actual, `wanted:\n${wanted}`).toMatch(new RegExp(`^${pattern}$`));
}

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sagachart-docs-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  link(directory);
  return directory;
}

function unpacked(page: string): string {
  const directory = temporary();
  unpack(page, directory);
  return directory;
}

const WITH_CODE = pages().filter((page) => blocksOf(page).some(({ language }) => language === 'ts'));

describe('what the pages show', () => {
  it('is code with a file name, so that it is tried', () => {
    expect(WITH_CODE).toContain('README.md');
    expect(WITH_CODE).toContain('docs/quickstart.md');
    expect(pages().flatMap((page) => blocksOf(page).flatMap(({ language, about }) => (language === 'ts' && !about.file ? [page] : [])))).toEqual([]);
  });

  // In one go: most of the time goes into what all of them use.
  it('is code that fits its types', async () => {
    const directory = temporary();
    for (const page of WITH_CODE) {
      const own = join(directory, page.replace(/\W/g, '-'));
      mkdirSync(own);
      unpack(page, own);
    }
    const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as { compilerOptions: object };
    writeFileSync(
      join(directory, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...compilerOptions, noUnusedParameters: false }, include: ['*/*.ts'] }),
    );
    expect(await run(directory, process.execPath, [tsc, '--noEmit'])).toBe('');
  });

  for (const page of WITH_CODE) {
    it(`${page}: the commands print what it says`, async () => {
      const directory = unpacked(page);
      for (const { command, output } of shownIn(page)) {
        const [file = '', ...args] = (command.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'(.*)'$/, '$1'));
        const printed =
          file === 'npx'
            ? await run(directory, process.execPath, [join(root, 'bin/sagachart.js'), ...args.slice(1)])
            : await run(directory, process.execPath, args);
        expectLike(printed, output);
      }
    });
  }

  it('are charts that are current', async () => {
    expect(await run(root, process.execPath, ['tools/docs.ts', '--check', '--charts'])).toBe('');
  });
});

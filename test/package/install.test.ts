import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shownIn, unpack } from '../../tools/doc-examples.ts';

const root = join(import.meta.dirname, '../..');
let directory: string;

const run = async (
  file: string,
  args: readonly string[],
  cwd = directory,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> =>
  await new Promise((resolve) => {
    execFile(file, args, { cwd, env: { ...process.env, NO_COLOR: '1' } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

/** What npm would publish, installed in an empty folder with nothing but what npm adds by itself. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sagachart-package-'));
  expect(await run('npm', ['pack', '--pack-destination', directory], root)).toMatchObject({ code: 0 });
  const [tarball] = readdirSync(directory).filter((file) => file.endsWith('.tgz'));
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }));
  expect(await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', `./${tarball}`])).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('the package', () => {
  it('runs the saga of the README', async () => {
    unpack('README.md', directory);
    const shown = shownIn('README.md');
    expect(shown.length).toBeGreaterThan(1);
    for (const { output } of shown) expect((await run(process.execPath, ['trip.ts'])).stdout).toBe(output);
  });

  it('brings its peers once, and what it needs to run, but no sources and no tests', () => {
    for (const peer of ['xstate', 'zod']) {
      expect(existsSync(join(directory, 'node_modules', peer))).toBe(true);
      expect(existsSync(join(directory, 'node_modules/sagachart/node_modules', peer))).toBe(false);
    }
    expect(readdirSync(join(directory, 'node_modules/sagachart')).sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'dist', 'package.json']);
  });

  it('has a command line', async () => {
    writeFileSync(
      join(directory, 'sagachart.config.js'),
      "import { defineConfig } from 'sagachart';\nexport default defineConfig({ store: 'trips.db', sagas: [] });\n",
    );
    const shown = await run(process.execPath, ['node_modules/sagachart/bin/sagachart.js', 'show', 'trip-7', '--json']);
    expect(JSON.parse(shown.stdout)).toMatchObject({ id: 'trip-7', status: 'completed', blocked: false });
  });

  it('opens what it means to open, and nothing else', async () => {
    const load = async (path: string) =>
      await run(process.execPath, ['--input-type=module', '-e', `console.log(Object.keys(await import('${path}')).sort().join(' '))`]);
    expect((await load('sagachart')).stdout).toBe(
      'BusyError DefinitionError HardError SagachartError StoreError defineConfig dependency didNotHappen happened logSink memory saga sagachart sagachartClient sqlite step type webhookSink withUndo workflow\n',
    );
    expect((await load('sagachart/testing')).stdout).toContain('storeContract');
    expect((await load('sagachart/participant')).stdout).toBe(
      'BusyError HardError LateRunError LockLostError SagachartError StaleFenceError ValueChangedError participantGuard reread runOf semanticLock\n',
    );
    expect((await load('sagachart/dist/kernel/decide.js')).stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  it('has types that fit a strict reader', async () => {
    const options = {
      module: 'nodenext',
      target: 'es2024',
      lib: ['es2024', 'esnext.disposable'],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
      allowImportingTsExtensions: true,
    };
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['trip.ts', 'node.d.ts'] }));
    writeFileSync(join(directory, 'node.d.ts'), 'declare const console: { log(...values: unknown[]): void };\n');
    expect(await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'])).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

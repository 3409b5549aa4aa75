import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
/** Ignored by git, and inside the repository, so that packages resolve. */
const cache = join(root, 'node_modules/.cache/sagachart-types');

/** What the compiler prints for programs that import from `./sagachart/index.js`: the declarations, as a user gets them. */
export function compile(programs: Readonly<Record<string, string>>, ...options: readonly string[]): string {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'run-'));
  try {
    for (const [name, text] of Object.entries(programs)) writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../../../tsconfig.json', include: ['*.ts'] }));
    const declared = tsc(root, '-p', 'tsconfig.build.json', '--noCheck', '--emitDeclarationOnly', '--outDir', join(folder, 'sagachart'));
    return declared + tsc(folder, '--noEmit', ...options);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function tsc(cwd: string, ...options: readonly string[]): string {
  const bin = join(root, 'node_modules/typescript/bin/tsc');
  const { stdout, stderr, error } = spawnSync(process.execPath, [bin, '--pretty', 'false', ...options], { cwd, encoding: 'utf8' });
  if (error) throw error;
  return stdout + stderr;
}

/** The errors of one program, each with the lines that explain it. */
export function errorsOf(output: string, program: string): readonly string[] {
  return output.split(/\n(?! )/).filter((error) => error.startsWith(`${program}(`));
}

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import vm from 'node:vm';
import { describe, expect, it } from 'vitest';

const bin = join(import.meta.dirname, '../../bin');
const old = ['/usr/bin/node', '/usr/local/bin/node'].find((node) => existsSync(node) && major(execFileSync(node, ['--version'], { encoding: 'utf8' })) < 24);

function major(version: string): number {
  return Number(/^v?(\d+)/.exec(version)?.[1]);
}

describe('an older Node', () => {
  it.skipIf(!old)('is told which one is needed, and nothing else, by a direct start', () => {
    const ran = spawnSync(old ?? '', [join(bin, 'sagachart.js'), 'list'], { encoding: 'utf8' });
    expect({ status: ran.status, stdout: ran.stdout, stderr: ran.stderr }).toEqual({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^sagachart needs Node 24 or newer; this is \d+\.\d+\.\d+\. .*\n$/),
    });
  });

  const checked = (version: string): { readonly said: readonly string[]; readonly exits: readonly number[] } => {
    const said: string[] = [];
    const exits: number[] = [];
    vm.runInNewContext(readFileSync(join(bin, 'require-node.js'), 'utf8'), {
      process: { versions: { node: version }, exit: (code: number) => exits.push(code) },
      console: { error: (text: string) => said.push(text) },
    });
    return { said, exits };
  };

  it.each(['0.12.18', '8.17.0', '20.20.2', '23.11.1'])('%s is refused', (version) => {
    expect(checked(version)).toEqual({ said: [expect.stringContaining(`needs Node 24 or newer; this is ${version}`)], exits: [1] });
  });

  it.each(['24.0.0', '25.1.0', '100.0.0'])('%s is not', (version) => {
    expect(checked(version)).toEqual({ said: [], exits: [] });
  });

  it('can link the entry: what it imports by name has been there since Node 12', () => {
    const named = [...readFileSync(join(bin, 'sagachart.js'), 'utf8').matchAll(/^import \{([^}]+)\} from/gm)].flatMap(([, names = '']) => names.split(','));
    expect(named.map((name) => name.trim())).toEqual(['existsSync']);
  });
});

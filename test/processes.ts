import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const bin = join(import.meta.dirname, '../bin/sagachart.js');
const fixture = join(import.meta.dirname, 'fixtures/sagachart.config.ts');

/** What a command left behind. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The JSON on the last line; undefined without `--json`. */
  readonly json: Record<string, unknown> | undefined;
}

export interface RunningExecutor {
  readonly pid: number;
  kill(): Promise<void>;
  interrupt(): Promise<number | null>;
}

export interface Wrapped {
  /** A program and its arguments that run the command: `setpriv …`, `bash -c …`. */
  readonly through?: readonly string[];
  /** Told when it first prints. */
  readonly printed?: () => void;
}

/** The command line as real processes, on a store in a directory of its own. */
export class CommandLine {
  readonly directory = mkdtempSync(join(tmpdir(), 'sagachart-cli-'));
  readonly store = join(this.directory, 'runs.db');
  readonly #executors: RunningExecutor[] = [];

  /** Runs to the end, whatever the exit code; with --json. */
  async run(args: readonly string[], options: Wrapped = {}): Promise<Ran> {
    return await this.plain([...args, '--json', '--store', this.store, '--config', fixture], options);
  }

  /** The arguments as they are. */
  async plain(args: readonly string[], { through = [], printed = () => {} }: Wrapped = {}): Promise<Ran> {
    const [file = '', ...rest] = [...through, process.execPath, bin, ...args];
    return await new Promise((resolve) => {
      const child = execFile(file, rest, { cwd: this.directory }, (error, stdout, stderr) => {
        const last = stdout.trim().split('\n').at(-1) ?? '';
        const json = last.startsWith('{') ? (JSON.parse(last) as Record<string, unknown>) : undefined;
        // One that was killed has no code.
        resolve({ code: error ? (typeof error.code === 'number' ? error.code : -1) : 0, stdout, stderr, json });
      });
      child.stdout?.once('data', printed);
    });
  }

  /** Runs and gives the JSON. @throws Error if the exit code is not 0 */
  async json(...args: string[]): Promise<Record<string, unknown>> {
    const ran = await this.run(args);
    if (ran.code !== 0 || !ran.json) throw new Error(`exit code ${ran.code}: ${ran.stdout}${ran.stderr}`);
    return ran.json;
  }

  /** A real executor, in a process of its own, once it executes. */
  async executor({ through = [] }: Wrapped = {}): Promise<RunningExecutor> {
    const [file = '', ...rest] = [...through, process.execPath, bin, 'run', '--store', this.store, '--config', fixture];
    const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.directory });
    const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
    // Not inherited: an executor that a failed test left behind would hold the test runner's own pipe open.
    let complaints = '';
    child.stderr.on('data', (text) => {
      complaints += text;
    });
    await Promise.race([
      new Promise<void>((resolve) => child.stdout.once('data', () => resolve())),
      exit.then((code) => Promise.reject(new Error(`the executor ended with ${code}: ${complaints}`))),
    ]);
    const running: RunningExecutor = {
      pid: child.pid as number,
      kill: async () => {
        child.kill('SIGKILL');
        await exit;
      },
      interrupt: async () => {
        child.kill('SIGINT');
        return await exit;
      },
    };
    this.#executors.push(running);
    return running;
  }

  query<T>(sql: string, ...values: string[]): T[] {
    const db = new DatabaseSync(this.store, { readOnly: true });
    try {
      return db.prepare(sql).all(...values) as T[];
    } finally {
      db.close();
    }
  }

  /** Every row of the runs and of what they will still do. */
  rows(): unknown {
    const tables = ['runs', 'journal', 'bases', 'outbox', 'items', 'tombstones'];
    return [...tables.map((table) => this.query(`SELECT * FROM ${table}`)), this.query('SELECT * FROM inbox WHERE answered_at IS NULL')];
  }

  async remove(): Promise<void> {
    for (const executor of this.#executors) await executor.kill();
    rmSync(this.directory, { recursive: true });
  }
}

/** Looks every 10 ms, for 10 s. */
export async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < 1_000; i++) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it did not come');
}

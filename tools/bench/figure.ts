import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Definition } from '../../src/definitions.ts';
import { sagachart, sqlite } from '../../src/index.ts';
import type { Sagachart, SagachartOptions } from '../../src/sagachart.ts';

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly reference: number | null;
  readonly ratio: number | null;
  readonly better: 'higher' | 'lower';
  /** Of the ratio; of the value where there is no reference. */
  readonly target: number;
  readonly ok: boolean;
}

export interface BenchOptions {
  readonly rounds: number;
  readonly sagas: number;
  /** Tells how far it is. */
  say(line: string): void;
}

/** One that is better when it is smaller, as a ratio. */
export function smaller(name: string, unit: string, rounds: readonly { readonly value: number; readonly reference: number }[], target: number): Figure {
  const ratio = median(rounds.map(({ value, reference }) => value / reference));
  return {
    name,
    value: Math.round(median(rounds.map(({ value }) => value))),
    unit,
    reference: Math.round(median(rounds.map(({ reference }) => reference))),
    ratio: Math.round(ratio * 1000) / 1000,
    better: 'lower',
    target,
    ok: ratio <= target,
  };
}

/** Runs what is measured on an engine of its own, on a real file. */
export async function onFile<T>(sagas: readonly Definition[], work: (engine: Sagachart) => Promise<T>, options: Partial<SagachartOptions> = {}): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'sagachart-bench-'));
  const engine = await sagachart({ sagas, store: sqlite(join(directory, 'runs.db')), log: { level: 'silent' }, ...options } as SagachartOptions);
  try {
    return await work(engine as Sagachart);
  } finally {
    await engine.close();
    rmSync(directory, { recursive: true });
  }
}

export function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

import type { RunRow } from '../../stores/store.ts';

/** What a drill came to. */
export interface DrillReport {
  readonly seed: number;
  readonly seconds: number;
  readonly kills: number;
  /** From the start of a process after a kill until it had taken over what was under way, ms. */
  readonly recoveryMs: { readonly count: number; readonly median: number | null; readonly longest: number | null };
  readonly runs: number;
  /** How many runs are in which status. */
  readonly ends: Readonly<Record<string, number>>;
  readonly unfinished: number;
  /** Runs that need a person. */
  readonly attention: readonly string[];
  /** From start to end, ms. */
  readonly runMs: { readonly median: number | null; readonly p95: number | null };
}

export function drillReport(
  rows: readonly RunRow[],
  { seed, seconds, kills, recoveries }: { readonly seed: number; readonly seconds: number; readonly kills: number; readonly recoveries: readonly number[] },
): DrillReport {
  const ends: Record<string, number> = {};
  for (const { status } of rows) ends[status] = (ends[status] ?? 0) + 1;
  const took = rows.flatMap(({ createdAt, endedAt }) => (endedAt === null ? [] : [endedAt - createdAt]));
  const attention = rows.filter((row) => row.attention && row.endedAt === null).map(({ id }) => id);
  return {
    seed,
    seconds,
    kills,
    recoveryMs: { count: recoveries.length, median: quantile(recoveries, 0.5), longest: quantile(recoveries, 1) },
    runs: rows.length,
    ends,
    unfinished: rows.filter((row) => row.endedAt === null && !row.attention).length,
    attention,
    runMs: { median: quantile(took, 0.5), p95: quantile(took, 0.95) },
  };
}

function quantile(numbers: readonly number[], part: number): number | null {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? null;
}

/** The report as a page. */
export function drillPage(report: DrillReport, faults: string): string {
  const { seed, seconds, kills, recoveryMs, runs, ends, unfinished, attention, runMs } = report;
  const ms = (value: number | null): string => (value === null ? '–' : `${Math.round(value)} ms`);
  const list = Object.entries(ends).map(([status, count]) => `| ${status} | ${count} |`);
  return [
    '# Fault drill',
    '',
    `${seconds} s, seed ${seed}; ${faults}.`,
    '',
    `- ${kills} kills; after a kill a new process had taken over after ${ms(recoveryMs.median)} (median), ${ms(recoveryMs.longest)} at most.`,
    `- ${runs} runs; from start to end ${ms(runMs.median)} (median), ${ms(runMs.p95)} (p95).`,
    `- ${unfinished === 0 ? 'All have ended or ask for a person' : `${unfinished} have not ended`}.`,
    '',
    '| status | runs |',
    '|---|---:|',
    ...list,
    '',
    attention.length === 0 ? 'Nothing needs a person.' : `Need a person: ${attention.join(', ')}.`,
    '',
  ].join('\n');
}

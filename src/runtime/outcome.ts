import type { Failure } from '../base/failure.ts';
import type { Left } from '../chart/context.ts';
import { endOf } from '../kernel/standing.ts';
import type { StateData } from '../kernel/state.ts';

/** How a run ended. */
export type Outcome<Output = unknown> =
  /** `output` is undefined where it needs the result of a step that a person skipped: `left` lists it. */
  | { readonly status: 'completed'; readonly output: Output; readonly left: readonly Left[] }
  /** A step failed; at least one compensation was called. */
  | { readonly status: 'compensated'; readonly step: string; readonly failure: Failure | null; readonly left: readonly Left[] }
  | { readonly status: 'canceled'; readonly by: string | null; readonly reason: string | null; readonly left: readonly Left[] }
  /** A step failed, and there was nothing to undo. */
  | { readonly status: 'failed'; readonly step: string; readonly failure: Failure | null; readonly left: readonly Left[] }
  | { readonly status: 'terminated'; readonly left: readonly Left[] };

/** What the final state says, in the shape of an outcome; undefined while the run goes on. */
export function outcomeOf(data: StateData, kind: 'saga' | 'workflow'): Outcome | undefined {
  const status = endOf({ seq: 0, data, snapshot: undefined });
  if (status === undefined) return undefined;
  if (kind === 'saga') return { status, left: [], ...(data.output as object) } as Outcome;
  if (status === 'completed') return { status, output: data.output, left: [] };
  if (status === 'terminated') return { status, left: [] };
  if (status === 'canceled') return { status, by: null, reason: null, left: [] };
  return { status, step: '', failure: (data.error as Failure | undefined) ?? null, left: [] };
}

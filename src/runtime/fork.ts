import { SagachartError } from '../base/errors.ts';
import { quoted } from '../base/quoted.ts';
import { statePaths } from '../chart/path.ts';
import { applyChanges } from '../kernel/change.ts';
import { carriedBy } from '../kernel/decide.ts';
import { decodeEntry, type Entry } from '../kernel/entry.ts';
import type { RunEvent } from '../kernel/event.ts';
import type { ForkedState } from '../kernel/fork.ts';
import { EMPTY, type StateData } from '../kernel/state.ts';
import type { RunRow, Store } from '../stores/store.ts';
import type { Operator } from './command.ts';
import { inputOf, stepOf } from './history.ts';
import type { Program, Programs } from './program.ts';
import { missingRun } from './refusal.ts';
import { who } from './who.ts';

export interface ForkPoint {
  /** Commit of the other run whose state is taken. */
  readonly at?: number;
  /** Or the commit with which that run last came to this step. */
  readonly before?: string;
}

export interface ForkOptions extends ForkPoint, Operator {
  /** Id of the new run: forking twice with it is forking once. Default: generated. */
  readonly id?: string;
  /** To find it by. Default: those of the other run. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Everything that a fork begins with. */
export interface ForkPlan {
  readonly row: RunRow;
  readonly program: Program;
  readonly event: Extract<RunEvent, { type: 'forked' }>;
  readonly state: ForkedState;
}

const PAGE = 100;

/**
 * What a new run begins with that is what another one was at some point of its journal.
 * @throws SagachartError SC_FORK, SC_UNKNOWN_RUN, SC_RUN_PURGED, SC_RUN_BLOCKED, SC_OPTION
 */
export async function planFork(
  { store, programs }: { readonly store: Pick<Store, 'find' | 'tombstone' | 'journal'>; readonly programs: Programs },
  { of, id, ...options }: ForkPoint & Operator & { readonly of: string; readonly id: string },
): Promise<ForkPlan> {
  const { at, before } = options;
  if ((at === undefined) === (before === undefined)) throw refused(of, 'it is not said from which point', 'Give either `at`, a commit, or `before`, a step.');
  if (at !== undefined && (!Number.isSafeInteger(at) || at < 1)) throw refused(of, `at is ${quoted(at)}, which is no commit`, 'Give a whole number from 1.');
  const row = await store.find(of);
  if (!row) throw await missingRun(store, of);
  const program = programs.match(row);
  if (program instanceof SagachartError) throw program;
  const point = await pointOf(store, row, { at, before });
  if (!point) throw refused(of, at === undefined ? `it has never come to ${before}` : `it has no commit ${at}`, 'Look at its journal: `sagachart journal`.');
  const { data, seq } = point;
  const state = forkedFrom(program, point, { of, id });
  const input = await inputOf(store, row.number);
  const { incarnation } = row;
  return { row, program, state, event: { type: 'forked', run: id, from: of, incarnation, seq, input, ...who(options) } };

  function forkedFrom({ fork }: Program, { at: now }: Point, ids: { readonly of: string; readonly id: string }): ForkedState {
    const problem = whyNot(data) ?? fork.problem(data);
    if (problem) throw refused(ids.of, `at commit ${seq} ${problem.why}`, problem.next);
    return {
      data: {
        status: data.status,
        value: data.value,
        context: fork.context(data, ids.id),
        ...(data.order === undefined ? {} : { order: data.order }),
        children: {},
        timers: {},
      },
      invoked: Object.entries(data.children).map(([child, { src, round }]) => ({ id: child, src, round })),
      waits: Object.values(data.timers).map(({ id: wait, due, event }) => ({ id: wait, event, restMs: Math.max(0, due - now) })),
    };
  }
}

interface Point {
  readonly seq: number;
  /** ms since 1970. */
  readonly at: number;
  readonly data: StateData;
}

/** The state at a commit, or at the last one with which a run came to a step; undefined if there is none. */
async function pointOf(
  store: Pick<Store, 'journal'>,
  { number }: RunRow,
  { at, before }: { readonly at: number | undefined; readonly before: string | undefined },
) {
  let found: Point | undefined;
  let data: StateData = structuredClone(EMPTY.data);
  let wasThere = false;
  for await (const { seq, ...entry } of entriesOf(store, number)) {
    data = applyChanges(data, structuredClone(entry.change), carriedBy(entry.event)) as StateData;
    const isThere = before !== undefined && hasComeTo(data, before);
    if (seq === at || (isThere && !wasThere)) found = { seq, at: entry.at, data: structuredClone(data) };
    if (seq === at) return found;
    wasThere = isThere;
  }
  return found;
}

async function* entriesOf(store: Pick<Store, 'journal'>, run: number): AsyncGenerator<Entry & { readonly seq: number }, void> {
  for (let from = 1; ; ) {
    const page = await store.journal(run, { from, limit: PAGE });
    for (const stored of page) yield { seq: stored.seq, ...decodeEntry(stored) };
    if (page.length < PAGE) return;
    from = (page.at(-1)?.seq ?? 0) + 1;
  }
}

/** Whether a step is under way, or waits for its turn no longer. */
function hasComeTo({ value, status }: StateData, step: string): boolean {
  return status === 'active' && statePaths(value).some((path) => path.startsWith(`running.${step}.`) && path !== `running.${step}.waiting`);
}

function whyNot({ status, faults, children }: StateData) {
  if (status === 'queued') return { why: 'it had not begun', next: 'Start a new run with its input.' };
  if (status !== 'active') return { why: 'it had ended', next: 'Fork it at an earlier commit.' };
  if (faults) return { why: 'an event waits for a person, because the chart threw at it', next: 'Fork it at an earlier commit.' };
  for (const [id, { run, items }] of Object.entries(children)) {
    const { step } = stepOf(id);
    if (run !== undefined) return { why: `it waits for ${run}, a run of its own`, next: `Fork it before ${step}, or after it.` };
    if (items) return { why: `it is in the middle of the map ${step}`, next: `Fork it before ${step}, or after it.` };
  }
  return undefined;
}

function refused(of: string, why: string, next: string): SagachartError {
  return new SagachartError('SC_FORK', `run ${of} cannot be forked: ${why}`, { next, details: { run: of } });
}

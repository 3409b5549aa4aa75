import { SagachartError } from '../base/errors.ts';
import { asFailure } from '../base/failure.ts';
import { type Decided, decide, faulted } from '../kernel/decide.ts';
import { BASE_FORMAT, ENTRY_FORMAT, encodeBase, encodeEntry } from '../kernel/entry.ts';
import { decideFork } from '../kernel/fork.ts';
import { inQueue } from '../kernel/place.ts';
import { standingOf } from '../kernel/standing.ts';
import type { RunState } from '../kernel/state.ts';
import type { Commit, InboxEntry, Recast, Refusal, RunStanding } from '../stores/store.ts';
import { newlyStuck } from './attention.ts';
import type { Cell, Delivery } from './cell.ts';
import { encodeAnswer, refusal } from './command.ts';
import type { Escalation } from './escalation.ts';
import { migratedOnto } from './onto.ts';
import { messagesOf } from './post.ts';
import { notAccepted, notStarted } from './refusal.ts';

/** One decided event, not yet durable: thrown away, and decided again, if its batch fails. */
export interface Draft {
  readonly cell: Cell;
  readonly delivery: Delivery;
  /** What the run is with it: a migration makes another of it. */
  readonly as: Role;
  /** The state it was decided on. */
  readonly before: RunState;
  readonly decided: Decided;
  readonly commit: Commit;
  readonly standing: RunStanding;
  /** What needs a person since this commit. */
  readonly stuck: readonly string[];
  readonly sinceBase: number;
  readonly baseSize: number;
}

/** What a run is: it is decided, and told of, by that. */
export type Role = Pick<Cell, 'number' | 'identity' | 'program' | 'labels'>;

export interface DraftOptions {
  readonly now: number;
  /** A wait longer than this, ms, makes a run sleep. */
  readonly sleepMs: number;
  readonly escalation: Escalation;
}

/** What became of a delivery that changes nothing. */
export interface Nothing {
  readonly delivery: Delivery;
  /** Undefined: it was discarded, or came a second time. */
  readonly error: SagachartError | undefined;
  /** The run it was for, where it got that far. */
  readonly cell?: Cell;
  /** What a run is told whose message it was. */
  readonly reply?: InboxEntry;
}

/**
 * Decides events that a run's mailbox held, each on the state the one before it leads to. The state of the cell
 * itself stays as it is until the batch is durable.
 */
export function draftAll(
  cell: Cell,
  deliveries: readonly Delivery[],
  options: DraftOptions,
): { readonly drafts: readonly Draft[]; readonly nothing: readonly Nothing[] } {
  const drafts: Draft[] = [];
  const nothing: Nothing[] = [];
  const { state, standing, sinceBase, baseSize } = cell;
  // The cell itself changes with what is durable: what is decided beside a migration keeps what it was decided by.
  const as: Role = deliveries.some(({ onto }) => onto) ? roleOf(cell) : cell;
  let at: Speculation = { as, state, standing, sinceBase, baseSize };
  for (const delivery of deliveries) {
    const result = guarded(cell, delivery, at, options);
    if ('error' in result) {
      nothing.push(result);
      continue;
    }
    drafts.push(result);
    at = { as: result.as, state: result.decided.state, standing: result.standing, sinceBase: result.sinceBase, baseSize: result.baseSize };
  }
  return { drafts, nothing };
}

function roleOf({ number, identity, program, labels }: Role): Role {
  return { number, identity, program, labels };
}

interface Speculation {
  readonly as: Role;
  readonly state: RunState;
  readonly standing: RunStanding | undefined;
  readonly sinceBase: number;
  readonly baseSize: number;
}

/** A defect shows in one run, and does not stop the others whose events wait beside it. */
function guarded(cell: Cell, delivery: Delivery, before: Speculation, options: DraftOptions): Draft | Nothing {
  try {
    return draftOne(cell, delivery, before, options);
  } catch (cause) {
    const { id } = cell.identity;
    const error = new SagachartError(
      'SC_INTERNAL',
      `run ${id}: the event ${delivery.event.type} could not be decided: ${cause instanceof Error ? cause.message : cause}`,
      {
        next: 'This is a defect of Sagachart: please report it.',
        details: { run: id, event: delivery.event.type },
        cause,
      },
    );
    return { cell, delivery, error };
  }
}

function draftOne(cell: Cell, delivery: Delivery, before: Speculation, options: DraftOptions): Draft | Nothing {
  if (delivery.onto) {
    const moved = migratedOnto(delivery.onto, before, delivery.event, options.now);
    if ('nothing' in moved) return { cell, delivery, error: moved.nothing };
    return draftOf(cell, delivery, { ...before, as: moved.as }, options, moved);
  }
  const { as } = before;
  const { event, fork } = delivery;
  const { chart } = as.program;
  const decision = fork && event.type === 'forked' ? decideFork(chart, fork, event, options.now) : decide(chart, before.state, event, options.now);
  if (decision.kind === 'discarded') return { cell, delivery, error: undefined };
  if (decision.kind === 'refused') return { cell, delivery, error: notAccepted(as, before.state, decision) };
  const { decision: decided, text } = encoded(before.state, decision, options.now);
  // Nothing of such a run is there yet: whoever starts it is told, and no run is made that could never go on.
  if (decided.event.type === 'faulted' && before.state.seq === 0) return { cell, delivery, error: notStarted(cell, decided.event.error) };
  return draftOf(cell, delivery, before, options, { decision: decided, text });
}

function draftOf(
  cell: Cell,
  delivery: Delivery,
  before: Speculation,
  options: DraftOptions,
  { decision, text, recast }: { readonly decision: Decided; readonly text: string; readonly recast?: Recast },
): Draft {
  const { as } = before;
  const standing = nextStanding(as, decision.state, before.standing, options);
  const sinceBase = before.sinceBase + text.length;
  // What a fork begins with, and what a run was carried over to, is read back without its journal, too.
  const isDue = recast !== undefined || decision.event.type === 'forked' || sinceBase > Math.max(before.baseSize, SMALLEST_BASE);
  const base = isDue && standing.endedAt === null ? encodeBase(decision.state.data) : undefined;
  const seq = decision.state.seq;
  const overdue = as.program.isOverdue(decision.state) && !as.program.isOverdue(before.state);
  const stuck = standing.attention && !recast ? newlyStuck(as.program, before.state, decision.state) : [];
  const escalated = options.escalation.of({ cell: as, state: decision.state, standing, stuck, overdue, at: options.now });
  const messages = [...messagesOf(as, before.state, decision, options.now), ...(escalated.messages ?? [])];
  return {
    cell,
    delivery,
    as,
    before: before.state,
    decided: decision,
    standing,
    stuck,
    sinceBase: base === undefined ? sinceBase : 0,
    baseSize: base?.length ?? before.baseSize,
    commit: {
      run: cell.number,
      seq,
      fence: cell.fence,
      at: options.now,
      entry: { format: ENTRY_FORMAT, codec: 0, text },
      ...(seq === 1 ? { create: cell.identity } : {}),
      ...(standing === before.standing ? {} : { standing }),
      ...(recast === undefined ? {} : { recast }),
      ...(decision.items === undefined ? {} : { items: decision.items }),
      ...(base === undefined ? {} : { base: { format: BASE_FORMAT, codec: 0, text: base } }),
      ...(delivery.within === undefined ? {} : { within: delivery.within }),
      ...(delivery.inputHash === undefined ? {} : { inputHash: delivery.inputHash }),
      ...(delivery.inbox === undefined ? {} : { consumed: [{ number: delivery.inbox, at: options.now, answer: answerTo(delivery, seq) }] }),
      ...escalated,
      ...(messages.length === 0 ? {} : { messages }),
    },
  };
}

/** A chart that puts into its context what cannot be stored has failed at the event, as if it had thrown. */
function encoded(before: RunState, decision: Decided, at: number): { readonly decision: Decided; readonly text: string } {
  try {
    return { decision, text: encodeEntry({ at, event: decision.event, change: decision.change }) };
  } catch (error) {
    const fault = faulted(
      before,
      decision.event,
      asFailure(error, () => ({ class: 'hard', effect: 'none' })),
    );
    return { decision: fault, text: encodeEntry({ at, event: fault.event, change: fault.change }) };
  }
}

/** Below this a full snapshot saves nothing: a short run is read back from its differences at once. */
const SMALLEST_BASE = 4_096;

/** The same object when nothing of it changed: then the run's row is not written. */
function nextStanding({ program, labels }: Role, state: RunState, before: RunStanding | undefined, { now, sleepMs }: DraftOptions): RunStanding {
  const { status, attention, due } = standingOf(state, { now, sleepMs });
  const paused = state.data.paused !== undefined;
  const degraded = program.isDegraded(state);
  const same = before?.status === status && before.attention === attention && before.due === due && before.paused === paused && before.degraded === degraded;
  if (before && same) return before;
  const ended = state.data.status === 'done' || state.data.status === 'error' || state.data.status === 'stopped';
  return {
    status,
    attention,
    paused,
    degraded,
    due,
    endedAt: ended ? now : null,
    labels,
    ...queueStanding(state, ended),
  };
}

/** With the run that a start came to, where that is not the one it asked for. */
function answerTo({ cameTo }: Delivery, seq: number): string {
  return encodeAnswer({ ok: true, seq, ...(cameTo === undefined ? {} : { run: cameTo }) });
}

function queueStanding(state: RunState, ended: boolean): Pick<RunStanding, 'place' | 'sole'> {
  const place = inQueue(state);
  const sole = ended ? undefined : state.data.place?.sole;
  return { ...(place === undefined ? {} : { place }), ...(sole === undefined ? {} : { sole }) };
}

/** How a refused delivery is answered to its sender in another process. */
export function settlementOf({ delivery, error, reply }: Nothing, { now, escalation }: Pick<DraftOptions, 'now' | 'escalation'>): Refusal | undefined {
  const { inbox, answersItself } = delivery;
  if (inbox === undefined || (error && answersItself)) return undefined;
  const outbox = error ? escalation.refused(delivery, error, now) : [];
  const answer = error ? encodeAnswer(refusal(error)) : answerTo(delivery, 0);
  return { number: inbox, at: now, answer, ...(outbox.length === 0 ? {} : { outbox }), ...(reply === undefined ? {} : { reply }) };
}

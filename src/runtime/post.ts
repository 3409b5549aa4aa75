import { SagachartError } from '../base/errors.ts';
import type { Failure } from '../base/failure.ts';
import type { Decided } from '../kernel/decide.ts';
import type { Parent } from '../kernel/event.ts';
import { endOf } from '../kernel/standing.ts';
import type { RunState, StartEffect } from '../kernel/state.ts';
import type { InboxEntry } from '../stores/store.ts';
import type { Cell } from './cell.ts';
import { type ChildEnd, encodeMessage, type Message, messageId } from './message.ts';
import { outcomeOf } from './outcome.ts';
import type { Family } from './program.ts';

interface Letter {
  readonly to: string;
  readonly message: Message;
}

type Sender = Pick<Cell, 'number' | 'identity' | 'program' | 'labels'>;

const NONE: readonly InboxEntry[] = [];

/** What a run tells others with a commit: its children what they are to do, its parent how it ended. */
export function messagesOf(cell: Sender, before: RunState, { state, effects }: Pick<Decided, 'state' | 'effects'>, at: number): readonly InboxEntry[] {
  const { family } = cell.program;
  if (!family || (family.children.length === 0 && !state.data.parent)) return NONE;
  const letters = [...toChildren(cell, family, { before, state, effects }), ...toParent(cell, family, { before, state })];
  return letters.map(({ to, message }, place) => ({ id: messageId(cell.number, state.seq, place), run: to, body: encodeMessage(message), at }));
}

interface Step {
  readonly before: RunState;
  readonly state: RunState;
}

function toChildren(sender: Sender, family: Family, { before, state, effects }: Step & Pick<Decided, 'effects'>): readonly Letter[] {
  const by = `run ${sender.identity.id}`;
  const known = { ...before.data.children, ...state.data.children };
  const told = (which: Decided['effects']['stop'], message: Message): readonly Letter[] =>
    which.flatMap(({ id }): Letter[] => {
      const to = known[id]?.run;
      return to === undefined ? [] : [{ to, message }];
    });
  const isOver = endOf(state) !== undefined && endOf(before) === undefined;
  return [
    ...effects.start.flatMap((effect) => begun(sender, family, state, effect)),
    ...told(effects.abort, { type: 'cancel', by, reason: 'its parent does not want it any more' }),
    ...told(effects.stop, { type: 'terminate', by, reason: 'its parent has ended' }),
    ...(isOver ? family.standing(state).map((to): Letter => ({ to, message: { type: 'release' } })) : []),
  ];
}

function begun({ identity, labels }: Sender, family: Family, state: RunState, { id, child: { at, run: to } }: StartEffect): readonly Letter[] {
  if (to === undefined) return [];
  const life = identity.incarnation === 1 ? {} : { life: identity.incarnation };
  const parent: Parent = { run: identity.id, ...life, child: id, at };
  if (id.endsWith('.undo')) return [{ to, message: { type: 'undo', parent } }];
  try {
    const { saga, input, undoable } = family.startOf(state, id);
    const message: Message = {
      type: 'start',
      saga,
      input,
      labels: { ...labels, parent: identity.id },
      parent: { ...parent, ...(undoable ? { holds: true } : {}) },
    };
    // What cannot be stored is found out here, where it can still be told.
    encodeMessage(message);
    return [{ to, message }];
  } catch (error) {
    return [{ to: identity.id, message: { type: 'ended', ...life, child: id, at, run: to, saga: id, end: missing(error) } }];
  }
}

/** Why a run could not be begun, or could not do what it was asked for. */
export function missing(error: unknown): ChildEnd {
  const { code, message } = error instanceof SagachartError ? error : { code: 'SC_STEP_INPUT', message: String(error) };
  const failure: Failure = { code, type: 'SagachartError', message, class: 'hard', effect: 'none' };
  return { status: 'missing', failure, left: [] };
}

/** A parent is told twice at most: when its child is done or has failed, and when that was undone. */
function toParent({ identity }: Sender, family: Family, { before, state }: Step): readonly Letter[] {
  const { parent } = state.data;
  const wasHeld = family.heldBy(before) !== undefined;
  if (!parent || endOf(before) || (wasHeld && parent === before.data.parent)) return [];
  const held = family.heldBy(state);
  const end = held ? { status: 'held' as const, ...held } : endedAs(state);
  if (!end) return [];
  const { run, holds: _, ...about } = parent;
  return [{ to: run, message: { type: 'ended', ...about, run: identity.id, saga: identity.saga, end } }];
}

/** How a run has ended, for whoever began it; undefined while it goes on. */
export function endedAs({ data }: Pick<RunState, 'data'>): ChildEnd | undefined {
  const outcome = outcomeOf(data, 'saga');
  if (!outcome) return undefined;
  const { status, left } = outcome;
  if (outcome.status === 'completed') return { status, output: outcome.output, left };
  return { status, left, ...('failure' in outcome ? { failure: outcome.failure } : {}) };
}

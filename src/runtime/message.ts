import { encode } from '../base/encoding.ts';
import type { Failure } from '../base/failure.ts';
import type { Left } from '../chart/context.ts';
import type { Identity, Parent, RunEvent } from '../kernel/event.ts';
import type { RunStatus } from '../stores/store.ts';
import type { Command } from './command.ts';

/** What runs of one store tell each other, through the inbox: written with the commit of the one that says it. */
export type Message =
  | Extract<Command, { type: 'start' | 'cancel' | 'terminate' }>
  /** A child has ended, or is done and waits for what its parent says. */
  | {
      readonly type: 'ended';
      /** Incarnation of the parent that it is for. Default: 1. */
      readonly life?: number;
      readonly child: string;
      readonly at: Identity;
      readonly run: string;
      readonly saga: string;
      readonly end: ChildEnd;
    }
  /** A parent has a child undone that is done. */
  | { readonly type: 'undo'; readonly parent: Parent }
  /** A parent has ended: what its child did stays done. */
  | { readonly type: 'release' };

/** How the run of a child stands when its parent is told. */
export interface ChildEnd {
  /** `missing`: there is no such run, or it cannot do what it is asked for. */
  readonly status: RunStatus | 'held' | 'missing';
  readonly output?: unknown;
  readonly failure?: Failure | null;
  readonly left: readonly Left[];
}

/** How ids of messages begin in the inbox, so that they are not taken for what somebody sent. */
const FROM_RUN = 'sagachart:';

/** @param seq and place make it the same message however often it is written */
export function messageId(run: number, seq: number, place: number): string {
  return `${FROM_RUN}${run}.${seq}.${place}`;
}

export function replyId(message: string): string {
  return `${message}.reply`;
}

export function isFromRun(id: string): boolean {
  return id.startsWith(FROM_RUN);
}

/** @throws SagachartError SC_NOT_STORABLE */
export function encodeMessage(message: Message): string {
  return encode(message, message.type === 'start' ? 'input' : message.type);
}

/** What the end of a child means for the invocation that it is. */
export function endedEvent({ child, at, run, saga, end }: Extract<Message, { type: 'ended' }>): RunEvent {
  const [step = child, what] = child.split('.');
  const left = end.left.map((one) => ({ ...one, step: `${step}/${one.step}` }));
  const kept = left.length > 0 ? { left } : {};
  const done = what === 'undo' ? isUndone(end) : end.status === 'held' || end.status === 'completed';
  if (done) return { type: 'succeeded', child, at, output: what === 'undo' ? undefined : end.output, ...kept };
  return { type: 'failed', child, at, error: failureOf({ run, saga, step, end }), ...kept };
}

/** A run that was terminated undoes nothing more: what it left is listed, and its parent goes on. */
function isUndone({ status }: ChildEnd): boolean {
  return status === 'compensated' || status === 'canceled' || status === 'failed' || status === 'terminated';
}

interface Failed {
  readonly run: string;
  readonly saga: string;
  readonly step: string;
  readonly end: ChildEnd;
}

/** Nothing of a child that failed stands, unless it has left something; to try it again is for a person to say. */
function failureOf({ run, saga, step, end: { status, failure, left } }: Failed): Failure {
  const where = failure?.step ? `step ${failure.step}: ` : '';
  const why = failure ? `: ${where}${failure.message}` : '';
  const how = status === 'missing' ? 'could not be had' : status === 'completed' ? 'is completed, and cannot be undone' : `ended as ${status}`;
  const rest = left.length > 0 ? `; it has left ${left.map((one) => `${one.step} (${one.what})`).join(', ')}` : '';
  return {
    code: 'SC_CHILD_FAILED',
    type: 'SagachartError',
    message: `the run ${run} of ${saga} ${how}${why}${rest}`,
    class: 'hard',
    effect: left.length > 0 ? 'maybe' : 'none',
    step,
    ...(failure ? { causes: [`${failure.code}: ${failure.message}`, ...(failure.causes ?? [])] } : {}),
  };
}

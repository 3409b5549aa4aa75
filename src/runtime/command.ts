import { decode, encode } from '../base/encoding.ts';
import { SagachartError } from '../base/errors.ts';
import type { Parent } from '../kernel/event.ts';
import type { RemedyFor } from './alert.ts';
import type { ForkPoint } from './fork.ts';
import type { Scheduling } from './scheduling.ts';

/** What can be asked of a run, from this process or through the inbox from another. */
export type Command =
  | ({
      readonly type: 'start';
      readonly saga: string;
      readonly version?: number;
      readonly input: unknown;
      readonly labels?: Readonly<Record<string, string>>;
      /** What it is to remedy. */
      readonly remedyFor?: RemedyFor;
      /** Where a run has begun it. */
      readonly parent?: Parent;
    } & Scheduling)
  | { readonly type: 'signal'; readonly name: string; readonly payload: unknown; readonly id?: string }
  | ({ readonly type: 'cancel' } & Operator)
  | ({ readonly type: 'terminate' } & Operator)
  | ({ readonly type: 'pause' } & Operator)
  | ({ readonly type: 'resume' } & Operator)
  | ({ readonly type: 'retry'; readonly step?: string } & Operator)
  | ({ readonly type: 'skip'; readonly step: string; readonly reason: string } & Operator)
  | ({ readonly type: 'resolve'; readonly step: string; readonly result?: unknown } & Operator)
  /** What was decided about an approval. With `round` and `incarnation`, as a token says them, it is about that question only. */
  | ({
      readonly type: 'decide';
      readonly step: string;
      readonly approved: boolean;
      readonly payload?: unknown;
      readonly round?: number;
      readonly incarnation?: number;
    } & Operator)
  /** Brings it onto a version of its saga. Default: the newest. */
  | ({ readonly type: 'migrate'; readonly version?: number } & Operator)
  /** The run is a new one, that begins as what another was. */
  | ({ readonly type: 'fork'; readonly of: string; readonly labels?: Readonly<Record<string, string>> } & ForkPoint & Operator)
  /** Undoes a step and what came after it, and goes on from there. */
  | ({ readonly type: 'rewind'; readonly to: string } & Operator)
  | { readonly type: 'restart'; readonly input?: unknown; readonly version?: number; readonly labels?: Readonly<Record<string, string>> }
  /** That life and those before it. Default: the last one. */
  | { readonly type: 'purge'; readonly incarnation?: number };

/** What is asked of a run that is there, and is heard of by the run itself. */
export type RunCommand = Exclude<Command, { type: 'start' | 'restart' | 'fork' | 'purge' | 'migrate' }>;

/** Who asked, and why: it stands in the journal. */
export interface Operator {
  readonly by?: string;
  readonly reason?: string;
}

/** What the sender is told once a command has been handled. */
export type Answer =
  /** `run`: that a start came to, if it is another than it asked for. */
  | { readonly ok: true; readonly seq: number; readonly run?: string }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string; readonly next?: string; readonly retryable: boolean } };

export function encodeCommand(command: Command): string {
  return encode(command, command.type === 'start' || command.type === 'restart' ? 'input' : command.type);
}

export function encodeAnswer(answer: Answer): string {
  return encode(answer);
}

export function isRefusal(text: string): boolean {
  return !(decode(text) as Answer).ok;
}

/** @throws SagachartError what the executor answered, if it refused */
export function readAnswer(text: string): { readonly seq: number; readonly run?: string } {
  const answer = decode(text) as Answer;
  if (answer.ok) return { seq: answer.seq, ...(answer.run === undefined ? {} : { run: answer.run }) };
  const { code, message, next, retryable } = answer.error;
  throw new SagachartError(code, message, { retryable, ...(next === undefined ? {} : { next }) });
}

export function refusal(error: SagachartError): Answer {
  const { code, message, next, retryable } = error;
  return { ok: false, error: { code, message, retryable, ...(next === undefined ? {} : { next }) } };
}

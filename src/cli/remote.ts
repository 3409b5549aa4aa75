import { systemClock } from '../base/clock.ts';
import { SagachartError } from '../base/errors.ts';
import { timeOrderedIds } from '../base/ids.ts';
import { type Command, encodeCommand, isRefusal, readAnswer } from '../runtime/command.ts';
import type { RunRow, Store } from '../stores/store.ts';

export interface Sent {
  readonly inbox: string;
  /** Null while nobody has handled it. */
  readonly seq: number | null;
  readonly executor: boolean;
}

/**
 * An executor would refuse such a start; without one nobody would hear of it.
 * @throws SagachartError SC_RUN_EXISTS
 */
export function checkSame(existing: RunRow, { saga, hash }: { readonly saga: string; readonly hash: string }): void {
  if (existing.saga === saga && existing.inputHash === hash) return;
  const what = existing.saga === saga ? 'another input' : `saga ${existing.saga}`;
  throw new SagachartError('SC_RUN_EXISTS', `a run with the id ${JSON.stringify(existing.id)} exists already, with ${what}`, {
    next: 'Choose another id, or start it with the same saga and input to get the existing run.',
    details: { run: existing.id, saga: existing.saga },
  });
}

const POLL_MS = 10;

/** A start that was refused may be asked for again, by a new entry: the next executor may know the saga. */
async function send(store: Store, run: string, command: Command, given: string | undefined): Promise<string> {
  const fresh = timeOrderedIds(systemClock);
  const entry = { id: given ?? fresh(), run, body: encodeCommand(command), at: systemClock.now() };
  const { duplicate } = await store.send(entry);
  const answer = duplicate && command.type === 'start' ? (await store.inbox(entry.id))?.answer : undefined;
  if (!answer || !isRefusal(answer)) return entry.id;
  const id = `${entry.id}:${fresh()}`;
  await store.send({ ...entry, id });
  return id;
}

/**
 * Puts a command into the inbox and waits for the executor's answer. Without an executor it is stored, and handled
 * by the next one.
 * @throws SagachartError what the executor answered; SC_UNANSWERED after `timeoutMs`
 */
export async function sendCommand(store: Store, run: string, command: Command, options: { readonly id?: string; readonly timeoutMs: number }): Promise<Sent> {
  const id = await send(store, run, command, options.id);
  const executor = (await store.owner()) !== undefined;
  const deadline = systemClock.monotonic() + options.timeoutMs;
  for (;;) {
    const answer = (await store.inbox(id))?.answer;
    if (answer) return { inbox: id, seq: readAnswer(answer).seq, executor };
    if (!executor) return { inbox: id, seq: null, executor };
    if (systemClock.monotonic() >= deadline) {
      throw new SagachartError('SC_UNANSWERED', `run ${run}: the executor has not answered ${command.type} within ${options.timeoutMs} ms`, {
        retryable: true,
        next: `It is stored and will be handled; ask again with the same id (--inbox-id ${id}), or look with \`sagachart show\`.`,
        details: { run, inbox: id },
      });
    }
    await new Promise<void>((resolve) => systemClock.after(POLL_MS, resolve));
  }
}

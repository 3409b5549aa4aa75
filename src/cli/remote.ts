import { systemClock } from '../base/clock.ts';
import { SagachartError } from '../base/errors.ts';
import { timeOrderedIds } from '../base/ids.ts';
import { type Command, encodeCommand, readAnswer } from '../runtime/command.ts';
import type { Store } from '../stores/store.ts';

export interface Sent {
  readonly inbox: string;
  /** Null while nobody has handled it. */
  readonly seq: number | null;
  readonly executor: boolean;
}

const POLL_MS = 10;

/**
 * Puts a command into the inbox and waits for the executor's answer. Without an executor it is stored, and handled
 * by the next one.
 * @throws SagachartError what the executor answered; SC_UNANSWERED after `timeoutMs`
 */
export async function sendCommand(store: Store, run: string, command: Command, options: { readonly id?: string; readonly timeoutMs: number }): Promise<Sent> {
  const id = options.id ?? timeOrderedIds(systemClock)();
  await store.send({ id, run, body: encodeCommand(command), at: systemClock.now() });
  const executor = (await store.owner()) !== undefined;
  if (!executor) return { inbox: id, seq: null, executor };
  const deadline = systemClock.monotonic() + options.timeoutMs;
  for (;;) {
    const answer = (await store.inbox(id))?.answer;
    if (answer) return { inbox: id, seq: readAnswer(answer).seq, executor };
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

import type { ForkOptions } from '../runtime/fork.ts';
import { answerOf, type SendOptions, withStore } from './actions.ts';
import { type Output, print } from './output.ts';

/** Has a run forked, through the inbox. */
export async function fork(output: Output, of: string, forked: ForkOptions, options: SendOptions): Promise<void> {
  await withStore(options, async (opened) => {
    const sent = await opened.remote.fork(of, forked, { inbox: options.inboxId });
    const handled = await answerOf(opened, sent, options.timeout);
    print(output, { run: sent.run, command: 'fork', ...handled }, () => [
      sent.run,
      ...(handled.seq === null ? ['stored; no executor is running, the next one will handle it'] : []),
    ]);
  });
}

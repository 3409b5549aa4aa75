import { SagachartError } from '../base/errors.ts';
import { approvalTokens, isToken } from '../runtime/approval-token.ts';
import { decisionOf, type TokenDecision } from '../runtime/decision.ts';
import { type SendOptions, sendTo, withStore } from './actions.ts';
import type { Output } from './output.ts';

/** Decides what a step asks for: by the token that it handed out, or of a run by the step's name. */
export async function decide(output: Output, target: string, step: string | undefined, decision: TokenDecision, options: SendOptions): Promise<void> {
  if (step === undefined && !isToken(target)) {
    throw new SagachartError('SC_USAGE', `${JSON.stringify(target)} is no token`, { next: 'Give a token, or a run and which of its steps is meant.' });
  }
  await withStore(options, async (opened) => {
    const { run, command } =
      step === undefined
        ? decisionOf(await approvalTokens(opened.store), target, decision)
        : { run: target, command: { type: 'decide', step, ...decision } as const };
    await sendTo(output, opened, { id: run, command, name: decision.approved ? 'approve' : 'deny' }, options);
  });
}

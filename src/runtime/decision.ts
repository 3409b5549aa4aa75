import { encode, stored } from '../base/encoding.ts';
import { SagachartError } from '../base/errors.ts';
import { decisionEvent } from '../chart/approval.ts';
import type { Decision } from '../chart/context.ts';
import type { RunEvent } from '../kernel/event.ts';
import { parseWith } from '../saga/schema.ts';
import type { ApprovalTokens } from './approval-token.ts';
import { checkSize } from './attempt.ts';
import type { Cell } from './cell.ts';
import type { Operator, RunCommand } from './command.ts';
import type { Standing } from './program.ts';
import { who } from './who.ts';

export type TokenDecision = Operator & ({ readonly approved: true; readonly payload?: unknown } | { readonly approved: false });

type Decide = Extract<RunCommand, { type: 'decide' }>;

/**
 * The event by which a run hears of a decision.
 * @throws SagachartError SC_UNKNOWN_STEP, SC_APPROVAL_OVER, SC_DECISION_INVALID, SC_NOT_STORABLE, SC_PAYLOAD_TOO_LARGE
 */
export function decided({ identity, program, state }: Cell, command: Decide, maxBytes: number): RunEvent {
  const { id: run, saga } = identity;
  const { step, approved, payload, round, incarnation } = command;
  const approval = program.approval?.(step);
  if (!approval) {
    throw new SagachartError('SC_UNKNOWN_STEP', `run ${run}: ${saga} has no approval ${JSON.stringify(step)}`, {
      next: 'Name a step that was made with .approval().',
      details: { run, step },
    });
  }
  if (incarnation !== undefined && incarnation !== identity.incarnation)
    throw approvalOver(run, step, `it was asked in life ${incarnation} of the run, and this is life ${identity.incarnation}`);
  const standing = approval.standing(state);
  if (round !== undefined && round !== standing.round) throw approvalOver(run, step, `it was asked in round ${round}, and this is round ${standing.round}`);
  const decision = { approved, round: standing.round, ...who(command) };
  const type = decisionEvent(step);
  if (!approved || payload === undefined) {
    if (approved) parsed(run, step, approval.schema, payload);
    return { type: 'sent', event: { type, ...decision } };
  }
  const text = encode(parsed(run, step, approval.schema, payload), `decision about ${step}`);
  checkSize(text, `the decision about ${step}`, maxBytes);
  return { type: 'sent', event: { type, ...decision, payload: stored(text) } };
}

function parsed(run: string, step: string, schema: Parameters<typeof parseWith>[0], payload: unknown): unknown {
  const result = parseWith(schema, payload);
  if ('value' in result) return result.value;
  throw new SagachartError('SC_DECISION_INVALID', `run ${run}: what was decided about ${step} does not fit its schema: ${result.problem}`, {
    next: 'Correct what is sent with the decision: it can still be taken.',
    details: { run, step },
    cause: result.cause,
  });
}

/** A decision by whoever shows a token. @throws SagachartError SC_APPROVAL_TOKEN */
export function decisionOf(tokens: ApprovalTokens, token: string, decision: TokenDecision): { readonly run: string; readonly command: RunCommand } {
  const { run, ...question } = tokens.read(token);
  return { run, command: { type: 'decide', ...question, ...decision } };
}

/** Nobody waits for a decision: why, as far as the run knows. */
export function notAwaited(run: string, step: string, { decision, status }: Standing): SagachartError {
  if (!decision) return approvalOver(run, step, status === 'open' ? 'nobody is being asked' : `it is ${status}`);
  return approvalOver(run, step, `${decision.approved ? 'approved' : 'denied'} already${by(decision)}`);
}

function by({ by: who, reason }: Decision): string {
  return `${who === undefined ? '' : ` by ${who}`}${reason === undefined ? '' : ` (${reason})`}`;
}

function approvalOver(run: string, step: string, why: string): SagachartError {
  return new SagachartError('SC_APPROVAL_OVER', `run ${run} waits for no decision about ${step}: ${why}`, {
    next: 'Look at the run with `sagachart show`: a question is decided once.',
    details: { run, step },
  });
}

import type { Failure } from '../base/failure.ts';
import type { StepDefinition } from '../saga/definition.ts';
import { durationText } from '../saga/duration.ts';
import { type Decision, ruledOut } from './context.ts';
import type { Scope, Steps } from './scope.ts';
import { succeeded, withoutAnswer } from './step-end.ts';

/** What the chart writes down of approvals. */
export function approvalActionsOf(steps: Steps) {
  return {
    recordAsked: steps.step(({ failure: _, progress: __, ...record }) => ({ ...record, attempts: record.attempts + 1, losses: 0 })),
    recordWithdrawn: steps.step((record) => ({ ...record, status: 'refused' })),
    keepDecision: steps.step((record, { event: { approved = false, payload, ...event } }) => ({
      ...record,
      decision: { approved, ...(payload === undefined ? {} : { payload }), ...saidBy(event) },
    })),
    recordApproved: steps.step((record) => {
      const { payload, ...decision } = record.decision as Decision;
      return { ...succeeded(record, payload), decision };
    }),
    recordDenied: steps.step((record, _, step) => ({ ...record, status: withoutAnswer(step), failure: denied(step, record.decision as Decision) })),
    recordExpired: steps.step((record, _, step) => ({ ...record, status: withoutAnswer(step), failure: expired(step) })),
    recordExpiredOtherwise: steps.step((record, _, { approval }) => succeeded(record, approval?.otherwise)),
  };
}

function saidBy({ by, reason }: Pick<Scope['event'], 'by' | 'reason'>): Pick<Decision, 'by' | 'reason'> {
  return { ...(by === undefined ? {} : { by }), ...(reason === undefined ? {} : { reason }) };
}

function denied({ name }: StepDefinition, { by, reason }: Decision): Failure {
  return ruledOut('SC_APPROVAL_DENIED', name, `${name} was denied${by === undefined ? '' : ` by ${by}`}${reason === undefined ? '' : `: ${reason}`}`);
}

function expired({ name, approval }: StepDefinition): Failure {
  return ruledOut('SC_APPROVAL_EXPIRED', name, `nobody decided about ${name} within ${durationText(approval?.expiresMs as number)}`);
}

import type { StepDefinition } from '../saga/definition.ts';
import { durationText } from '../saga/duration.ts';
import type { Named, StateConfig, Transition } from './config.ts';
import { about, type Place, passed, REFUSES_CANCEL, succeeded, tagged, unanswered, WHILE_DRAINING, whenLost } from './meta.ts';

/** The event by which a run hears what was decided. */
export function decisionEvent(step: string): string {
  return `${step}.decide`;
}

/** Where an approval goes once the question is out; nobody is waited for by a run that drains. */
export function asked(step: StepDefinition): readonly Transition[] {
  return [
    ...(step.forward ? [] : [{ ...WHILE_DRAINING, target: 'refused', actions: [about(step, 'recordWithdrawn')] }]),
    { target: 'awaiting', actions: [about(step, 'recordAsked')] },
  ];
}

/** Whoever was asked may answer before the attempt that asked has: then it need not ask again. */
export function isDecided(step: StepDefinition): Transition {
  return { guard: about(step, 'isDecided'), target: 'awaiting', actions: [about(step, 'recordAsked')] };
}

/** The question is out, and somebody has to decide. */
export function awaiting(step: StepDefinition, place: Place): StateConfig {
  const { name, forward, approval = {} } = step;
  const { expiresMs } = approval;
  const decidedAs = (approved: boolean): Named => ({ type: 'decidedAs', params: { step: step.number, approved } });
  const expired = 'otherwise' in approval ? succeeded(step, place, 'recordExpiredOtherwise') : unanswered(step, 'recordExpired');
  return {
    description: `waits for a decision about ${name}${expiresMs === undefined ? '' : `, up to ${durationText(expiresMs)}`}`,
    ...tagged(step, 'awaiting'),
    always: [
      { guard: decidedAs(true), ...succeeded(step, place, 'recordApproved'), description: 'approved' },
      { guard: decidedAs(false), ...unanswered(step, 'recordDenied'), description: 'denied' },
    ],
    ...(expiresMs === undefined ? {} : { after: { [`${name}.expiry`]: expired } }),
    on: {
      ...(forward ? REFUSES_CANCEL : { abort: { ...WHILE_DRAINING, target: 'refused', actions: [about(step, 'recordWithdrawn')] } }),
      ...whenLost(step, place, [passed(step, 'recordPassed')]),
    },
  };
}

/** What is decided is kept wherever the step stands: the question may be answered while it is still being asked. */
export function decisions(steps: readonly StepDefinition[]): Readonly<Record<string, Transition>> {
  return Object.fromEntries(
    steps.flatMap((step) =>
      step.approval
        ? [
            [
              decisionEvent(step.name),
              { guard: about(step, 'undecided'), actions: [about(step, 'keepDecision')], description: `somebody has decided about ${step.name}` },
            ],
          ]
        : [],
    ),
  );
}

import type { StepDefinition } from '../saga/definition.ts';
import type { Named, RewoundMeta, StateConfig, StepMeta, Transition } from './config.ts';

/** Where a step stands among the others. */
export interface Place {
  /** Numbers of its dependencies in other lanes. */
  readonly elsewhere: readonly number[];
  /** Names of all its direct dependencies, wherever they are. */
  readonly waitsFor: readonly string[];
  /** The state after it in its lane. */
  readonly next: string;
  /** Whether there are other lanes. */
  readonly wide: boolean;
  /** Of a loop: where its next round begins. */
  readonly around?: string;
  /** Name of the race that it takes part in. */
  readonly race?: string;
}

/** What the states of a step begin with, and are. */
export interface Shape {
  readonly initial: string;
  readonly states: Readonly<Record<string, StateConfig>>;
}

type Transitions = Readonly<Record<string, Transition | readonly Transition[]>>;

/** Cancel is refused past the pivot: a forbidden transition, so that the one of `running` is not taken. */
export const REFUSES_CANCEL = { cancel: { description: 'refused: past the pivot a run only completes' } } as const;

/** What the steps raise to each other when the run begins to drain. From outside it means nothing, so nothing moves before. */
export const WHILE_DRAINING = { guard: 'draining' } as const;

/** What a state says that is entered only where a person has taken a run back. */
export const ONLY_REWOUND: RewoundMeta = { rewound: true };

/** What a state says of its step. */
export function stepMeta({ name, kind, map, approval, why, dependency, child }: StepDefinition): StepMeta {
  return {
    step: name,
    kind: map ? 'map' : approval ? 'approval' : kind,
    ...(child === undefined ? {} : { child: child.name }),
    ...(why === undefined ? {} : { why }),
    ...(dependency === undefined ? {} : { dependency }),
  };
}

/** A guard or an action about one step. */
export function about({ number }: StepDefinition, type: string): Named {
  return { type, params: { step: number } };
}

/** A guard that asks for one judgment. */
export function judged({ number }: StepDefinition, type: string, to: string): Named {
  return { type, params: { step: number, to } };
}

/** What a state of a step wears; past the pivot, that it is: a cancel is told so. */
export function tagged({ forward }: StepDefinition, ...tags: readonly string[]): { readonly tags?: readonly string[] } {
  const all = [...tags, ...(forward ? ['pastPivot'] : [])];
  return all.length > 0 ? { tags: all } : {};
}

/** A state in which a step has ended; one that fails tells the others, if there are others. */
export function ended(description: string, fails?: Place): StateConfig {
  return { type: 'final', description, ...(fails?.wide ? { entry: ['abort'] } : {}) };
}

/** The run goes on without a step that has failed, or lost its race. */
export function passed(step: StepDefinition, action: string): Transition {
  return { target: 'passed', actions: [about(step, action), ...(step.racing === undefined ? [about(step, 'degrade')] : [])] };
}

/** Nobody answered a step as it wanted. */
export function unanswered(step: StepDefinition, action: string): Transition {
  const { optional, racing, forward } = step;
  if (optional || racing !== undefined) return passed(step, action);
  if (forward) return { target: 'attention', actions: [about(step, action)] };
  return { target: 'refused', actions: [about(step, action), about(step, 'fail')] };
}

/** A step that succeeded; in a race it wins. @param action writes that down, if it is not written down already */
export function succeeded(step: StepDefinition, { race }: Place, action?: string): Transition {
  const wins = race === undefined ? [] : [about(step, 'winRace'), { type: 'tellRunners', params: { race } }];
  const actions = [...(action === undefined ? [] : [about(step, action)]), ...wins];
  return { target: 'succeeded', ...(actions.length > 0 ? { actions } : {}) };
}

/** What a step that takes part in a race does when another has won it. */
export function whenLost({ racing }: StepDefinition, { race }: Place, transitions: readonly Transition[]): Transitions {
  if (race === undefined) return {};
  return { [`${race}.won`]: transitions.map((one) => ({ guard: { type: 'raceWon', params: { race: racing } }, ...one })) };
}

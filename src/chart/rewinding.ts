import type { StateConfig, Transition } from './config.ts';
import { type Lane, laneName } from './lanes.ts';
import { about, ONLY_REWOUND } from './meta.ts';

/** All is at rest: what is to be done again is undone first. */
export function beginsRewind(): Transition {
  return { guard: 'rewinding', target: 'compensating', actions: 'beginRewind', description: 'what is to be done again is undone first' };
}

/** What has failed is not undone as a whole: the run goes forward again. */
export function rewoundWhileUndoing(): Transition {
  return {
    guard: 'mayRewind',
    actions: ['recordRewind', 'beginRewind'],
    description: 'no more is undone than what is to be done again, and what has begun to be',
  };
}

/** Forward again, each chain with the first of its steps that is to be done. */
export function rewound(guard: string, lanes: readonly Lane[], machine: string, actions: readonly string[]): Transition {
  const target = lanes.map((lane) => `#${machine}.running${lanes.length > 1 ? `.${laneName(lane[0])}` : ''}.resuming`);
  return { guard, target, reenter: true, actions, description: 'goes forward again from where a person wants it' };
}

/** Where a chain goes on after a run has gone back: passed through within one commit. */
export function resumingState(lane: Lane): StateConfig {
  // No run goes back once it has come past the first that only goes forward.
  const forward = lane.findIndex((step) => step.forward);
  const ahead = forward === -1 ? lane : lane.slice(0, forward + 1);
  return {
    description: 'goes on with the first step that is to be done',
    meta: ONLY_REWOUND,
    always: [
      ...ahead.map((step, i): Transition => ({ ...(i === forward ? {} : { guard: about(step, 'toBeDone') }), target: step.name })),
      ...(forward === -1 ? [{ target: 'ended' }] : []),
    ],
  };
}

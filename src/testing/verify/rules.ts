import { LOST } from '../../base/failure.ts';
import type { Decided } from '../../kernel/decide.ts';
import { waitingTimers } from '../../kernel/pending.ts';
import { endOf } from '../../kernel/standing.ts';
import type { RunState } from '../../kernel/state.ts';
import { named } from './named.ts';

/** Says what is wrong with how one commit came from the one before it. */
export interface Rules {
  transition(before: RunState, decided: Decided): readonly Finding[];
}

/** What was found to be wrong. */
export interface Finding {
  /** Which rule was broken. */
  readonly rule: Rule;
  /** What happened, to which step. */
  readonly message: string;
  /** What to look at, or change. */
  readonly next: string;
  /** The step it is about, if it is about one. */
  readonly step?: string;
}

export type Rule =
  | 'commits before it acts'
  | 'in order'
  | 'undone in reverse order'
  | 'undo waits for do'
  | 'undoes only what may have happened'
  | 'nothing is undone past the pivot'
  | 'nothing begins while it drains'
  | 'nothing stale lands'
  | 'a pause puts off what begins, and changes nothing else'
  | 'a cancel is heeded'
  | 'the first cause stays'
  | 'nothing goes on after the end'
  | 'ends as its steps did'
  | 'everything is undone'
  | 'everything is done, once'
  | 'waits visibly'
  | 'the chart does not throw'
  | 'an undo fails only where its service does'
  | 'needs a person only when something went wrong'
  | 'the order of steps side by side does not matter'
  | 'every run can end'
  | 'every state can be reached'
  | 'every compensation can be called'
  | 'invariant';

/** Rules that hold for every chart. */
export function chartFindings({ state, event }: Decided, accepts: (state: RunState) => boolean): readonly Finding[] {
  // What has taken its process with it too often waits for a person: nobody threw.
  if (event.type === 'faulted' && event.error.code === LOST) return [];
  if (event.type === 'faulted')
    return [
      {
        rule: 'the chart does not throw',
        message: `the chart threw: ${event.error.message}`,
        next: 'Its own functions must be pure, and cope with whatever they are given.',
      },
    ];
  return endOf(state) ? over(state) : waiting(state, accepts);
}

function over(state: RunState): readonly Finding[] {
  const { children, timers } = state.data;
  const open = [...Object.keys(children).map(named), ...Object.values(timers).map(({ id }) => id)];
  if (open.length === 0) return [];
  return [
    {
      rule: 'nothing goes on after the end',
      message: `the run ended as ${endOf(state)} while ${open.join(', ')} was under way`,
      next: 'Look at the ends of the chart.',
    },
  ];
}

/** What goes on in it, or whom it waits for, can be seen. */
function waiting(state: RunState, accepts: (state: RunState) => boolean): readonly Finding[] {
  const { data, snapshot } = state;
  if (Object.keys(data.children).length > 0 || waitingTimers(data).length > 0 || snapshot?.hasTag('attention') || accepts(state)) return [];
  return [
    {
      rule: 'waits visibly',
      message: 'the run waits for nothing that anybody could see: no attempt, no timer, no signal, no person',
      next: 'Look at the states it is in.',
    },
  ];
}

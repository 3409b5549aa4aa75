import type { Decided } from '../../kernel/decide.ts';
import type { SentEvent } from '../../kernel/event.ts';
import type { RunState } from '../../kernel/state.ts';
import { chartFindings, type Finding, type Rules } from './rules.ts';

/** What can be said of a chart whose meaning only its author knows. */
export class WorkflowRules implements Rules {
  readonly #signals: readonly SentEvent[];

  constructor(signals: readonly SentEvent[]) {
    this.#signals = signals;
  }

  transition(_: RunState, decided: Decided): readonly Finding[] {
    return chartFindings(decided, ({ snapshot }) => this.#signals.some((signal) => snapshot?.can(signal)));
  }
}

import type { SagaDefinition, StepDefinition } from '../../saga/definition.ts';
import type { LedgerEntry } from './sim-services.ts';

type Entry = LedgerEntry & { readonly round: number };

/** What the services know of one run: every effect of each round of each step, in the order in which it came. */
export class Books {
  readonly #entries: readonly Entry[];

  constructor(ledger: readonly LedgerEntry[]) {
    this.#entries = ledger.map((entry) => ({ ...entry, round: roundOf(entry.target ?? entry.key) }));
  }

  rounds(step: string): readonly number[] {
    return [...new Set(this.#entries.filter((entry) => entry.step === step).map(({ round }) => round))];
  }

  /** How often it happened. */
  times(step: string, round: number): number {
    return this.#of(step, 'run').filter((entry) => entry.round === round && entry.effect).length;
  }

  /** Whether it happened, and was not undone since. */
  stands(step: string, round: number): boolean {
    const last = (kind: 'run' | 'undo'): number =>
      this.#entries.findLastIndex((entry) => entry.step === step && entry.round === round && entry.kind === kind && entry.effect);
    return last('run') > last('undo');
  }

  /**
   * Steps that came before one they depend on, or were undone after it.
   * @param by.left what a person left, or settled
   * @param by.namesOf the names under which a step has effects
   */
  disorder(
    definition: SagaDefinition,
    by: { readonly left: ReadonlySet<string>; readonly namesOf: (step: StepDefinition) => readonly string[] },
  ): readonly string[] {
    const wrong: string[] = [];
    // Where the run comes to a step more than once, or goes on without one, the first time of each says nothing.
    const isPlain = (step: StepDefinition): boolean =>
      !step.optional && !step.fallback && step.racing === undefined && by.namesOf(step).every((name) => this.rounds(name).every((round) => round === 1));
    for (const step of definition.steps.filter(isPlain)) {
      for (const number of step.after) {
        const earlier = definition.steps[number];
        if (!earlier || !isPlain(earlier)) continue;
        for (const name of by.namesOf(step)) for (const before of by.namesOf(earlier)) wrong.push(...this.#between(before, name, by.left));
      }
    }
    return wrong;
  }

  #between(earlier: string, name: string, left: ReadonlySet<string>): readonly string[] {
    if (this.rounds(earlier).length === 0) return [];
    const wrong: string[] = [];
    const first = this.#first(name, 'run');
    const before = this.#first(earlier, 'run');
    if (first !== -1 && !left.has(earlier) && (before === -1 || before > first)) wrong.push(`${name} came before ${earlier}`);
    const undone = this.#first(earlier, 'undo');
    const undoing = this.#entries.findLastIndex((entry) => entry.step === name && entry.kind === 'undo' && entry.effect);
    // What a person has settled may still be on the wire.
    if (undone !== -1 && undoing !== -1 && undone < undoing && !left.has(name)) wrong.push(`${earlier} was undone before ${name}`);
    return wrong;
  }

  #first(step: string, kind: 'run' | 'undo'): number {
    return this.#entries.findIndex((entry) => entry.step === step && entry.kind === kind);
  }

  #of(step: string, kind: 'run' | 'undo'): readonly Entry[] {
    return this.#entries.filter((entry) => entry.step === step && entry.kind === kind);
  }
}

/** Of a key: `sc1:namespace/run/incarnation/step/item/round/kind`. */
function roundOf(key: string): number {
  return Number(key.split('/').at(-2));
}

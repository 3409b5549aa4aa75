import { canonical } from '../../base/encoding.ts';
import type { Left, SagaContext } from '../../chart/context.ts';
import type { RunState } from '../../kernel/state.ts';
import { outcomeOf } from '../../runtime/outcome.ts';
import { isControl } from '../../saga/definition.ts';
import { type Act, blame } from './blame.ts';
import { effectsWanted } from './effects.ts';
import type { Exploration, Taken } from './explore.ts';
import { PlaceGraph } from './graph.ts';
import type { Finding } from './rules.ts';
import { nodesOf, type Subject } from './subject.ts';

/** A run that has ended, and the world it left. */
export interface RunEnd<World = unknown> {
  readonly status: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly left: readonly Left[];
  readonly world: World;
}

/** What must hold at every end: true, or what is wrong. */
export type Invariants<World = unknown> = Readonly<Record<string, (end: RunEnd<World>) => boolean | string>>;

/** Something wrong, and how it came to it. */
export interface Violation extends Finding {
  readonly saga: string;
  readonly input: unknown;
  /** What happened, from the start: as few faults as lead there. */
  readonly path: readonly string[];
}

/** More of them say nothing more. */
const MOST_VIOLATIONS = 20;

/** Judges what an exploration comes to, and remembers how it came there. */
export class Judge {
  readonly #subject: Subject;
  readonly #input: unknown;
  readonly #invariants: Invariants;
  readonly #violations: Violation[];
  readonly #acts: (Act & { readonly parent: number })[] = [];
  readonly #seen = new Set<string>();
  readonly #untouched: unknown;
  /** How a run ends in which nothing goes wrong, and the world after it. */
  #plain: { readonly status: string; readonly effects: unknown } | undefined;

  constructor(subject: Subject, input: unknown, invariants: Invariants, violations: Violation[]) {
    this.#subject = subject;
    this.#input = input;
    this.#invariants = invariants;
    this.#violations = violations;
    for (const { rule, step } of violations) this.#seen.add(`${rule} ${step}`);
    this.#untouched = this.#effects(subject.world.make());
  }

  /** Whether to stop. */
  judge(taken: Taken): boolean {
    const { from, to, first, findings } = taken;
    const act = this.#act(taken);
    if (first) this.#acts[to] = { ...act, parent: from };
    const path = (): readonly Act[] => [...this.#pathTo(from), act];
    for (const finding of [...findings, ...this.#own(taken, act, path)]) this.#report(finding, path());
    return this.#violations.length >= MOST_VIOLATIONS;
  }

  /** Only takes note of how a run ends in which nothing goes wrong. */
  learn({ after, faults }: Taken): boolean {
    const outcome = outcomeOf(after.state.data, this.#subject.program.kind);
    if (outcome && faults === 0) this.#plain ??= { status: outcome.status, effects: this.#effects(after.world) };
    return false;
  }

  #act({ move, after }: Taken): Act {
    const told = move.events.find((event) => 'child' in event);
    const denied = (told?.type === 'failed' || told?.type === 'itemFailed') && told.error.effect === 'none';
    return { label: move.label, child: told && 'child' in told ? told.child : undefined, denied, effects: this.#effects(after.world) };
  }

  #pathTo(place: number): readonly Act[] {
    const path: Act[] = [];
    for (let at = place; at >= 0; ) {
      const act = this.#acts[at];
      if (!act) break;
      path.unshift(act);
      at = act.parent;
    }
    return path;
  }

  #own({ move, after, faults }: Taken, { effects }: Act, path: () => readonly Act[]): readonly Finding[] {
    const { state, world } = after;
    const findings: Finding[] = [];
    const undone = move.events.find((event) => 'child' in event && event.child.endsWith('.undo'));
    if (move.thrown && undone && 'child' in undone) {
      const step = undone.child.slice(0, -'.undo'.length);
      findings.push({
        rule: 'an undo fails only where its service does',
        step,
        message: `the undo of ${step} threw by itself: ${move.thrown.message}`,
        next: 'It may be called for what never happened, or was never heard back from: use runKey where outcome.result is not there, and let what is undone already be undone again.',
      });
    }
    const stuck = faults === 0 && (state.snapshot?.hasTag('attention') ?? false) ? this.#subject.program.stuck(state)[0] : undefined;
    // What a condition of its author says is no accident.
    if (stuck !== undefined && !this.#subject.definition?.steps.some((step) => step.name === stuck && isControl(step)))
      findings.push({
        rule: 'needs a person only when something went wrong',
        step: stuck,
        message: `step ${stuck} needs a person though nothing went wrong${move.thrown ? `: ${move.thrown.message}` : ''}`,
        next: 'What can be refused belongs before the pivot; what only goes forward must succeed in the end.',
      });
    const outcome = outcomeOf(state.data, this.#subject.program.kind);
    if (!outcome || outcome.status === 'terminated') return findings;
    const end: RunEnd = { status: outcome.status, input: this.#input, output: 'output' in outcome ? outcome.output : undefined, left: outcome.left, world };
    for (const [name, holds] of Object.entries(this.#invariants)) {
      const answer = holds(end);
      if (answer !== true)
        findings.push({
          rule: 'invariant',
          step: name,
          message: `${name}: ${typeof answer === 'string' ? answer : `does not hold at the end ${end.status}`}`,
          next: 'Look at the path that leads there.',
        });
    }
    // What a person did in a world of the user's own is not known.
    if (outcome.left.length === 0 || (outcome.status !== 'completed' && !this.#subject.own))
      findings.push(...this.#world(end, state, { faults, effects, path }));
    return findings;
  }

  #world(
    { status }: RunEnd,
    state: RunState,
    { faults, effects, path }: { readonly faults: number; readonly effects: unknown; readonly path: () => readonly Act[] },
  ): readonly Finding[] {
    if (faults === 0) {
      this.#plain ??= { status, effects };
      if (this.#plain.status !== status) return [this.#orderMatters(status, path())];
    }
    const [rule, wanted] =
      status === 'completed' ? (['everything is done, once', this.#wanted(state)] as const) : (['everything is undone', this.#untouched] as const);
    // What a saga's own functions do where the run goes on without one of them only they know.
    if (status === 'completed' && wanted === undefined) return [];
    if (canonical(effects) === canonical(wanted)) return [];
    const { step, text, next } = blame(path(), wanted);
    return [{ rule, ...(step === undefined ? {} : { step }), message: `the run ended as ${status}, but ${text}`, next }];
  }

  /** What must be there once it has completed; undefined where that depends on what went wrong. */
  #wanted({ data }: RunState): unknown {
    const { definition, own } = this.#subject;
    if (!definition) return this.#plain?.effects;
    const context = data.context as SagaContext;
    if (!own) return effectsWanted(definition, context);
    return context.degraded || definition.steps.some(({ racing }) => racing !== undefined) ? undefined : this.#plain?.effects;
  }

  #orderMatters(status: string, path: readonly Act[]): Finding {
    const failed = path.find(({ label }) => label.includes(' fails: '));
    return {
      rule: 'the order of steps side by side does not matter',
      ...(failed?.child === undefined ? {} : { step: failed.child }),
      message: `nothing went wrong, and by the order of its steps alone the run ended as ${this.#plain?.status} or as ${status}${failed ? `: ${failed.label}` : ''}`,
      next: 'Let the step come after those whose effects it needs: with .after(…), or in one chain.',
    };
  }

  /** Whether every run can end, once everything has been seen that can happen to one. */
  ends({ found, edges, depth }: Exploration): void {
    if (Number.isFinite(depth) || this.#violations.length > 0) return;
    const ends = found.flatMap(({ ends: end }, i) => (end ? [i] : []));
    const [lost] = new PlaceGraph(found.length, edges).cannotReach(ends);
    if (lost !== undefined)
      this.#report({ rule: 'every run can end', message: 'from here no end can be reached', next: 'Look at the states it is in.' }, this.#pathTo(lost));
  }

  /** What can be said only when everything has been seen, with every input: one leads where another does not. */
  whole(explorations: readonly Exploration[]): void {
    if (explorations.some(({ depth }) => Number.isFinite(depth)) || this.#violations.length > 0) return;
    const called = new Set(explorations.flatMap((one) => [...one.called]));
    const entered = new Set(explorations.flatMap((one) => [...one.entered]));
    // A saga's own functions may leave out what others would do: only its chart as such must be alive as a whole.
    if (this.#subject.own && this.#subject.program.kind === 'saga') return;
    for (const name of this.#subject.undoable)
      if (!called.has(`${name}.undo`))
        this.#report(
          {
            rule: 'every compensation can be called',
            step: name,
            message: `the undo of ${name} is never called`,
            next: this.#subject.program.transactional?.has(name)
              ? 'Nothing that can fail comes after it, and of itself there is no doubt: make it the pivot, which needs no undo.'
              : 'Nothing that can fail comes after it: look at the order.',
          },
          [],
        );
    // Of an undo that is never called no state is reached: that has been said.
    const dead = this.#subject.undoable.filter((name) => !called.has(`${name}.undo`)).map((name) => `.compensating.${name}.`);
    for (const id of unreached(this.#subject, entered).filter((state) => !dead.some((part) => state.includes(part))))
      this.#report(
        { rule: 'every state can be reached', step: id, message: `the state ${id} cannot be reached`, next: 'Look at the guards of the chart.' },
        [],
      );
  }

  #report(finding: Finding, path: readonly Act[]): void {
    const kind = `${finding.rule} ${finding.step}`;
    if (this.#seen.has(kind)) return;
    this.#seen.add(kind);
    this.#violations.push({ ...finding, saga: this.#subject.name, input: this.#input, path: path.map(({ label }) => label) });
  }

  #effects(world: unknown): unknown {
    const { effects } = this.#subject.world;
    return effects ? effects(world) : world;
  }
}

/** What only a person leads to who takes a run back is not there where nobody does. */
function unreached({ program, rewinds }: Subject, entered: ReadonlySet<string>): readonly string[] {
  const isOff = ({ meta }: { readonly meta?: { readonly rewound?: true } }): boolean => rewinds === 0 && meta?.rewound === true;
  return [...nodesOf(program.chart.machine)].flatMap(([id, node]) => (entered.has(id) || isOff(node) ? [] : [id]));
}

import { canonical } from '../../base/encoding.ts';
import { SagachartError } from '../../base/errors.ts';
import type { Left } from '../../chart/context.ts';
import { outcomeOf } from '../../runtime/outcome.ts';
import type { AnySaga } from '../../saga/saga.ts';
import { parseWith } from '../../saga/schema.ts';
import { type Act, blame } from './blame.ts';
import { type Exploration, explore, type Taken } from './explore.ts';
import { PlaceGraph } from './graph.ts';
import type { Finding } from './rules.ts';
import { nodesOf, type Subject, subjectOf } from './subject.ts';
import type { WorldModel } from './world.ts';

export interface VerifyOptions<World = unknown> {
  /** What runs are started with: each is gone through by itself. Default: none, where the saga's own functions do not run. */
  readonly inputs?: readonly unknown[];
  /**
   * Where effects happen. With one, the saga's own functions run against it; without one, one effect stands for each
   * step, and only chart, policies and order are looked at.
   */
  readonly world?: WorldModel<World>;
  /** What must hold at every end: true, or what is wrong. */
  readonly invariants?: Readonly<Record<string, (end: RunEnd<World>) => boolean | string>>;
  readonly limits?: VerifyLimits;
  /** Whether one order stands for all where the order cannot matter. Default: true. */
  readonly reduce?: boolean;
  readonly onProgress?: (progress: { readonly saga: string; readonly states: number; readonly waiting: number; readonly faults: number }) => void;
}

export interface VerifyLimits {
  /** Attempts of a step that policies are cut to. 1 or more. Default: 2. */
  readonly attempts?: number;
  /** States to look at, for each input. Default: 50,000. */
  readonly states?: number;
  /** Faults in one run. Default: any number. */
  readonly faults?: number;
}

/** A run that has ended, and the world it left. */
export interface RunEnd<World = unknown> {
  readonly status: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly left: readonly Left[];
  readonly world: World;
}

export interface Violation extends Finding {
  readonly input: unknown;
  /** What happened, from the start: the fewest faults that lead there. */
  readonly path: readonly string[];
}

export interface Verification {
  readonly name: string;
  /** Different states of a run and its world. */
  readonly states: number;
  readonly transitions: number;
  /** Ways through them from the start to an end, none through the same state twice. */
  readonly paths: number;
  /** Moves in which something went wrong. */
  readonly faults: number;
  /** Every run with up to this many faults was gone through; null if every run was. */
  readonly depth: number | null;
  readonly complete: boolean;
  readonly ms: number;
  readonly violations: readonly Violation[];
}

const DEFAULTS = { attempts: 2, states: 50_000, faults: Number.POSITIVE_INFINITY };
/** More of them say nothing more. */
const MOST_VIOLATIONS = 20;

/**
 * Goes through everything that can happen to runs of a saga: every outcome of every attempt, a cancel at any point, a
 * crash before and after every commit, every action of an operator. What it finds wrong comes with the shortest way there.
 * @throws SagachartError SC_VERIFY if it cannot be gone through: own functions without an input, a bad limit
 */
export async function verify<World>(saga: AnySaga, options: VerifyOptions<World> = {}): Promise<Verification> {
  const started = performance.now();
  const limits = { ...DEFAULTS, ...options.limits };
  const subject = subjectOf(saga.definition, { world: options.world as WorldModel | undefined, attempts: limits.attempts });
  const violations: Violation[] = [];
  const explorations: Exploration[] = [];
  for (const input of inputsOf(subject, options.inputs)) {
    const judge = new Judge(subject, input, options as VerifyOptions, violations);
    const exploration = await explore(subject, {
      input,
      attempts: limits.attempts,
      mostStates: limits.states,
      mostFaults: limits.faults,
      reduce: options.reduce ?? true,
      judge: (taken) => judge.judge(taken),
      // What is found with fewer faults explains more.
      goOn: () => violations.length === 0,
      progress: (progress) => options.onProgress?.({ saga: subject.name, ...progress }),
    });
    judge.whole(exploration);
    explorations.push(exploration);
  }
  const sum = (of: (one: Exploration) => number): number => explorations.reduce((all, one) => all + of(one), 0);
  const depth = Math.min(...explorations.map((one) => one.depth));
  return {
    name: subject.name,
    states: sum(({ found }) => found.length),
    transitions: sum(({ edges }) => edges.length / 2),
    paths: sum(({ found, edges }) => new PlaceGraph(found.length, edges).paths()),
    faults: sum(({ faultsTried }) => faultsTried),
    depth: Number.isFinite(depth) ? depth : null,
    complete: !Number.isFinite(depth),
    ms: Math.round(performance.now() - started),
    violations,
  };
}

function inputsOf({ definition, own, name }: Subject, inputs: readonly unknown[] | undefined): readonly unknown[] {
  if (!own) return [undefined];
  if (!inputs || inputs.length === 0)
    throw new SagachartError('SC_VERIFY', `saga ${name} cannot be verified with its own functions: no inputs are given`, {
      next: 'Give `inputs`: one of each kind that makes a difference.',
      details: { saga: name },
    });
  return inputs.map((input) => {
    const parsed = parseWith(definition.input, input);
    if ('value' in parsed) return parsed.value;
    throw new SagachartError('SC_VERIFY', `saga ${name} cannot be verified: an input does not fit its schema: ${parsed.problem}`, {
      next: 'Correct the input.',
      details: { saga: name, input },
    });
  });
}

/** Judges what an exploration comes to, and remembers how it came there. */
class Judge {
  readonly #subject: Subject;
  readonly #input: unknown;
  readonly #options: VerifyOptions;
  readonly #violations: Violation[];
  readonly #acts: (Act & { readonly parent: number })[] = [];
  readonly #seen = new Set<string>();
  readonly #untouched: unknown;
  /** How a run ends in which nothing goes wrong, and the world after it. */
  #plain: { readonly status: string; readonly effects: unknown } | undefined;

  constructor(subject: Subject, input: unknown, options: VerifyOptions, violations: Violation[]) {
    this.#subject = subject;
    this.#input = input;
    this.#options = options;
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

  #act({ move, after }: Taken): Act {
    const told = move.events.find((event) => 'child' in event);
    const denied = told?.type === 'failed' && told.error.effect === 'none';
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
    if (stuck !== undefined)
      findings.push({
        rule: 'needs a person only when something went wrong',
        step: stuck,
        message: `step ${stuck} needs a person though nothing went wrong${move.thrown ? `: ${move.thrown.message}` : ''}`,
        next: 'What can be refused belongs before the pivot; what only goes forward must succeed in the end.',
      });
    const outcome = outcomeOf(state.data, 'saga');
    if (!outcome || outcome.status === 'terminated') return findings;
    const end: RunEnd = { status: outcome.status, input: this.#input, output: 'output' in outcome ? outcome.output : undefined, left: outcome.left, world };
    for (const [name, holds] of Object.entries(this.#options.invariants ?? {})) {
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
    if (outcome.left.length === 0 || (outcome.status !== 'completed' && !this.#subject.own)) findings.push(...this.#world(end, faults, effects, path));
    return findings;
  }

  #world({ status }: RunEnd, faults: number, effects: unknown, path: () => readonly Act[]): readonly Finding[] {
    if (faults === 0) {
      this.#plain ??= { status, effects };
      if (this.#plain.status !== status) return [this.#orderMatters(status, path())];
    }
    const [rule, wanted] =
      status === 'completed' ? (['everything is done, once', this.#plain?.effects] as const) : (['everything is undone', this.#untouched] as const);
    if (canonical(effects) === canonical(wanted)) return [];
    const { step, text, next } = blame(path(), wanted);
    return [{ rule, ...(step === undefined ? {} : { step }), message: `the run ended as ${status}, but ${text}`, next }];
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

  /** What can be said only when everything has been seen. */
  whole({ found, edges, depth, entered, called }: Exploration): void {
    if (Number.isFinite(depth) || this.#violations.length > 0) return;
    const ends = found.flatMap(({ ends: end }, i) => (end ? [i] : []));
    const [lost] = new PlaceGraph(found.length, edges).cannotReach(ends);
    if (lost !== undefined)
      this.#report({ rule: 'every run can end', message: 'from here no end can be reached', next: 'Look at the states it is in.' }, this.#pathTo(lost));
    // A saga's own functions may leave out what others would do: only its chart as such must be alive as a whole.
    if (this.#subject.own) return;
    for (const { name, compensate } of this.#subject.definition.steps)
      if (compensate && !called.has(`${name}.undo`))
        this.#report(
          {
            rule: 'every compensation can be called',
            step: name,
            message: `the undo of ${name} is never called`,
            next: 'Nothing that can fail comes after it: look at the order.',
          },
          [],
        );
    for (const id of unreached(this.#subject, entered))
      this.#report(
        { rule: 'every state can be reached', step: id, message: `the state ${id} cannot be reached`, next: 'Look at the guards of the chart.' },
        [],
      );
  }

  #report(finding: Finding, path: readonly Act[]): void {
    const kind = `${finding.rule} ${finding.step}`;
    if (this.#seen.has(kind)) return;
    this.#seen.add(kind);
    this.#violations.push({ ...finding, input: this.#input, path: path.map(({ label }) => label) });
  }

  #effects(world: unknown): unknown {
    const { effects } = this.#subject.world;
    return effects ? effects(world) : world;
  }
}

function unreached({ program }: Subject, entered: ReadonlySet<string>): readonly string[] {
  return [...nodesOf(program.chart.machine).keys()].filter((id) => !entered.has(id));
}

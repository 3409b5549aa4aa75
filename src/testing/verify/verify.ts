import { systemClock } from '../../base/clock.ts';
import { SagachartError } from '../../base/errors.ts';
import type { Definition } from '../../definitions.ts';
import { parseWith } from '../../saga/schema.ts';
import { decisionsOf } from './effects.ts';
import { type Exploration, explore } from './explore.ts';
import { PlaceGraph } from './graph.ts';
import { type Invariants, Judge, type Violation } from './judge.ts';
import type { VerifyLimits, VerifyOptions } from './options.ts';
import { walk } from './replay.ts';
import { sequenceOf, testOf } from './report.ts';
import type { Subject } from './subject.ts';
import { subjectOf } from './subject-of.ts';
import type { WorldModel } from './world.ts';

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
  readonly violations: readonly Shown[];
}

/** A violation with what shows it. */
export interface Shown extends Violation {
  /** A Mermaid sequence diagram of the path; empty where there is none. */
  readonly sequence: string;
  /** A test that fails as long as it is there; empty where there is no path. */
  readonly test: string;
}

const DEFAULTS = { attempts: 2, states: 50_000, faults: Number.POSITIVE_INFINITY, rewinds: 0 };
/**
 * Goes through everything that can happen to runs of a saga: every outcome of every attempt, a cancel at any point, a
 * crash before and after every commit, every action of an operator. What it finds wrong comes with the shortest way there.
 * @throws SagachartError SC_VERIFY if it cannot be gone through: own functions without an input, a bad limit
 */
export async function verify<World>(saga: Definition, options: VerifyOptions<World> = {}): Promise<Verification> {
  const started = systemClock.monotonic();
  const limits = { ...DEFAULTS, ...options.limits };
  checkLimits(saga.name, limits);
  const subject = subjectOf(saga, { ...options, world: options.world as WorldModel | undefined, attempts: limits.attempts, rewinds: limits.rewinds });
  const violations: Violation[] = [];
  const explorations: Exploration[] = [];
  let lastJudge: Judge | undefined;
  for (const input of inputsOf(subject, options.inputs)) {
    const judge = new Judge(subject, input, (options.invariants ?? {}) as Invariants, violations);
    const exploration = await explore(subject, {
      input,
      mostStates: limits.states,
      mostFaults: limits.faults,
      reduce: options.reduce ?? true,
      judge: (taken) => judge.judge(taken),
      // What is found with fewer faults explains more.
      goOn: () => violations.length === 0,
      progress: (states, faults) => options.onProgress?.({ saga: subject.name, states, most: limits.states, faults }),
    });
    if (exploration.depth < 0 && violations.length === 0) throw unbounded(subject.name, limits.states);
    explorations.push(exploration);
    judge.ends(exploration);
    lastJudge = judge;
  }
  lastJudge?.whole(explorations);
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
    ms: Math.round(systemClock.monotonic() - started),
    violations: await Promise.all(violations.map((violation) => shown(subject, violation))),
  };
}

function checkLimits(name: string, { attempts, states, faults, rewinds }: Required<VerifyLimits>): void {
  const wrong = Object.entries({ attempts, states }).find(([, limit]) => !(Number.isInteger(limit) && limit >= 1));
  const few = Object.entries({ faults, rewinds }).find(([, most]) => !(most >= 0));
  const [limit, value] = wrong ?? few ?? [];
  if (limit !== undefined)
    throw new SagachartError('SC_VERIFY', `${name} cannot be verified: limits.${limit} is ${value}`, {
      next: `Give a whole number from ${limit === 'attempts' || limit === 'states' ? 1 : 0}, or leave it out.`,
      details: { saga: name, limit, value },
    });
}

function unbounded(name: string, states: number): SagachartError {
  return new SagachartError('SC_VERIFY', `${name} cannot be gone through: even the runs in which nothing goes wrong have more than ${states} states`, {
    next: 'Leave out of `distinguish` what grows without end (a counter, a list of what happened), or raise limits.states.',
    details: { saga: name, states },
  });
}

async function shown(subject: Subject, violation: Violation): Promise<Shown> {
  const { path, input } = violation;
  if (path.length === 0) return { ...violation, sequence: '', test: '' };
  const { steps } = await walk(subject, undefined, path, input);
  return { ...violation, sequence: sequenceOf(steps), test: testOf(subject.name, { ...violation, own: subject.own }) };
}

function inputsOf({ program, own, name, definition }: Subject, inputs: readonly unknown[] | undefined): readonly unknown[] {
  if (own && definition?.steps.some(({ child }) => child))
    throw new SagachartError('SC_VERIFY', `saga ${name} cannot be verified with its own functions: it has children, whose results are not known here`, {
      next: 'Verify it by its chart alone, without a world; and each child by itself, with one.',
      details: { saga: name },
    });
  if (!own) return definition ? decisionsOf(definition) : [undefined];
  if (!inputs || inputs.length === 0)
    throw new SagachartError('SC_VERIFY', `saga ${name} cannot be verified with its own functions: no inputs are given`, {
      next: 'Give `inputs`: one of each kind that makes a difference.',
      details: { saga: name },
    });
  return inputs.map((input) => {
    const parsed = parseWith(program.schemas.input, input);
    if ('value' in parsed) return parsed.value;
    throw new SagachartError('SC_VERIFY', `saga ${name} cannot be verified: an input does not fit its schema: ${parsed.problem}`, {
      next: 'Correct the input.',
      details: { saga: name, input },
    });
  });
}

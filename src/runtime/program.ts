import type { ZodType } from 'zod';
import { DefinitionError, SagachartError } from '../base/errors.ts';
import type { Failure } from '../base/failure.ts';
import type { Decision, Left } from '../chart/context.ts';
import type { Shape } from '../chart/fingerprint.ts';
import type { NoWayBack } from '../chart/rewind.ts';
import type { SentEvent } from '../kernel/event.ts';
import type { Item } from '../kernel/items.ts';
import type { CarriedState } from '../kernel/migrate.ts';
import type { Chart, Child, RunState, StateData } from '../kernel/state.ts';
import type { Depends } from '../policies/gates.ts';
import type { QueryScope, StepLog } from '../saga/definition.ts';
import type { Dependency } from '../saga/dependency.ts';
import type { AttemptPolicy } from '../saga/policy.ts';
import type { Recast } from '../stores/store.ts';
import type { AttemptRef } from './event.ts';

/** A saga or a workflow as the runtime runs it. */
export interface Program {
  readonly kind: 'saga' | 'workflow';
  readonly name: string;
  readonly version: number;
  readonly fingerprint: string;
  readonly chart: Chart;
  /** What the fingerprint is of. */
  shape(): Shape;
  /**
   * A run of another chart of this name as this one has it.
   * @throws NotCarried with the reason, where that is not clear
   */
  carry(data: StateData, from: { readonly version: number; readonly shape: Shape }): Carrying;
  /** Of a saga: what it has to do with runs of other sagas. */
  readonly family?: Family;
  /** What its data looks like, and which of it is sensitive. */
  readonly schemas: Schemas;
  /** Schemas of the events that may be sent from outside, by name. */
  readonly signals: Readonly<Record<string, ZodType>>;
  /** The event by which the chart hears of a signal. */
  signalEvent(name: string, payload: unknown): SentEvent;
  /** Of a saga: a step that somebody is asked to approve. */
  approval?(step: string): Approval | undefined;
  /** The dependencies that its steps name. */
  readonly depends: readonly Depends[];
  /** Invocations whose attempts are one transaction with the commit of their end: of one that was lost nothing is there. */
  readonly transactional?: ReadonlySet<string>;
  /** What an invocation of the chart stands for. */
  describe(state: RunState, id: string, child: Child): AttemptRef;
  plan(state: RunState, id: string, child: Child): AttemptPlan;
  /** The attempt that a step waits for, and how the one before it failed; undefined where the chart counts no attempts. */
  next(state: RunState, step: string, kind: 'run' | 'undo'): (AttemptRef & { readonly failure?: Failure }) | undefined;
  /** The event by which an operator acts on a stuck step; undefined where the chart has no such thing. */
  operate(state: RunState, step: string, action: 'retry' | 'skip' | 'resolve'): string | undefined;
  /**
   * The result that a person gives for a stuck step, as its schema makes it.
   * @throws SagachartError SC_RESULT_INVALID
   */
  resolved(state: RunState, step: string, result: unknown): unknown;
  /** Whether it goes on without something that it should have. */
  isDegraded(state: RunState): boolean;
  /** Whether it has taken longer than it may. */
  isOverdue(state: RunState): boolean;
  /** Steps that need a person. */
  stuck(state: RunState): readonly string[];
  isPastPivot(state: RunState): boolean;
  /** How a run of it begins as what another one was at some point. */
  readonly fork: Forking;
  /** Why a run cannot go back to a step; undefined if it can. */
  noWayBack(state: RunState, step: string): NoWayBack | undefined;
  /** A failure that quotes nothing sensitive of what the run was given. */
  withoutSecrets(state: RunState, failure: Failure): Failure;
  /** What its author lets people ask of a run, by name. */
  readonly queries: Readonly<Record<string, (now: RunNow) => unknown>>;
  /** What attempts that have ended said of how far they came, for those that follow, by step. */
  progress(data: StateData): Readonly<Record<string, unknown>>;
  /** An invocation over many items; undefined for one that is a single attempt. */
  items?(id: string): ItemsProgram | undefined;
}

export interface Approval {
  /** Of what is said with a yes. */
  readonly schema: ZodType | undefined;
  standing(state: RunState): Standing;
}

/** How far a question has come. */
export interface Standing {
  readonly round: number;
  readonly status: string;
  readonly decision?: Decision;
}

/** A run as it stands, for a query. */
export interface RunNow extends Pick<QueryScope, 'states' | 'status' | 'progress'> {
  readonly data: StateData;
}

/** A run on its way to another chart. */
export interface Carrying extends CarriedState {
  readonly items: Recast['items'];
}

export interface Forking {
  /** Why it cannot; undefined if it can. */
  problem(data: StateData): NoWayBack | undefined;
  /** The context that it begins with. */
  context(data: StateData, run: string): unknown;
}

/** A map as the runtime runs it, forward or back. */
export interface ItemsProgram {
  /** Number of its step, as rows are kept. */
  readonly step: number;
  readonly first: 'run' | 'undo';
  /** What is to be worked through, from input and results: pure. @throws SagachartError SC_MAP_ITEMS */
  list(state: RunState): readonly unknown[];
  /** How many are to be worked through. */
  total(state: RunState, list: () => readonly unknown[]): number;
  describe(item: Item): AttemptRef;
  /** @param given what the attempt is about; `row` is what is stored of it, for its undo */
  plan(state: RunState, item: Item, given: { list(): readonly unknown[]; readonly row?: StoredItem }): AttemptPlan;
  /** What an error of listing them means, as data. */
  failure(error: unknown): Failure;
}

/** What is stored of an item that has ended. */
export interface StoredItem {
  readonly state: string;
  /** Encoded. */
  readonly result: string | null;
}

/** The runs of other sagas that a saga is made of, and what it tells the one that it is part of. */
export interface Family {
  /** Whether a run of it can be undone as a unit. */
  readonly nested: boolean;
  /** Sagas that must be there too. */
  readonly children: readonly { readonly step: string; readonly saga: string; readonly undoable: boolean }[];
  /** What the run of a child is begun with. @throws SagachartError SC_STEP_INPUT */
  startOf(state: RunState, step: string): { readonly saga: string; readonly input: unknown; readonly undoable: boolean };
  /** What a run has come to that waits for its parent; undefined for any other. */
  heldBy(state: RunState): { readonly output: unknown; readonly left: readonly Left[] } | undefined;
  /** Ids of the children that are done, and may wait to be told that they stay so. */
  standing(state: RunState): readonly string[];
}

/** The schemas that a program's author gave; undefined for what has none. */
export interface Schemas {
  readonly input: ZodType | undefined;
  /** Of a part of what an invocation answers, of the whole for an empty path. */
  answer(child: string, path: Path): ZodType | undefined;
  /** Of a part of an event that may be sent from outside. */
  event(type: string, path: Path): ZodType | undefined;
  /** Of a part of the chart's context. */
  context(path: Path): ZodType | undefined;
}

type Path = readonly (string | number)[];

/** One attempt, ready to be run. */
export interface AttemptPlan extends AttemptRef {
  readonly policy: AttemptPolicy;
  /** How often in a row this was lost with its process: from 2 on it runs alone. */
  readonly losses: number;
  /** How its dependency is protected. */
  readonly protection?: Dependency;
  /** The chart has no wait for it: turned away, it waits here, in memory, where another would end as not begun. */
  readonly waitsHere?: boolean;
  /** It is one transaction with the commit of its end: it has happened if that is there, and only then. */
  readonly transactional?: true;
  /** What it is about, for whoever looks at it from outside. */
  subject(scope: AttemptScope): { readonly key: string; input(): unknown };
  /** @param signal makes the signal that tells the attempt to stop, when it is asked for */
  run(scope: AttemptScope, signal: () => AbortSignal): unknown;
  /** What an error of it means, as data. */
  failure(error: unknown): Failure;
}

export interface AttemptScope {
  readonly fence: number;
  readonly log: StepLog;
  readonly namespace: string;
  readonly run: { readonly id: string; readonly saga: string; readonly version: number; readonly incarnation: number };
  readonly services: unknown;
  /**
   * Does work on the store's connection, in one transaction with the commit of the attempt's end. Resolves with its result,
   * once that is durable; rejects with what it threw, which has left nothing.
   */
  transact(work: (connection: unknown) => unknown, signal: () => AbortSignal): Promise<unknown>;
  /** Says that the attempt is alive, and how far it has come. */
  heartbeat(progress?: unknown): void;
  /** What entitles to decide about a step of the run. */
  token(question: { readonly step: string; readonly round: number }): string;
}

/** The programs an engine knows, by name and version. */
export class Programs {
  readonly #byName = new Map<string, Map<number, Program>>();

  /** @throws SagachartError SC_DUPLICATE_SAGA, SC_UNKNOWN_SAGA; DefinitionError SC_DEFINITION_CHILD */
  constructor(programs: readonly Program[]) {
    for (const program of programs) {
      const versions = this.#byName.get(program.name) ?? new Map<number, Program>();
      if (versions.has(program.version)) {
        throw new SagachartError('SC_DUPLICATE_SAGA', `${program.name} version ${program.version} is registered twice`, {
          next: 'Give one of them another name or version.',
          details: { saga: program.name, version: program.version },
        });
      }
      versions.set(program.version, program);
      this.#byName.set(program.name, versions);
    }
    for (const program of programs) this.#checkChildren(program);
  }

  /** A child runs on the newest version there is: that has to be there, and to be fit for it. */
  #checkChildren({ name, version, family }: Program): void {
    for (const { step, saga, undoable } of family?.children ?? []) {
      if (!this.#byName.has(saga)) {
        throw new SagachartError(
          'SC_UNKNOWN_SAGA',
          `step ${step} of ${name} version ${version} is a run of the saga ${JSON.stringify(saga)}, which is not registered`,
          {
            next: `Register ${saga} with the engine, too.`,
            details: { saga, parent: name, step },
          },
        );
      }
      const child = this.find(saga);
      if (!undoable || child.family?.nested) continue;
      throw new DefinitionError(
        'SC_DEFINITION_CHILD',
        `step ${step} of ${name} version ${version}: ${saga} version ${child.version} can no longer be undone as a unit`,
        {
          next: 'Give its newest version nested: true, and no pivot; or register it under another name.',
          details: { saga, parent: name, step },
        },
      );
    }
  }

  /** The newest version, or the given one. @throws SagachartError SC_UNKNOWN_SAGA */
  find(name: string, version?: number): Program {
    const versions = this.#byName.get(name);
    const program = versions?.get(version ?? Math.max(...versions.keys()));
    if (program) return program;
    const known = [...this.#byName].map(([known, all]) => `${known} (version ${[...all.keys()].join(', ')})`).join('; ');
    throw new SagachartError('SC_UNKNOWN_SAGA', `there is no saga ${JSON.stringify(name)}${version === undefined ? '' : ` of version ${version}`}`, {
      next: `Known are: ${known || 'none'}. Register it with the engine, or correct the name.`,
      details: { saga: name, version },
    });
  }

  /** One version; undefined if it is not known. */
  version(name: string, version: number): Program | undefined {
    return this.#byName.get(name)?.get(version);
  }

  /** The program a stored run was started on, or why it must wait untouched. */
  match(run: { readonly id: string; readonly saga: string; readonly version: number; readonly fingerprint: string }): Program | SagachartError {
    const program = this.#byName.get(run.saga)?.get(run.version);
    if (program?.fingerprint === run.fingerprint) return program;
    const why = program
      ? `the chart of ${run.saga} version ${run.version} has changed since it was started`
      : `${run.saga} version ${run.version} is not registered`;
    return new SagachartError('SC_RUN_BLOCKED', `run ${run.id} is blocked: ${why}`, {
      next: program
        ? `Deploy the chart it was started on, and give the changed one a new version; or migrate it: \`sagachart migrate ${run.saga} --from ${run.version} --to ${run.version}\`.`
        : `Deploy code that registers this version, or migrate it: \`sagachart migrate ${run.saga} --from ${run.version}\`.`,
      details: { run: run.id, saga: run.saga, version: run.version, stored: run.fingerprint, registered: program?.fingerprint },
    });
  }

  /** Takes in one that was not known. */
  learn({ name, version }: { readonly name: string; readonly version: number }, make: () => Program): void {
    const versions = this.#byName.get(name) ?? new Map<number, Program>();
    if (!versions.has(version)) this.#byName.set(name, versions.set(version, make()));
  }

  all(): readonly Program[] {
    return [...this.#byName.values()].flatMap((versions) => [...versions.values()]);
  }

  /** Whether any version is known. */
  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Of any version: a name is that of a saga or of a workflow. Of what is not known it is taken to be a saga. */
  kindOf(name: string): Program['kind'] {
    for (const { kind } of this.#byName.get(name)?.values() ?? []) return kind;
    return 'saga';
  }
}

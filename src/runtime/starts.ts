import { SagachartError } from '../base/errors.ts';
import { checkRunId } from '../base/ids.ts';
import type { Parent, RunEvent } from '../kernel/event.ts';
import type { RunIdentity } from '../stores/store.ts';
import { acknowledged } from './cell.ts';
import type { Coordinator } from './coordinator.ts';
import { prepareInput } from './input.ts';
import { Numbers } from './numbers.ts';
import type { Program } from './program.ts';
import { inDoubt } from './refusal.ts';

export interface StartOptions {
  /** Chosen by the caller, so that starting twice is starting once. Default: generated. */
  readonly id?: string;
  /** To find runs by. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Where a start comes from that nobody called for here. */
export interface StartSource {
  /** Number of the inbox row. */
  readonly inbox: number;
  /** The run that has begun it; what it is refused with is told to that. */
  readonly parent?: Parent;
}

interface NewRun {
  readonly id: string;
  readonly value: unknown;
  readonly hash: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether the id is certainly new. */
  readonly known: boolean;
  readonly source: StartSource | undefined;
}

/** Begins runs, each once. */
export class Starts {
  readonly #coordinator: Coordinator;
  readonly #isFull: () => boolean;
  readonly #numbers: Numbers;
  /** Starts under way by id, and how each failed if it did. */
  readonly #underWay = new Map<string, Promise<unknown>>();

  /** @param isFull whether there is no room in memory: a run is stored as queued then */
  constructor(coordinator: Coordinator, { isFull }: { readonly isFull: () => boolean }) {
    this.#coordinator = coordinator;
    this.#isFull = isFull;
    this.#numbers = new Numbers(coordinator.settings.store);
  }

  /** Resolves when none is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  /** How the start of a run that is under way failed, if it did. */
  async failureOf(id: string): Promise<unknown> {
    let failure: unknown;
    while (this.#underWay.has(id)) failure = await this.#underWay.get(id);
    return failure;
  }

  /** @throws SagachartError SC_INPUT_INVALID, SC_RUN_ID, SC_RUN_EXISTS, SC_PAYLOAD_TOO_LARGE, SC_NOT_STORABLE, or the StoreError while the store takes nothing */
  async once(program: Program, input: unknown, options: StartOptions, source?: StartSource): Promise<{ readonly id: string; readonly seq: number }> {
    const { ids, limits } = this.#coordinator.settings;
    const run = { ...prepareInput(program, input, limits.payloadBytes), labels: options.labels ?? {}, source };
    if (options.id === undefined) {
      const id = ids();
      return { id, seq: await this.#begin(program, { ...run, id, known: true }) };
    }
    const id = checkRunId(options.id);
    // Two calls with one id in this process: the second waits, and finds the run of the first.
    while (this.#underWay.has(id)) await this.#underWay.get(id);
    const started = this.#begin(program, { ...run, id, known: false });
    this.#underWay.set(
      id,
      started.then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    try {
      return { id, seq: await started };
    } finally {
      this.#underWay.delete(id);
    }
  }

  async #begin(program: Program, run: NewRun): Promise<number> {
    const { cells, committer, settings } = this.#coordinator;
    const { id, hash, source } = run;
    const cell = cells.get(id);
    // Its first commit has failed, and may be there all the same: until that is known it is not there for anybody.
    if (cell && !cell.standing) throw committer.failure ?? inDoubt(id);
    const existing = run.known ? undefined : (cell?.identity ?? (await settings.store.find(id)));
    if (existing) return this.#existing(existing, program, hash, source);
    const { failure } = committer;
    if (failure && source === undefined) throw failure;
    const identity: RunIdentity = {
      id,
      saga: program.name,
      version: program.version,
      fingerprint: program.fingerprint,
      incarnation: 1,
      inputHash: hash,
      createdAt: settings.clock.now(),
    };
    const number = await this.#numbers.next();
    const parent = source?.parent === undefined ? {} : { parent: source.parent };
    const event: RunEvent = this.#isFull() ? { type: 'queued', input: run.value, ...parent } : { type: 'started', run: id, input: run.value, ...parent };
    const from = source === undefined ? {} : { inbox: source.inbox, ...(source.parent === undefined ? {} : { answersItself: true as const }) };
    return await acknowledged((settle) => this.#coordinator.create({ number, identity, program, labels: run.labels }, { event, settle, ...from }));
  }

  #existing(existing: RunIdentity, program: Program, hash: string, source: StartSource | undefined): number {
    // That of a parent is there only with what it is asked for by: this is somebody else's.
    if (source?.parent || existing.saga !== program.name || existing.inputHash !== hash) {
      const what = existing.saga !== program.name ? `saga ${existing.saga}` : source?.parent ? 'no parent, or another one' : 'another input';
      throw new SagachartError('SC_RUN_EXISTS', `a run with the id ${JSON.stringify(existing.id)} exists already, with ${what}`, {
        next: 'Choose another id, or start it with the same saga and input to get the existing run.',
        details: { run: existing.id, saga: existing.saga },
      });
    }
    if (source) this.#coordinator.committer.answer({ delivery: { event: { type: 'queued', input: null }, inbox: source.inbox }, error: undefined });
    return 0;
  }
}

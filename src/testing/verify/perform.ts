import { type Failure, NOT_BEGUN } from '../../base/failure.ts';
import type { SagaContext } from '../../chart/context.ts';
import type { RunEvent } from '../../kernel/event.ts';
import { storable } from '../../runtime/attempt.ts';
import type { AttemptPlan } from '../../runtime/program.ts';
import { type Effects, effectAt } from './effects.ts';
import { type Call, type Fault, type FaultKind, FaultyServices } from './faulty-services.ts';
import type { Spot } from './moves.ts';
import { lostEvent, type Running, rowKey } from './running.ts';
import type { Subject } from './subject.ts';

/** What came of it, in a copy of the world of its own. */
export interface Performed {
  readonly world: unknown;
  readonly fault: Fault | undefined;
  /** The calls of services it made. */
  readonly calls: readonly Call[];
  /** Undefined if the process died. */
  readonly end: { readonly output: unknown } | { readonly error: Failure; readonly injected: boolean } | undefined;
}

export const RUN_ID = 'run';
const MAX_BYTES = 1_000_000;
const FAULTS: readonly FaultKind[] = ['refused', 'busy', 'unheard', 'unanswered'];
const TURNED_AWAY: Failure = { code: NOT_BEGUN, type: 'SagachartError', message: 'it is not wanted any more', class: 'transient', effect: 'none' };
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Runs attempts of one state, each time on a copy of the world it is given. */
export class Performer {
  readonly #subject: Subject;
  readonly #spot: Pick<Spot, 'state' | 'rows'>;

  constructor(subject: Subject, spot: Pick<Spot, 'state' | 'rows'>) {
    this.#subject = subject;
    this.#spot = spot;
  }

  /** The attempt as it goes when nothing goes wrong, and with each fault it can have that it lives to tell of. */
  async answers(running: Running, world: unknown): Promise<readonly Performed[]> {
    // By its turn it is not wanted any more.
    if (this.isTransactional(running) && running.child.stopping) return [{ world, fault: undefined, calls: [], end: { error: TURNED_AWAY, injected: true } }];
    const plain = await this.#perform(running, world);
    const kinds = this.isTransactional(running) ? FAULTS.filter((kind) => kind !== 'unanswered') : FAULTS;
    // One that calls no service can go wrong by itself.
    const faults: readonly Fault[] =
      plain.calls.length === 0
        ? [
            { call: 0, kind: 'refused' },
            { call: 0, kind: 'unheard' },
          ]
        : plain.calls.flatMap((_, i) => kinds.map((kind) => ({ call: i + 1, kind })));
    return [plain, ...(await this.#each(running, world, faults, plain.calls))];
  }

  /** The attempt as far as it comes before its process dies: not at all, or up to each of its calls. */
  async crashes(running: Running, world: unknown): Promise<readonly Performed[]> {
    // Of one that is one transaction with its commit nothing is there without that.
    if (running.own || this.isTransactional(running)) return [{ world, fault: { call: 0, kind: 'crashed' }, calls: [], end: undefined }];
    const { calls } = await this.#perform(running, world);
    const faults = [0, ...calls.map((_, i) => i + 1)].map((call): Fault => ({ call, kind: 'crashed' }));
    return await this.#each(running, world, faults, calls);
  }

  /** It is one with the commit of its end: it happens together with that, or not at all. */
  isTransactional({ id }: Running): boolean {
    return this.#subject.program.transactional?.has(id) ?? false;
  }

  /** What a run hears of it once its process has died. */
  lost(running: Running): RunEvent {
    return lostEvent(this.#subject, running);
  }

  async #each(running: Running, world: unknown, faults: readonly Fault[], calls: readonly Call[]): Promise<readonly Performed[]> {
    const all: Performed[] = [];
    for (const fault of faults) all.push(await this.#perform(running, world, fault, calls));
    return all;
  }

  /** Where one effect stands for a step, what comes of an attempt depends on that alone, and need not be done again. */
  async #perform(running: Running, before: unknown, fault?: Fault, expected: readonly Call[] = []): Promise<Performed> {
    if (this.#subject.own) return await this.#really(running, before, fault, expected);
    const { definition } = this.#subject;
    const [step = ''] = running.id.split('.');
    const name = definition ? effectAt(definition, this.#spot.state.data.context as SagaContext, step, running.item?.index) : step;
    const effects = before as Effects;
    const key = [running.id, running.item?.what, name, effects[name], fault?.call, fault?.kind].join(' ');
    const performed = performedIn(this.#subject);
    const known = performed.get(key) ?? (await this.#really(running, before, fault, expected));
    performed.set(key, known);
    const effect = (known.world as Effects)[name];
    return { ...known, world: effect === undefined || effect === effects[name] ? before : { ...effects, [name]: effect } };
  }

  async #really(running: Running, before: unknown, fault: Fault | undefined, expected: readonly Call[]): Promise<Performed> {
    const world = structuredClone(before);
    const services = new FaultyServices(fault, expected);
    const { id } = running;
    const plan = this.#plan(running);
    const performed = { world, fault, calls: services.calls };
    if (fault?.kind === 'crashed' && fault.call === 0) return { ...performed, end: undefined };
    if (fault?.call === 0) return { ...performed, end: { error: plan.failure(services.error(fault.kind, id)), injected: true } };
    const { name, version } = this.#subject.program;
    const scope = {
      fence: 1,
      token: ({ step, round }: { readonly step: string; readonly round: number }) => `token of ${step}#${round}`,
      log: SILENT,
      namespace: 'verify',
      run: { id: RUN_ID, saga: name, version, incarnation: 1 },
      services: services.wrap(this.#subject.world.services(world)),
      heartbeat: () => {},
      transact: async (work: (connection: unknown) => unknown) => work(this.#subject.world.database?.(world)),
    };
    try {
      const answer = Promise.resolve(plan.run(scope, () => new AbortController().signal));
      const output = await Promise.race([answer, services.death]);
      return { ...performed, end: services.crashed ? undefined : { output: storable(output, id, MAX_BYTES) } };
    } catch (error) {
      const end = services.crashed ? undefined : { error: plan.failure(error), injected: services.isInjected(error) };
      return { ...performed, world: this.isTransactional(running) ? before : world, end };
    }
  }

  #plan({ id, child, item }: Running): AttemptPlan {
    const { program } = this.#subject;
    const { state, rows } = this.#spot;
    const items = program.items?.(id);
    if (!items || !item) return program.plan(state, id, child);
    const row = rows[rowKey({ step: items.step, round: child.items?.round ?? 1, index: item.index })];
    return items.plan(state, item, { list: () => items.list(state), ...(row ? { row } : {}) });
  }
}

/** What attempts of a subject came to, as far as that is always the same. */
const cache = new WeakMap<Subject, Map<string, Performed>>();

function performedIn(subject: Subject): Map<string, Performed> {
  const known = cache.get(subject) ?? new Map<string, Performed>();
  cache.set(subject, known);
  return known;
}

import type { SagaContext } from '../../chart/context.ts';
import { decodeEntry, rebuild } from '../../kernel/entry.ts';
import type { StateData } from '../../kernel/state.ts';
import type { Alert, AlertSink } from '../../runtime/alert.ts';
import type { RuntimeEvent } from '../../runtime/event.ts';
import type { SagaDefinition } from '../../saga/definition.ts';
import type { Batch, CommitVerdict, RunRow, Store } from '../../stores/store.ts';
import { LINE, overcrowded } from './line.ts';
import type { WrongRule } from './oracle.ts';
import type { Random } from './random.ts';
import type { Asked, SimServices } from './sim-services.ts';
import type { SimProcess, SimTime } from './sim-time.ts';

interface WatchOptions {
  /** Whether there is one worker at a time: with several another may have taken a run over since. */
  readonly lone: boolean;
  readonly definitions: readonly SagaDefinition[];
  tell(rule: WrongRule, run: string, message: string): void;
  readonly time: SimTime;
  /** A source of its own, so that what is drawn here changes nothing else. */
  readonly random: Random;
}

/** Looks at what workers do while they do it: what the books and the journal do not tell afterwards. */
export class Watch {
  readonly #store: Store;
  readonly #services: SimServices;
  readonly #options: WatchOptions;
  readonly #fences = new Map<number, number>();
  readonly #consumed = new Map<number, number>();
  /** What was delivered, by key. */
  readonly alerts = new Map<string, Alert>();

  constructor(store: Store, services: SimServices, options: WatchOptions) {
    this.#store = store;
    this.#services = services;
    this.#options = options;
  }

  /** Where a worker's alerts go: it takes its time, does not take each one, and hears nothing of a dead process. */
  sink(process: SimProcess): AlertSink {
    const { time, random } = this.#options;
    return {
      name: 'watch',
      send: async (alert) => {
        const [ms, takes, answers] = [random.between(1, 10_000), random.chance(0.8), random.chance(0.9)];
        await process.hear(time.wait(ms));
        if (takes) this.alerts.set(alert.key, alert);
        if (!takes || !answers) throw new Error('the sink has not answered');
      },
    };
  }

  claimed(run: number, fence: number): void {
    this.#fences.set(run, fence);
  }

  committed({ commits }: Batch, verdicts: readonly CommitVerdict[]): void {
    if (commits.some(({ within }) => within))
      void overcrowded(this.#store).then((message) => message && this.#options.tell('places of a queue', LINE.name, message));
    commits.forEach(({ run, fence, create, consumed = [] }, i) => {
      if (verdicts[i] !== 'applied') return;
      if (create) this.#fences.set(run, fence);
      const newest = this.#fences.get(run) ?? fence;
      if (fence < newest) this.#options.tell('one writer', `number ${run}`, `a commit under fence ${fence} was applied after ${newest} had taken over`);
      for (const { number } of consumed) this.#consume(number);
    });
  }

  #consume(number: number): void {
    const times = (this.#consumed.get(number) ?? 0) + 1;
    this.#consumed.set(number, times);
    if (times > 1) this.#options.tell('inbox once', `inbox ${number}`, `${times} commits consumed it`);
  }

  /** A call that is about to be made: what demands it must be durable, and an undo waits for what is running. */
  async call(process: SimProcess, { run, step, kind }: Asked): Promise<void> {
    const { lone, tell, time } = this.#options;
    const [name = step, index] = step.split(/[[\]]/);
    const id = kind === 'run' || (kind === 'check' && index !== undefined) ? name : `${name}.${kind}`;
    const row = await this.#store.find(run);
    // One that stood still does what was decided before.
    if (process.wasFrozen || (row && !lone)) return;
    const data = row && (await this.stored(row));
    const demanded = data?.children[id];
    if (!demanded || (index !== undefined && !demanded.items?.open.some((item) => item?.index === Number(index))))
      tell('act after commit', run, `${id} was called, and nothing durable demands it`);
    // One that the run goes on without is undone while the others go forward.
    const forwards = this.#isUndoing(data, name);
    const early =
      kind === 'undo'
        ? this.#services.underWay(run, time.now, (other) => (forwards && other !== step ? undefined : this.#graceMs(other.split('[')[0] ?? other)))
        : undefined;
    if (early) tell('undo waits for do', run, `${id} was called while ${early} was under way`);
  }

  #isUndoing(data: StateData | undefined, step: string): boolean {
    const number = this.#options.definitions.map(({ steps }) => steps.findIndex(({ name }) => name === step)).find((found) => found !== -1) ?? -1;
    return (data?.context as SagaContext | undefined)?.steps[number]?.status === 'undoing';
  }

  #graceMs(name: string): number {
    return this.#options.definitions.flatMap(({ steps }) => steps).find((one) => one.name === name)?.policy.graceMs ?? 0;
  }

  /** Observers were told of something: it must be there. */
  told(event: RuntimeEvent): void {
    if (!('run' in event) || event.type === 'run.blocked' || event.type === 'discarded' || event.type === 'run.recovered') return;
    const { run, seq, type } = event;
    void this.#store.find(run.id).then(async (row) => {
      const [entry] = row ? await this.#store.journal(row.number, { from: seq, limit: 1 }) : [];
      if (entry?.seq !== seq) this.#options.tell('told what is durable', run.id, `observers heard ${type} of commit ${seq}, which is not there`);
    });
  }

  async stored(row: RunRow): Promise<StateData> {
    const { base, entries } = await this.#store.load(row.number);
    return rebuild(base, entries.map(decodeEntry));
  }
}

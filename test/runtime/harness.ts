import type { Definition } from '../../src/definitions.ts';
import { memory, sagachart } from '../../src/index.ts';
import type { Alert } from '../../src/runtime/alert.ts';
import type { RuntimeEvent } from '../../src/runtime/event.ts';
import type { Sagachart, SagachartOptions } from '../../src/sagachart.ts';
import type { Store } from '../../src/stores/store.ts';
import { ManualClock } from '../../src/testing/index.ts';

/** An engine on a manual clock and a store that outlives it. */
export class World {
  readonly clock = new ManualClock();
  readonly store: Store;
  readonly events: RuntimeEvent[] = [];
  /** What was delivered. */
  readonly alerts: Alert[] = [];
  engine!: Sagachart;

  constructor(store?: (clock: ManualClock) => Store) {
    this.store = store?.(this.clock) ?? memory({ clock: this.clock });
  }

  async open(sagas: readonly Definition[], options: Partial<SagachartOptions> = {}): Promise<Sagachart> {
    this.engine = await sagachart({
      sagas,
      store: this.store,
      clock: this.clock,
      log: { level: 'silent' },
      namespace: 'ns',
      pollEvery: '10m',
      observers: [{ observe: (event) => this.events.push(event) }],
      alerts: [{ name: 'world', send: (alert) => this.alerts.push(alert) }],
      ...options,
    } as SagachartOptions);
    return this.engine;
  }

  async close(): Promise<void> {
    const closing = this.engine.close();
    await this.clock.advance(60_000);
    await closing;
    if (this.clock.alarms > 0) throw new Error(`a closed engine has left ${this.clock.alarms} alarms, which would keep its process alive`);
  }

  types(run?: string): string[] {
    return this.events.filter((event) => run === undefined || ('run' in event && event.run.id === run)).map(({ type }) => type);
  }
}

/** A step that ends when the test says so. */
export class Gate<R = unknown> {
  readonly calls: { readonly key: string; readonly attempt: number; readonly signal: AbortSignal; resolve(value: R): void; reject(error: unknown): void }[] =
    [];

  readonly run = (context: { readonly key?: string; readonly undoKey?: string; readonly attempt: number; readonly signal: AbortSignal }): Promise<R> =>
    new Promise<R>((resolve, reject) => {
      this.calls.push({ key: context.key ?? context.undoKey ?? '', attempt: context.attempt, signal: context.signal, resolve, reject });
    });

  get last() {
    const call = this.calls.at(-1);
    if (!call) throw new Error('nobody called');
    return call;
  }
}

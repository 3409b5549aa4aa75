import type { AnyStateMachine } from 'xstate';
import { type Decided, type Decision, decide } from '../../src/kernel/decide.ts';
import { decodeEntry, type Entry, encodeEntry, rebuild } from '../../src/kernel/entry.ts';
import type { RunEvent } from '../../src/kernel/event.ts';
import { restore } from '../../src/kernel/snapshot.ts';
import { type Chart, EMPTY, type RunState } from '../../src/kernel/state.ts';

export const LOST_FAILURE = { code: 'SC_ATTEMPT_LOST', type: 'x', message: 'gone', class: 'transient', effect: 'maybe' } as const;

/** A machine under the kernel alone; with `persist` it is stored and read back between every two events. */
export class KernelRun {
  readonly chart: Chart;
  readonly entries: Entry[] = [];
  state: RunState = EMPTY;
  now = 1_000;
  readonly #persist: boolean;

  constructor(
    machine: AnyStateMachine,
    {
      persist = true,
      saga = false,
      queued = false,
      input,
    }: { readonly persist?: boolean; readonly saga?: boolean; readonly queued?: boolean; readonly input?: unknown } = {},
  ) {
    this.chart = {
      machine,
      startInput: ({ run, input: given }) => (saga ? { runId: run, input: given } : given),
      storesInput: !saga,
      freezesContext: !saga,
      onLoss: saga ? 'error' : 'restart',
      ...(saga ? { terminates: 'event' } : {}),
    };
    this.#persist = persist;
    this.do(queued ? { type: 'queued', input } : { type: 'started', run: 'r', input });
  }

  decide(event: RunEvent): Decision {
    return decide(this.chart, this.state, event, this.now);
  }

  do(event: RunEvent): Decided {
    const decision = this.decide(event);
    if (decision.kind !== 'decided') throw new Error(`${event.type}: ${decision.kind}`);
    const text = encodeEntry({ at: this.now, event: decision.event, change: decision.change });
    this.entries.push(decodeEntry({ format: 1, text }));
    this.state = decision.state;
    if (this.#persist) this.reload();
    return decision;
  }

  /** As after a crash: only what was written is left. */
  reload(): void {
    const data = rebuild(
      undefined,
      this.entries.map((entry) => decodeEntry({ format: 1, text: encodeEntry(entry) })),
    );
    this.state = { seq: this.state.seq, data, snapshot: this.state.snapshot && restore(this.chart.machine, data) };
  }

  done(child: string, output?: unknown): Decided {
    return this.do({ type: 'succeeded', child, at: this.at(child), output });
  }

  lost(child: string): Decided {
    return this.do({ type: 'lost', child, at: this.at(child), error: LOST_FAILURE });
  }

  failed(child: string): Decided {
    return this.do({ type: 'failed', child, at: this.at(child), error: { code: 'X', type: 'X', message: 'x', class: 'transient', effect: 'maybe' } });
  }

  send(type: string, fields: Record<string, unknown> = {}): Decided {
    return this.do({ type: 'sent', event: { type, ...fields } });
  }

  at(child: string): readonly [number, number] {
    const found = this.state.data.children[child];
    if (!found) throw new Error(`${child} is not under way`);
    return found.at;
  }

  get value(): unknown {
    return this.state.data.value;
  }

  get context(): Record<string, unknown> {
    return this.state.data.context as Record<string, unknown>;
  }
}

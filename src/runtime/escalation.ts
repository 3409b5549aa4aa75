import type { SagachartError } from '../base/errors.ts';
import type { RunState } from '../kernel/state.ts';
import type { Commit, OutboxEntry, RunStanding } from '../stores/store.ts';
import { type Alert, alertFailure, alertKey, encodeAlert, failureOf } from './alert.ts';
import { failureBehind, stuckItems } from './attention.ts';
import type { Cell, Delivery } from './cell.ts';
import { outcomeOf } from './outcome.ts';
import type { Programs } from './program.ts';
import { type RemedyOptions, remedyMessage, remedyRunId } from './remedy.ts';
import type { Sink } from './sinks.ts';

/** What a commit is about to make of a run. */
interface About {
  readonly cell: Pick<Cell, 'identity' | 'program' | 'labels'>;
  readonly state: RunState;
  readonly standing: RunStanding;
  /** What needs a person since this commit. */
  readonly stuck: readonly string[];
  /** Whether its deadline has passed with this commit, and it goes on all the same. */
  readonly overdue: boolean;
  readonly at: number;
}

type Escalated = Pick<Commit, 'outbox' | 'messages'>;

const NOTHING: Escalated = {};

/** Who is told, and what is started, when a run fails or needs a person: all of it part of the commit that says so. */
export class Escalation {
  readonly #sinks: readonly string[];
  readonly #remedies: readonly RemedyOptions[];
  readonly #programs: Programs;
  readonly #namespace: string;
  readonly #maxBytes: number;

  constructor(options: {
    readonly sinks: readonly Pick<Sink, 'name'>[];
    readonly remedies: readonly RemedyOptions[];
    readonly programs: Programs;
    readonly namespace: string;
    readonly maxBytes: number;
  }) {
    this.#sinks = options.sinks.map(({ name }) => name);
    this.#remedies = options.remedies;
    this.#programs = options.programs;
    this.#namespace = options.namespace;
    this.#maxBytes = options.maxBytes;
  }

  /** The alerts that leave with a commit, and the messages that start remedies. */
  of(about: About): Escalated {
    const { stuck, standing, overdue } = about;
    const failed = (standing.status === 'failed' || standing.status === 'compensated') && !isUndoneForParent(about);
    if (stuck.length === 0 && !failed && !overdue) return NOTHING;
    const alerts: Alert[] = [];
    const add = (alert: Omit<Alert, 'key' | 'at' | 'run' | 'status'>): void => void alerts.push(this.#alert(about, alerts.length, alert));
    for (const step of stuck) add({ kind: 'attention', step, ...stuckItems(about.state, step), failure: alertFailure(failureBehind(about, step)), left: [] });
    if (overdue) add({ kind: 'deadline', step: '', failure: null, left: [] });
    if (failed) add(endOf(about));
    const messages = this.#remediesOf(alerts, add);
    const outbox = alerts.flatMap((alert) => this.#entry(alert) ?? []);
    return { ...(outbox.length === 0 ? {} : { outbox }), ...(messages.length === 0 ? {} : { messages }) };
  }

  /** The alert about a remedy that was refused when it was to be started, to be written with the answer. */
  refused({ remedyFor, inbox }: Delivery, error: SagachartError, at: number): readonly OutboxEntry[] {
    if (!remedyFor || inbox === undefined) return [];
    const { of, saga, run } = remedyFor;
    const key = alertKey(this.#namespace, of.run, [`inbox-${inbox}`, 0]);
    const entry = this.#entry({ ...of, key, kind: 'remedy', at, failure: failureOf(error), left: [], remedy: { saga, run } });
    return entry ? [entry] : [];
  }

  /** What cannot be started is told of like what it was for. */
  #remediesOf(alerts: readonly Alert[], add: (alert: Omit<Alert, 'key' | 'at' | 'run' | 'status'>) => void): NonNullable<Escalated['messages']> {
    const started = [];
    for (const alert of [...alerts]) {
      for (const remedy of this.#remedies) {
        if (remedy.of !== alert.run.saga || remedy.on !== alert.kind) continue;
        try {
          started.push(remedyMessage(remedy, alert, { programs: this.#programs, maxBytes: this.#maxBytes }));
        } catch (error) {
          const what = { saga: remedy.start, run: remedyRunId(remedy, alert) };
          add({ kind: 'remedy', step: alert.step, failure: failureOf(error), left: [], remedy: what });
        }
      }
    }
    return started;
  }

  #alert({ cell, state, standing, at }: About, n: number, alert: Omit<Alert, 'key' | 'at' | 'run' | 'status'>): Alert {
    const { id, saga, version, incarnation } = cell.identity;
    const run = { id, saga, version, incarnation, labels: cell.labels };
    return { key: alertKey(this.#namespace, run, [state.seq, n]), at, run, status: standing.status, ...alert };
  }

  #entry(alert: Alert): OutboxEntry | undefined {
    return this.#sinks.length === 0 ? undefined : { topic: alert.kind, body: encodeAlert(alert), sinks: this.#sinks };
  }
}

/** Nothing of it failed: what did is told of by the run that it is a step of. */
function isUndoneForParent({ cell: { program }, state, standing: { status } }: About): boolean {
  const outcome = status === 'compensated' && program.kind === 'saga' ? outcomeOf(state.data, 'saga') : undefined;
  return outcome?.status === 'compensated' && outcome.failure === null;
}

function endOf({ cell: { program }, state }: About): Pick<Alert, 'kind' | 'step' | 'failure' | 'left'> {
  const outcome = outcomeOf(state.data, program.kind);
  const { step = '', failure = null, left = [] } = (outcome ?? {}) as { readonly step?: string; readonly failure?: null; readonly left?: Alert['left'] };
  return { kind: 'failure', step, failure: alertFailure(failure && program.withoutSecrets(state, failure)), left };
}

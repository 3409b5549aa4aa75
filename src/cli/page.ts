import type { Failure } from '../base/failure.ts';
import type { Entry } from '../kernel/entry.ts';
import type { Item } from '../kernel/items.ts';
import type { RunView } from '../runtime/history.ts';
import { outcomeOf } from '../runtime/outcome.ts';
import type { RunRow } from '../stores/store.ts';
import { duration, paint, paintStatus, table } from './output.ts';
import type { Visible } from './visible.ts';

/** What `list` prints of a run, in JSON. */
export interface RunSummary {
  readonly id: string;
  readonly saga: string;
  readonly version: number;
  readonly status: string;
  readonly attention: boolean;
  readonly blocked: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly endedAt: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly queue: { readonly name: string; readonly key: string; readonly priority: number; readonly stage: 'waiting' | 'begun' } | null;
  /** When a run that was put off begins, or stands in line. */
  readonly begins: string | null;
}

export function summary(row: RunRow, blocked: boolean): RunSummary {
  const time = (ms: number): string => new Date(ms).toISOString();
  const { id, saga, version, status, attention, labels } = row;
  return {
    id,
    saga,
    version,
    status,
    attention,
    blocked,
    createdAt: time(row.createdAt),
    updatedAt: time(row.updatedAt),
    endedAt: row.endedAt === null ? null : time(row.endedAt),
    labels,
    queue: row.place ? { name: row.place.queue, key: row.place.key, priority: row.place.priority, stage: row.place.stage } : null,
    begins: status === 'queued' && row.due !== null && row.due > row.updatedAt ? time(row.due) : null,
  };
}

function waitText({ queue, begins }: RunSummary): string {
  if (begins !== null) return `begins ${begins}`;
  if (!queue) return '';
  const whose = queue.key === '' ? '' : ` for ${queue.key}`;
  return queue.stage === 'waiting' ? `waits in ${queue.name}${whose}` : `in ${queue.name}${whose}`;
}

export function listPage(runs: readonly RunSummary[]): readonly string[] {
  if (runs.length === 0) return ['no runs'];
  const flags = (run: RunSummary): string => [run.attention ? 'attention' : '', run.blocked ? 'blocked' : '', waitText(run)].filter(Boolean).join(' ');
  return table(
    ['RUN', 'SAGA', 'STATUS', 'STARTED', 'FLAGS'],
    runs.map((run) => [run.id, `${run.saga}@${run.version}`, run.status, run.createdAt, flags(run)]),
  );
}

/** What `show` prints, in JSON: the contract of scripts. */
export function showObject(
  view: RunView,
  { blocked, changes = null, visible }: { readonly blocked: string | null; readonly changes?: readonly string[] | null; readonly visible: Visible },
) {
  const seen = (failure: Failure): Pick<Failure, 'code' | 'message' | 'class' | 'effect'> => {
    const { code, message } = failure;
    return { code, message: String(visible.text(message)), class: failure.class, effect: failure.effect };
  };
  return {
    ...summary(view.row, blocked !== null),
    seq: view.seq,
    blockedBecause: blocked,
    changes,
    forked: view.forked ? { by: null, reason: null, ...view.forked } : null,
    states: view.states,
    timers: Object.values(view.data.timers).map(({ id, due }) => ({ id, due: new Date(due).toISOString() })),
    children: view.children,
    outcome: outcomeObject(view, visible),
    maps: mapsIn(view, seen),
    timeline: view.timeline.map(({ failure, startedAt, items, ...entry }) => ({
      ...entry,
      startedAt: new Date(startedAt).toISOString(),
      items: items ?? null,
      error: failure ? seen(failure) : null,
    })),
    faults: (view.data.faults ?? []).map(({ error }) => ({ code: error.code, message: seen(error).message })),
    context: visible.context(view.data.context),
  };
}

type Seen = (failure: Failure) => Pick<Failure, 'code' | 'message' | 'class' | 'effect'>;

/** How far the maps of a run have come, and their items in flight or stuck. */
function mapsIn({ data }: RunView, seen: Seen) {
  return Object.entries(data.children).flatMap(([id, { items }]) => {
    if (!items) return [];
    const { total, done, open, stuck = [] } = items;
    const shown = ({ index, what, record, due }: Item, needsPerson: boolean) => ({
      item: index,
      kind: what,
      attempts: record.attempts,
      due: due === undefined ? null : new Date(due).toISOString(),
      needsPerson,
      error: record.failure ? seen(record.failure) : null,
    });
    const inFlight = open.flatMap((item) => (item ? [shown(item, false)] : []));
    return [{ step: id.split('.')[0] ?? id, undo: id.endsWith('.undo'), total, done, items: [...inFlight, ...stuck.map((item) => shown(item, true))] }];
  });
}

/** How the run ended; null while it goes on. */
export function outcomeObject({ data }: Pick<RunView, 'data'>, visible: Visible): object | null {
  return visible.outcome(outcomeOf(data, visible.kind));
}

export function showPage(shown: ReturnType<typeof showObject>): readonly string[] {
  const flags = [shown.attention ? paint('red', 'needs a person') : '', shown.blocked ? paint('red', `blocked: ${shown.blockedBecause}`) : ''].filter(Boolean);
  return [
    `${paint('bold', shown.id)}  ${shown.saga}@${shown.version}  ${paintStatus(shown.status)}${flags.length > 0 ? `  ${flags.join('  ')}` : ''}`,
    `started ${shown.createdAt}${shown.endedAt ? `, ended ${shown.endedAt}` : ''}`,
    ...(waitText(shown) === '' ? [] : [`queue   ${waitText(shown)}`]),
    ...(shown.labels.parent === undefined ? [] : [`parent  ${shown.labels.parent}`]),
    ...(shown.changes ?? []).map((change) => `change  ${change}`),
    ...(shown.forked
      ? [`forked  from ${shown.forked.from} at commit ${shown.forked.seq}${shown.forked.by ? ` by ${shown.forked.by}` : ''}: ${shown.forked.reason}`]
      : []),
    ...shown.states.map((state) => `state   ${state}`),
    ...shown.timers.map(({ id, due }) => `timer   ${id} at ${due}`),
    ...shown.maps.flatMap(({ step, undo, total, done, items }) => [
      `map     ${undo ? 'undo of ' : ''}${step}: ${done} of ${total} done, ${items.length} in flight`,
      ...items
        .filter(({ needsPerson }) => needsPerson)
        .map(({ item, error }) => `item    ${paint('red', `${step}[${item}] needs a person`)}  ${error ? `${error.code} ${error.message}` : ''}`),
    ]),
    ...shown.children.map(({ step, kind, run }) => `child   ${step}${kind === 'undo' ? ' is being undone by' : ' is'} the run ${run}`),
    ...shown.faults.map(({ code, message }) => `fault   ${code} ${message}`),
    '',
    ...table(
      ['STEP', 'KIND', 'ATTEMPT', 'OUTCOME', 'TOOK', 'ERROR'],
      shown.timeline.map(({ step, kind, attempt, items, outcome, ms, error }) => [
        items ? `${step} (${items.done} of ${items.total})` : step,
        kind,
        String(attempt),
        outcome,
        duration(ms),
        error ? `${error.code} ${error.message}` : '',
      ]),
    ),
    '',
    `context ${JSON.stringify(shown.context, null, 2)}`,
    ...(shown.outcome ? [`outcome ${JSON.stringify(shown.outcome, null, 2)}`] : []),
  ];
}

export function journalObject(entries: readonly (Entry & { readonly seq: number })[], visible: Visible) {
  return entries.map(({ seq, at, event, change }) => ({
    seq,
    at: new Date(at).toISOString(),
    event: visible.event(event),
    change: change.map((one) => visible.change(one)),
  }));
}

export function journalPage(entries: ReturnType<typeof journalObject>): readonly string[] {
  return entries.flatMap(({ seq, at, event }) => {
    const { type, ...rest } = event as { readonly type: string };
    return [`${String(seq).padStart(5)}  ${at}  ${paint('bold', type)}  ${JSON.stringify(rest)}`];
  });
}

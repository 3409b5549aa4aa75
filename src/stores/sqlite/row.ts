import type { InboxRow, QueuePlace, RunRow, RunStatus, Tombstone } from '../store.ts';

export interface RunRecord {
  readonly number: number;
  readonly id: string;
  readonly saga: string;
  readonly version: number;
  readonly fingerprint: string;
  readonly incarnation: number;
  readonly input_hash: string;
  readonly created_at: number;
  readonly status: string;
  readonly attention: number;
  readonly paused: number;
  readonly degraded: number;
  readonly due: number | null;
  readonly ended_at: number | null;
  readonly labels: string;
  readonly seq: number;
  readonly updated_at: number;
  readonly numbers: string | null;
  readonly queue: string | null;
  readonly queue_key: string | null;
  readonly priority: number | null;
  readonly stage: number | null;
  readonly sole: string | null;
}

export function runRow(record: RunRecord): RunRow {
  const { number, id, saga, version, fingerprint, incarnation, due, seq } = record;
  return {
    number,
    id,
    saga,
    version,
    fingerprint,
    incarnation,
    inputHash: record.input_hash,
    createdAt: record.created_at,
    status: record.status as RunStatus,
    attention: record.attention === 1,
    paused: record.paused === 1,
    degraded: record.degraded === 1,
    due,
    endedAt: record.ended_at,
    labels: record.labels === '{}' ? {} : (JSON.parse(record.labels) as Record<string, string>),
    seq,
    updatedAt: record.updated_at,
    ...placeOf(record),
    ...(record.sole === null ? {} : { sole: record.sole }),
  };
}

function placeOf({ queue, queue_key: key, priority, stage }: RunRecord): { readonly place?: QueuePlace } {
  if (queue === null || stage === null) return {};
  return { place: { queue, key: key ?? '', priority: priority ?? 0, stage: stage === 0 ? 'waiting' : 'begun' } };
}

export interface InboxRecord {
  readonly number: number;
  readonly id: string;
  readonly run: string;
  readonly body: string;
  readonly at: number;
  readonly answered_at: number | null;
  readonly answer: string | null;
}

export function inboxRow({ number, id, run, body, at, answered_at, answer }: InboxRecord): InboxRow {
  return { number, id, run, body, at, answeredAt: answered_at, answer };
}

export interface TombstoneRecord {
  readonly id: string;
  readonly incarnation: number;
  readonly saga: string;
  readonly input_hash: string;
  readonly status: string;
  readonly at: number;
}

export function tombstoneOf({ id, incarnation, saga, input_hash, status, at }: TombstoneRecord): Tombstone {
  return { id, incarnation, saga, inputHash: input_hash, status: status as RunStatus, at };
}

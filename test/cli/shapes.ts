import { z } from 'zod';
import { RUN_STATUSES } from '../../src/stores/store.ts';

const time = z.iso.datetime().meta({ type: 'time' });
const count = z.int().nonnegative();
const any = z.unknown();
const object = z.record(z.string(), z.unknown()).meta({ type: 'object' });

const left = z.array(
  z.strictObject({
    step: z.string(),
    what: z.enum(['run skipped', 'run resolved by hand', 'undo skipped', 'undo resolved by hand', 'not undone', 'may have happened', 'inherited']),
    items: z.array(count).optional(),
    more: count.optional(),
  }),
);
const failure = object.nullable();

export const outcomes = {
  completed: z.strictObject({ status: z.literal('completed'), output: any.optional(), left }),
  compensated: z.strictObject({ status: z.literal('compensated'), step: z.string(), failure, left }),
  failed: z.strictObject({ status: z.literal('failed'), step: z.string(), failure, left }),
  canceled: z.strictObject({ status: z.literal('canceled'), by: z.string().nullable(), reason: z.string().nullable(), left }),
  terminated: z.strictObject({ status: z.literal('terminated'), left }),
};

const outcome = z
  .discriminatedUnion('status', [outcomes.completed, outcomes.compensated, outcomes.failed, outcomes.canceled, outcomes.terminated])
  .meta({ type: 'outcome' });

const summary = {
  id: z.string(),
  saga: z.string(),
  version: count,
  status: z.enum(RUN_STATUSES),
  attention: z.boolean(),
  blocked: z.boolean(),
  createdAt: time,
  updatedAt: time,
  endedAt: time.nullable(),
  labels: z.record(z.string(), z.string()).meta({ type: 'object' }),
  queue: z
    .strictObject({ name: z.string(), key: z.string(), priority: z.int(), stage: z.enum(['waiting', 'begun']) })
    .nullable()
    .meta({ type: 'object or null' }),
  begins: time.nullable(),
};

const failed = z
  .strictObject({ code: z.string(), message: z.string(), class: z.enum(['transient', 'hard']), effect: z.enum(['none', 'maybe']) })
  .nullable()
  .meta({ type: 'object or null' });

const map = z.strictObject({
  step: z.string(),
  undo: z.boolean(),
  total: count,
  done: count,
  items: z.array(
    z.strictObject({
      item: count,
      kind: z.enum(['run', 'check', 'undo']),
      attempts: count,
      due: time.nullable(),
      needsPerson: z.boolean(),
      error: failed,
    }),
  ),
});

const attempt = z.strictObject({
  step: z.string(),
  kind: z.enum(['run', 'check', 'undo']),
  attempt: count.min(1),
  outcome: z.enum(['succeeded', 'failed', 'lost', 'running']),
  startedAt: time,
  ms: z.number().nonnegative().nullable(),
  items: z.strictObject({ total: count, done: count, stuck: count }).nullable().meta({ type: 'object or null' }),
  error: failed,
});

const change = z.strictObject({
  kind: z.enum(['=', '-', '@']),
  path: z.array(z.union([z.string(), z.number()]).meta({ type: 'string or number' })),
  value: any,
});

const failures = z.array(z.strictObject({ run: z.string(), code: z.string(), message: z.string() }));

const operator = { by: z.string().nullable(), reason: z.string().nullable() };
const schedules = z.array(
  z.strictObject({
    name: z.string(),
    saga: z.string(),
    cron: z.string(),
    timeZone: z.string(),
    catchUp: z.enum(['none', 'last', 'all']),
    overlap: z.enum(['skip', 'wait', 'allow', 'cancel']),
    queue: z.string().nullable(),
    next: time.nullable(),
    paused: z
      .strictObject({ at: time, ...operator })
      .nullable()
      .meta({ type: 'object or null' }),
    last: z.strictObject({ at: time, run: z.string() }).nullable().meta({ type: 'object or null' }),
    skipped: count,
    lastSkipped: z.strictObject({ at: time, why: z.string() }).nullable().meta({ type: 'object or null' }),
  }),
);

/** What each command prints with --json, by the section of the page that says so. */
export const shapes = {
  Errors: z.strictObject({
    error: z.strictObject({ code: z.string().regex(/^SC_[A-Z_]+$/), message: z.string().min(1), next: z.string().nullable(), retryable: z.boolean() }),
  }),
  'sagachart run': z.strictObject({ ended: count, attention: count }),
  'sagachart start': z.strictObject({
    run: z.string(),
    saga: z.string(),
    version: count,
    seq: count.nullable(),
    executor: z.boolean(),
    status: z.string().nullable(),
    outcome: outcome.nullable(),
  }),
  'sagachart list': z.strictObject({ runs: z.array(z.strictObject(summary)) }),
  'sagachart show': z.strictObject({
    ...summary,
    seq: count.min(1),
    blockedBecause: z.string().nullable(),
    changes: z.array(z.string()).nullable().meta({ type: 'list of string or null' }),
    forked: z
      .strictObject({ from: z.string(), incarnation: count.min(1), seq: count.min(1), by: z.string().nullable(), reason: z.string().nullable() })
      .nullable()
      .meta({ type: 'object or null' }),
    states: z.array(z.string()),
    timers: z.array(z.strictObject({ id: z.string(), due: time })),
    children: z.array(z.strictObject({ step: z.string(), kind: z.enum(['run', 'undo']), run: z.string() })),
    outcome: outcome.nullable(),
    maps: z.array(map),
    timeline: z.array(attempt),
    faults: z.array(z.strictObject({ code: z.string(), message: z.string() })),
    context: any,
  }),
  'sagachart watch': z.strictObject({
    run: z.string(),
    seq: count.min(1),
    at: time,
    status: z.enum(RUN_STATUSES),
    states: z.array(z.string()),
    attention: z.boolean(),
    blocked: z.boolean(),
    paused: z.boolean(),
    degraded: z.boolean(),
    progress: object,
    outcome: outcome.nullable(),
  }),
  'sagachart query': z.strictObject({ run: z.string(), query: z.string(), answer: any }),
  'sagachart journal': z.strictObject({
    run: z.string(),
    entries: z.array(
      z.strictObject({ seq: count.min(1), at: time, event: z.looseObject({ type: z.string() }).meta({ type: 'object' }), change: z.array(change) }),
    ),
  }),
  'sagachart errors': z.strictObject({
    groups: z.array(
      z.strictObject({
        saga: z.string(),
        step: z.string(),
        kind: z.enum(['run', 'check', 'undo', 'fallback']),
        code: z.string(),
        message: z.string(),
        attempts: count,
        runs: count,
        firstAt: time,
        lastAt: time,
        run: z.string(),
      }),
    ),
    runs: count,
    attempts: count,
    others: count,
  }),
  'sagachart signal': z.strictObject({
    run: z.string(),
    command: z.enum(['signal', 'cancel', 'terminate', 'retry', 'skip', 'resolve', 'rewind', 'fork', 'restart', 'purge', 'approve', 'deny']),
    seq: count.nullable(),
    executor: z.boolean(),
  }),
  'sagachart archive': z.strictObject({ file: z.string(), dryRun: z.boolean(), archived: count, purged: count, matched: count, failed: count, failures }),
  'sagachart backup': z.strictObject({ store: z.string(), file: z.string(), bytes: count }),
  'Many at once': z.strictObject({
    action: z.enum(['cancel', 'terminate', 'retry', 'purge']),
    dryRun: z.boolean(),
    executor: z.boolean(),
    matched: count,
    done: count,
    failed: count,
    failures,
  }),
  'sagachart paused': z.strictObject({
    paused: z.array(
      z.strictObject({
        what: z.enum(['dependency', 'saga', 'everything']),
        name: z.string().nullable(),
        at: time,
        by: z.string().nullable(),
        reason: z.string().nullable(),
      }),
    ),
  }),
  'sagachart versions': z.strictObject({
    versions: z.array(
      z.strictObject({
        saga: z.string(),
        version: count,
        fingerprint: z.string(),
        registered: z.boolean(),
        live: count,
        ended: count,
        share: z.number().nonnegative(),
      }),
    ),
  }),
  'sagachart migrate': z.strictObject({
    executor: z.boolean(),
    saga: z.string(),
    to: count,
    dryRun: z.boolean(),
    matched: count,
    migrated: count,
    refused: count,
    reasons: z.array(z.strictObject({ why: z.string(), count, runs: z.array(z.string()) })),
  }),
  'sagachart rollout': z.strictObject({
    rollouts: z.array(
      z.strictObject({
        saga: z.string(),
        version: count,
        share: z.number().nonnegative(),
        rest: count,
        since: time,
        rollback: z.strictObject({ failureRate: z.number().nonnegative(), after: count }).nullable().meta({ type: 'object or null' }),
        rolledBack: z.strictObject({ at: time, ended: count, failed: count }).nullable().meta({ type: 'object or null' }),
        by: z.string().nullable(),
        reason: z.string().nullable(),
        ended: count,
        failed: count,
      }),
    ),
  }),
  'sagachart queues': z.strictObject({ queues: z.array(z.strictObject({ name: z.string(), known: z.boolean(), waiting: count, begun: count })) }),
  'sagachart schedules': z.strictObject({ schedules }),
  'sagachart schedule': z.strictObject({
    run: z.string().nullable(),
    seq: count.nullable(),
    executor: z.boolean(),
    schedules: z.array(object).meta({ type: 'list' }),
  }),
  'sagachart graph': z.strictObject({ saga: z.string(), version: count, format: z.enum(['mermaid', 'folded', 'stately']), text: z.string().min(1) }),
  'sagachart verify': z.strictObject({
    sagas: z.array(
      z.strictObject({
        name: z.string(),
        functions: z.enum(['own', 'left out']),
        states: count,
        transitions: count,
        paths: z.number().nonnegative(),
        faults: count,
        depth: z.int().nullable(),
        complete: z.boolean(),
        ms: count,
        violations: z.array(
          z.strictObject({
            saga: z.string(),
            rule: z.string(),
            step: z.string().optional(),
            message: z.string(),
            next: z.string(),
            input: any.optional(),
            path: z.array(z.string()),
            sequence: z.string(),
            test: z.string(),
          }),
        ),
      }),
    ),
  }),
  'sagachart drill': z.strictObject({
    seed: count,
    seconds: count,
    kills: count,
    recoveryMs: z.strictObject({ count, median: z.number().nullable(), longest: z.number().nullable() }),
    runs: count,
    ends: object,
    unfinished: count,
    attention: z.array(z.string()),
    runMs: z.strictObject({ median: z.number().nullable(), p95: z.number().nullable() }),
    report: z.string(),
  }),
};

export type Printing = keyof typeof shapes;

export interface Key {
  readonly name: string;
  readonly type: string;
  /** Of a value that is one of a few. */
  readonly values?: readonly string[];
}

/** The keys of a shape, as the page writes them: `runs[].id`. */
export function keysOf(schema: z.ZodType, path = ''): readonly Key[] {
  const inner = schema instanceof z.ZodNullable ? (schema.unwrap() as z.ZodType) : schema;
  if (inner instanceof z.ZodArray) return keysOf(inner.element as z.ZodType, `${path}[]`);
  if (!(inner instanceof z.ZodObject) || inner.meta()?.type === 'object') return [];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([key, value]) => {
    const name = path ? `${path}.${key}` : key;
    const own =
      value instanceof z.ZodObject && !value.meta()?.type
        ? []
        : [{ name, type: typeOf(value), ...(value instanceof z.ZodEnum ? { values: value.options as string[] } : {}) }];
    return [...own, ...keysOf(value, name)];
  });
}

function typeOf(schema: z.ZodType): string {
  const said = schema.meta()?.type;
  if (typeof said === 'string') return said;
  if (schema instanceof z.ZodNullable) return `${typeOf(schema.unwrap() as z.ZodType)} or null`;
  if (schema instanceof z.ZodOptional) return typeOf(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodArray) return schema.element instanceof z.ZodObject ? 'list' : `list of ${typeOf(schema.element as z.ZodType)}`;
  if (schema instanceof z.ZodEnum) return 'one of';
  if (schema instanceof z.ZodUnknown) return 'any';
  return schema.def.type === 'int' ? 'number' : schema.def.type;
}

/** A text in a file, and what stands in its place. */
export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** One deliberate defect; some take more than one edit, because one line of defense stands behind another. */
export interface Mutant extends Edit {
  readonly name: string;
  readonly also?: readonly Edit[];
}

/** Ways to break the engine that a user would pay for. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'compensation is skipped',
    file: 'src/chart/implementations.ts',
    from: 'definition.steps.some((step) => step.compensate && mustBeUndone(context, step.number))',
    to: 'definition.steps.length < 0 && mustBeUndone(context, 0)',
  },
  {
    name: 'a step that succeeded is not undone',
    file: 'src/chart/context.ts',
    from: "return status === 'succeeded' || status === 'unknown' || status === 'resolved';",
    to: "return status === 'unknown' || status === 'resolved';",
  },
  {
    name: 'unknown is treated as refused',
    file: 'src/chart/context.ts',
    from: "return status === 'succeeded' || status === 'unknown' || status === 'resolved';",
    to: "return status === 'succeeded' || status === 'resolved';",
  },
  {
    name: 'undo in no order',
    file: 'src/chart/compensation.ts',
    from: 'params: { steps: dependents.map((later) => later.number) }',
    to: 'params: { steps: [] }',
  },
  {
    name: 'an undo under way counts as settled',
    file: 'src/chart/context.ts',
    from: "return (undo !== undefined && undo !== null && undo.status !== 'open') || !mustBeUndone(context, step);",
    to: 'return (undo !== undefined && undo !== null) || !mustBeUndone(context, step);',
  },
  {
    name: 'a failed undo counts as done',
    file: 'src/chart/compensation.ts',
    from: "{ target: 'backingOff', actions: [about('recordUndoFailure')] },",
    to: "{ target: 'undone', actions: [about('recordUndone')] },",
  },
  {
    name: 'a stuck undo is given up',
    file: 'src/chart/compensation.ts',
    from: "target: 'attention', actions: [about('recordUndoFailure')] },",
    to: "target: 'undone', actions: [about('recordUndone')] },",
  },
  {
    name: 'steps begin while the run drains',
    file: 'src/chart/implementations.ts',
    from: 'draining: ({ context }: Scope) => context.cause !== null,',
    to: 'draining: ({ context }: Scope) => context.cause !== null && context.steps.length > 99,',
  },
  {
    name: 'a join waits for nobody',
    file: 'src/chart/implementations.ts',
    from: 'steps.every((step) => goneOn(context, step)),',
    to: 'steps.length > 0 || goneOn(context, 0),',
  },
  {
    name: 'a pivot that is unknown is undone',
    file: 'src/chart/judgment.ts',
    from: "if (step.forward && !(step.kind === 'pivot' && !record.unknown)) return 'attention';",
    to: "if (step.forward && step.kind !== 'pivot') return 'attention';\n  if (step.kind === 'pivot') return 'refused';",
  },
  {
    name: 'a check that leaves it open means that it did not happen',
    file: 'src/chart/context.ts',
    from: "unknown: record.unknown && end !== 'didNotHappen'",
    to: 'unknown: false',
  },
  {
    name: 'a check that says no is heard as yes',
    file: 'src/chart/implementations.ts',
    from: "happened: ({ event }: Scope) => settled(event).verdict === 'happened',",
    to: "happened: ({ event }: Scope) => settled(event).verdict !== 'open',",
  },
  {
    name: 'a later refusal settles an earlier unknown attempt',
    file: 'src/chart/context.ts',
    from: "unknown: record.unknown || (step.kind !== 'read' && failure.effect === 'maybe'),",
    to: "unknown: step.kind !== 'read' && failure.effect === 'maybe',",
  },
  {
    name: 'what is left is not listed',
    file: 'src/chart/context.ts',
    from: "else if (compensate && mustBeUndone(context, number)) left.push({ step: name, what: 'not undone' });",
    to: '',
  },
  {
    name: 'a cancel after a failure takes its place',
    file: 'src/chart/implementations.ts',
    from: "return context.cause === null ? { cause: { kind: 'cancel', by: event.by ?? null, reason: event.reason ?? null } } : {};",
    to: "return { cause: { kind: 'cancel', by: event.by ?? null, reason: event.reason ?? null } };",
  },
  {
    name: 'a cancel is taken, and nothing comes of it',
    file: 'src/chart/implementations.ts',
    from: "return context.cause === null ? { cause: { kind: 'cancel', by: event.by ?? null, reason: event.reason ?? null } } : {};",
    to: 'return context.cause === null && event.by === null ? {} : {};',
  },
  {
    name: 'a stale result is applied',
    file: 'src/kernel/decide.ts',
    from: 'return found !== undefined && sameIdentity(found.at, at) ? found : undefined;',
    to: 'return found !== undefined && sameIdentity(found.at, found.at) ? found : undefined;',
  },
  {
    name: 'a stale timer is accepted',
    file: 'src/kernel/decide.ts',
    from: "const timer = own(data.timers, event.at.join('.'));\n      if (!timer",
    to: "const timer = own(data.timers, event.at.join('.')) ?? Object.values(data.timers)[0];\n      if (!timer",
  },
  {
    name: 'timers of a run that was taken over are not armed',
    file: 'src/runtime/coordinator.ts',
    from: '    if (events.length === 0 && !cell.gone) this.#arm(cell);\n',
    to: '',
  },
  {
    name: 'timers begin anew after a restart',
    file: 'src/runtime/recovery.ts',
    from: 'const state: RunState = { seq, data, snapshot:',
    to: 'for (const timer of Object.values(data.timers)) (timer as { due: number }).due += 1_200_000;\n  const state: RunState = { seq, data, snapshot:',
  },
  {
    name: 'timers are lost in a restart',
    file: 'src/kernel/entry.ts',
    from: 'for (const { event, change } of entries) data = applyChanges(data, change, carriedBy(event));',
    to: "for (const { event, change } of entries) data = applyChanges(data, change.filter(([, path]) => path[0] !== 'timers'), carriedBy(event));",
  },
  {
    name: 'what was removed is still there after a restart',
    file: 'src/kernel/change.ts',
    from: "if (kind === '-') delete parent[last];",
    to: "if (kind === '-') continue;",
  },
  {
    name: 'acts before it commits',
    file: 'src/runtime/committer.ts',
    from: '      if (!empty) verdicts = await store.commit(batch);',
    to: "      this.#tell(round, commits.map(() => 'applied' as const));\n      if (!empty) await store.commit(batch);\n      return;",
  },
  {
    name: 'a start is acknowledged before it is durable',
    file: 'src/runtime/committer.ts',
    from: '    cell.mailbox.push(delivery);',
    to: '    delivery.settle?.({ ok: true, seq: 1 });\n    cell.mailbox.push(delivery);',
  },
  {
    name: 'a batch that failed is forgotten',
    file: 'src/runtime/committer.ts',
    from: '      cell.mailbox.unshift(...taken.filter((delivery) => !this.#withdrawn.has(delivery)));\n',
    to: '',
  },
  {
    name: 'a commit in doubt counts as made',
    file: 'src/runtime/committer.ts',
    from: "entry?.seq === commit.seq && entry.text === commit.entry.text ? 'applied' : 'conflict'",
    to: "entry?.seq === commit.seq ? 'applied' : 'applied'",
  },
  {
    name: 'a second start hears of one that is in doubt',
    file: 'src/runtime/starts.ts',
    from: '    if (cell && !cell.standing) throw this.#coordinator.committer.failure ?? inDoubt(id);\n',
    to: '',
  },
  {
    name: 'fences are ignored',
    file: 'src/stores/memory/memory.ts',
    from: "if (commit.fence !== kept.fence) return 'fenced';",
    to: '',
  },
  {
    name: 'a journal entry is overwritten by a late writer',
    file: 'src/stores/memory/memory.ts',
    from: "if (commit.fence !== kept.fence) return 'fenced';\n      const last = kept.entries.at(-1)?.seq ?? 0;\n      if (commit.seq !== last + 1) return 'conflict';",
    to: '',
  },
  {
    name: 'the key changes between attempts',
    file: 'src/runtime/saga-program.ts',
    from: "const runKey = keyOf(scope, step, record.round, 'run');",
    to: "const runKey = keyOf(scope, step, record.attempts + 1, 'run');",
  },
  {
    name: 'an undo gets the key of the run',
    file: 'src/runtime/saga-program.ts',
    from: "const runKey = keyOf(scope, step, record.round, 'run');",
    to: "const runKey = keyOf(scope, step, record.round, kind === 'undo' ? 'undo' : 'run');",
  },
  {
    name: 'alerts are not in the commit',
    file: 'src/runtime/escalation.ts',
    from: '...(outbox.length === 0 ? {} : { outbox })',
    to: '...(outbox.length >= 0 ? {} : { outbox })',
  },
  {
    name: 'what a dead worker was sending is never sent again',
    file: 'src/stores/memory/outbox.ts',
    from: 'attempts: row.attempts + 1, due: until }',
    to: 'attempts: row.attempts + 1, due: Number.MAX_SAFE_INTEGER }',
  },
  {
    name: 'an inbox entry is not consumed by its commit',
    file: 'src/runtime/draft.ts',
    from: '...(delivery.inbox === undefined ? {} : { consumed:',
    to: '...(delivery.inbox !== 0 ? {} : { consumed:',
  },
  {
    name: 'an inbox entry is consumed twice',
    file: 'src/stores/memory/memory.ts',
    from: "return commit.consumed?.some(({ number }) => !this.#inbox.isPending(number)) ? 'conflict' : 'applied';",
    to: "return 'applied';",
    also: [
      { file: 'src/runtime/inbox.ts', from: '        this.#last = row.number;\n        if (this.#underWay.has(row.number)) continue;\n', to: '' },
      { file: 'src/runtime/inbox.ts', from: 'if (this.#again || fresh || revision !== this.#revision) {', to: 'if (revision >= 0) {' },
    ],
  },
  {
    name: 'attempts that died with their process are not told of',
    file: 'src/runtime/recovery.ts',
    from: '.filter(([id]) => !isFaulted(data, id))',
    to: '.filter(([id]) => isFaulted(data, id))',
  },
  {
    name: 'an attempt that died with its process counts as one that did nothing',
    file: 'src/runtime/recovery.ts',
    from: "effect: 'maybe',",
    to: "effect: 'none',",
  },
  {
    name: 'a timeout counts as a refusal',
    file: 'src/runtime/attempt.ts',
    from: "class: 'transient', effect: 'maybe' }, ms: this.#ms() });",
    to: "class: 'transient', effect: 'none' }, ms: this.#ms() });",
  },
  {
    name: 'undo does not wait for what is running',
    file: 'src/runtime/attempt.ts',
    from: 'this.#cancelTimer = this.#clock.after(this.plan.policy.graceMs, () => this.#giveUp());',
    to: 'this.#cancelTimer = this.#clock.after(0, () => this.#giveUp());',
  },
  {
    name: 'a sleeper never wakes',
    file: 'src/kernel/standing.ts',
    from: 'return first - now > sleepMs ? first : 0;',
    to: 'return first - now > sleepMs ? null : 0;',
  },
  {
    name: 'a worker keeps what another has taken over',
    file: 'src/runtime/lease.ts',
    from: 'await then.renewed();',
    to: '',
  },
  {
    name: 'the id of a purged run is free again',
    file: 'src/stores/memory/memory.ts',
    from: "if (last && last.incarnation >= incarnation) return 'exists';",
    to: "if (last && 'number' in last && last.incarnation >= incarnation) return 'exists';",
  },
  {
    name: 'what was sent to a purged run is kept',
    file: 'src/stores/memory/memory.ts',
    from: 'this.#inbox.forget(tombstone.id);',
    to: '',
  },
];

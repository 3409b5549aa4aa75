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
    file: 'src/chart/settlement.ts',
    from: `steps.some(({ compensate, number }) => compensate && mustBeUndone(context, number) && !isSettled(context.undos[number])) ||`,
    to: `(steps.length < 0 && isSettled(undefined)) ||`,
  },
  {
    name: 'a step that succeeded is not undone',
    file: 'src/chart/settlement.ts',
    from: "return status === 'succeeded' || (status === 'unknown' && !record?.left) || status === 'resolved';",
    to: "return (status === 'unknown' && !record?.left) || status === 'resolved';",
  },
  {
    name: 'unknown is treated as refused',
    file: 'src/chart/settlement.ts',
    from: "return status === 'succeeded' || (status === 'unknown' && !record?.left) || status === 'resolved';",
    to: "return status === 'succeeded' || status === 'resolved';",
  },
  {
    name: 'undo in no order',
    file: 'src/chart/compensation.ts',
    from: `params: { steps: dependents.map((later) => later.number), step: number }`,
    to: `params: { steps: [], step: number }`,
  },
  {
    name: 'an undo under way counts as settled',
    file: 'src/chart/settlement.ts',
    from: `return undo !== undefined && undo !== null && undo.status !== 'open';`,
    to: `return undo !== undefined && undo !== null;`,
  },
  {
    name: 'a failed undo counts as done',
    file: 'src/chart/undo.ts',
    from: `{ target: 'backingOff', actions: failed },`,
    to: `{ target: 'undone', actions: failed },`,
  },
  {
    name: 'a stuck undo is given up',
    file: 'src/chart/undo.ts',
    from: `target: 'attention', actions: failed },`,
    to: `target: 'undone', actions: failed },`,
  },
  {
    name: 'steps begin while the run drains',
    file: 'src/chart/guards.ts',
    from: 'draining: ({ context }: Scope) => context.cause !== null,',
    to: 'draining: ({ context }: Scope) => context.cause !== null && context.steps.length > 99,',
  },
  {
    name: 'a join waits for nobody',
    file: 'src/chart/guards.ts',
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
    file: 'src/chart/guards.ts',
    from: "happened: ({ event }: Scope) => settled(event).verdict === 'happened',",
    to: "happened: ({ event }: Scope) => settled(event).verdict !== 'open',",
  },
  {
    name: 'a later refusal settles an earlier unknown attempt',
    file: 'src/chart/context.ts',
    from: `unknown: isSettledBy(step, failure) ? false : record.unknown || (step.kind !== 'read' && failure.effect === 'maybe'),`,
    to: `unknown: isSettledBy(step, failure) ? false : step.kind !== 'read' && failure.effect === 'maybe',`,
  },
  {
    name: 'what is left is not listed',
    file: 'src/chart/left.ts',
    from: `else if (step.compensate && (status === 'undoing' || mayStand(record))) left.push('not undone');`,
    to: `else if (step.compensate && status === 'undoing' && mayStand(record)) left.push('not undone');`,
  },
  {
    name: 'a cancel after a failure takes its place',
    file: 'src/chart/actions.ts',
    from: `(context.cause === null ? { ...context, cause: cancel(event) } : context)),`,
    to: `({ ...context, cause: cancel(event) })),`,
  },
  {
    name: 'a cancel is taken, and nothing comes of it',
    file: 'src/chart/actions.ts',
    from: `(context.cause === null ? { ...context, cause: cancel(event) } : context)),`,
    to: `(context.cause === null ? context : { ...context, cause: cancel(event) })),`,
  },
  {
    name: 'a stale result is applied',
    file: 'src/kernel/result.ts',
    from: 'return found !== undefined && sameIdentity(found.at, at) ? found : undefined;',
    to: 'return found !== undefined && sameIdentity(found.at, found.at) ? found : undefined;',
  },
  {
    name: 'a stale timer is accepted',
    file: 'src/kernel/decide.ts',
    from: "const timer = own(data.timers, event.at.join('.'));\n      if (data.paused",
    to: "const timer = own(data.timers, event.at.join('.')) ?? Object.values(data.timers)[0];\n      if (data.paused",
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
    from: "const runKey = keyOf(scope, step, { ...place, kind: 'run' });",
    to: "const runKey = keyOf(scope, step, { ...place, round: record.attempts + 1, kind: 'run' });",
  },
  {
    name: 'an undo gets the key of the run',
    file: 'src/runtime/saga-program.ts',
    from: "const runKey = keyOf(scope, step, { ...place, kind: 'run' });",
    to: "const runKey = keyOf(scope, step, { ...place, kind: kind === 'undo' ? 'undo' : 'run' });",
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
      {
        file: 'src/runtime/inbox.ts',
        from: 'if (!this.#again && !this.#woken && !this.#missed && revision === this.#revision) break;',
        to: 'if (revision < 0) break;',
      },
    ],
  },
  {
    name: 'attempts that died with their process are not told of',
    file: 'src/runtime/recovery.ts',
    from: '.filter(([id]) => isUnderWay(data, id))',
    to: '.filter(([id]) => !isUnderWay(data, id))',
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
  // What a saga can say beyond its steps.
  {
    name: 'a step is begun though its condition does not hold',
    file: 'src/chart/guards.ts',
    from: '[gate, ...steps].every((step) => goneOn(context, step)) && context.steps[gate]?.result !== true,',
    to: '[gate, ...steps].every((step) => goneOn(context, step)) && context.steps[gate]?.result === undefined,',
  },
  {
    name: 'an optional step that may have happened is gone on without as it is',
    file: 'src/chart/judgment.ts',
    from: "if (record.unknown && step.compensate && !step.child) return 'undoing';",
    to: "if (record.unknown && step.compensate && !step.child && step.racing !== undefined) return 'undoing';",
  },
  {
    name: 'a loser of a race that succeeded stays',
    file: 'src/chart/actions.ts',
    from: "return { ...record, status: compensate ? 'undoing' : 'passed' };",
    to: "return { ...record, status: compensate ? 'succeeded' : 'passed' };",
  },
  {
    name: 'a race goes on before its losers are undone',
    file: 'src/chart/guards.ts',
    from: "status === 'passed' || status === 'fellBack';",
    to: "status === 'passed' || status === 'undoing' || status === 'fellBack';",
  },
  {
    name: 'rounds of a loop that are over are not undone',
    file: 'src/chart/rounds.ts',
    from: 'rounds: [...(context.rounds ?? []), over] };',
    to: 'rounds: [] };',
  },
  {
    name: 'the next round has the key of the last one',
    file: 'src/chart/context.ts',
    from: 'round: Math.max(record.round, record.lastRound ?? 0) + 1 };',
    to: 'round: Math.max(record.round, record.lastRound ?? 0) };',
  },
  {
    name: 'a round after a return has the key of one that was undone',
    file: 'src/chart/rounds.ts',
    from: '{ ...stepRecord(earlier, step), lastRound });',
    to: '{ ...stepRecord(earlier, step) });',
  },
  {
    name: 'a return to a savepoint undoes what came before it, too',
    file: 'src/chart/settlement.ts',
    from: 'return step > (context.backTo ?? -1) && mayStand(context.steps[step]);',
    to: 'return step > -2 && mayStand(context.steps[step]);',
  },
  {
    name: 'a run returns to its savepoint for ever',
    file: 'src/chart/rounds.ts',
    from: '<= (last.returns as number) ? last',
    to: '>= 0 ? last',
  },
  {
    name: 'a cancel on the way back to a savepoint is forgotten',
    file: 'src/chart/actions.ts',
    from: '(isReturning(context) ? { ...context, backTo: null, cause: cancel(event) } : context)),',
    to: '(isReturning(context) ? context : { ...context, overdue: cancel(event) ? true : true })),',
  },
  {
    name: 'serial undo in any order',
    file: 'src/chart/settlement.ts',
    from: 'return !stands && !context.rounds',
    to: 'return (stands || !stands) && !context.rounds',
  },
  {
    name: 'a signal that comes early is dropped',
    file: 'src/chart/actions.ts',
    from: '[event.type]: [...kept, event.payload] } };',
    to: '[event.type]: kept } };',
  },
  {
    name: 'a signal is taken twice',
    file: 'src/chart/actions.ts',
    from: 'const signals = rest.length > 0 ? { ...context.signals, [signal]: rest } : others;',
    to: 'const signals = rest.length > 99 ? others : context.signals;',
  },
  {
    name: 'a signal that is sent again is taken again',
    file: 'src/kernel/decide.ts',
    from: 'if (event.once !== undefined && data.seen && own(data.seen, event.once) !== undefined)',
    to: 'if (event.once !== undefined && data.seen && own(data.seen, event.once) === -1)',
  },
  {
    name: 'a run that is paused begins attempts all the same',
    file: 'src/kernel/effects.ts',
    from: '    if (!this.holds) this.#start.set(id, { id, child });\n  }\n\n  /** An invocation is over',
    to: '    this.#start.set(id, { id, child });\n  }\n\n  /** An invocation is over',
  },
  {
    name: 'what was held back by a pause is never begun',
    file: 'src/kernel/effects.ts',
    from: 'if (this.#children[id]?.held) this.#release(id);',
    to: 'if (this.#children[id]?.stopping) this.#release(id);',
  },
  {
    name: 'a step that is late is tried again',
    file: 'src/chart/judgment.ts',
    from: "if (!goesForward(about) || record.late || failure?.class === 'hard') return false;",
    to: "if (!goesForward(about) || failure?.class === 'hard') return false;",
  },
  {
    name: 'a key that may be forgotten is used again',
    file: 'src/chart/judgment.ts',
    from: 'if (unknown && record.keyExpired) return false;',
    to: 'if (unknown && record.keyExpired && attempts < 0) return false;',
  },
  {
    name: 'a deadline past the pivot undoes',
    file: 'src/chart/guards.ts',
    from: 'context.cause === null && !isPastPivot(steps, context),',
    to: 'context.cause === null && (isPastPivot(steps, context) || true),',
  },
  {
    name: 'a fallback begins while the run drains',
    file: 'src/chart/guards.ts',
    from: 'goesForward: (scope: Scope, params: About) => scope.context.cause === null && !isRaceWon(steps.of(params), scope.context),',
    to: 'goesForward: (scope: Scope, params: About) => !isRaceWon(steps.of(params), scope.context),',
  },
  {
    name: 'a renamed step is undone under its new name',
    file: 'src/chart/carry/records.ts',
    from: 'return named === name ? rest : { ...rest, named };',
    to: 'return named === undefined ? record : rest;',
  },
  {
    name: 'a new step uses the key of one that had its name',
    file: 'src/chart/carry/records.ts',
    from: 'if (last !== undefined && !steps[step.number])',
    to: 'if (last === -1 && !steps[step.number])',
  },
  {
    name: 'a step that is gone takes its undo with it',
    file: 'src/chart/carry/records.ts',
    from: 'if (stands) throw',
    to: "if (stands && old.kind === 'loop') throw",
  },
  {
    name: 'items of a map keep the number of another version',
    file: 'src/runtime/onto.ts',
    from: 'items: carrying.items }',
    to: 'items: carrying.items.slice(0, 0) }',
  },
  {
    name: 'a migration forgets what a run waits for',
    file: 'src/chart/carry/invocations.ts',
    from: 'return [[key, { ...timer, id, event }] as const];',
    to: "return id === '' ? [[key, { ...timer, id, event }] as const] : [];",
  },
  {
    name: 'a version that fails is not taken back',
    file: 'src/runtime/rollouts.ts',
    from: 'counts.ended < rollback.after ||',
    to: 'counts.ended >= rollback.after ||',
  },
];

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { LOST } from '../../src/base/failure.ts';
import { compileSaga } from '../../src/chart/chart.ts';
import type { SagaContext } from '../../src/chart/context.ts';
import { saga } from '../../src/index.ts';
import { type Decided, decide } from '../../src/kernel/decide.ts';
import { decodeEntry, ENTRY_FORMAT, encodeEntry, rebuild } from '../../src/kernel/entry.ts';
import type { Identity, RunEvent } from '../../src/kernel/event.ts';
import { isDone, itemsUnderWay } from '../../src/kernel/items.ts';
import { dueEvent, isUnderWay, waitingTimers } from '../../src/kernel/pending.ts';
import { standingOf } from '../../src/kernel/standing.ts';
import { EMPTY, type RunState } from '../../src/kernel/state.ts';
import { sagaProgram } from '../../src/runtime/saga-program.ts';

const SECRETS = { redact: () => null, sensitiveTexts: () => [], mask: <T>(value: T): T => value };
const NOW = 1_000_000;
const refused = { code: 'No', type: 'HardError', message: 'no', class: 'hard', effect: 'none' } as const;
const unheard = { code: 'Error', type: 'Error', message: 'reset', class: 'transient', effect: 'maybe' } as const;
const gone = { ...unheard, code: LOST };

/** A run of one map, event by event. */
class MapRun {
  state: RunState = EMPTY;
  readonly decided: Decided[] = [];
  readonly #chart;
  now = NOW;

  constructor(options: { readonly concurrency?: number; readonly collect?: boolean } = {}) {
    const { definition } = saga('maps', { version: 1, input: z.object({}) }).map(
      'parts',
      () => [],
      () => 1,
      { compensate: () => {}, retry: { attempts: 3, from: '1s', to: '1s', jitter: 'none' }, undo: { retry: 1 }, concurrency: 2, ...options },
    );
    this.#chart = sagaProgram(definition, compileSaga(definition), SECRETS).chart;
    this.take({ type: 'started', run: 'r', input: {} });
  }

  take(event: RunEvent): Decided {
    const decision = decide(this.#chart, this.state, event, this.now);
    if (decision.kind !== 'decided') throw new Error(`${event.type} is ${decision.kind}`);
    this.state = decision.state;
    this.decided.push(decision);
    return decision;
  }

  kindOf(event: RunEvent): string {
    return decide(this.#chart, this.state, event, this.now).kind;
  }

  child(id = 'parts') {
    return this.state.data.children[id];
  }

  items(id = 'parts') {
    return this.child(id)?.items;
  }

  at(index: number, id = 'parts'): Identity {
    const item = this.items(id)?.open.find((one) => one?.index === index);
    if (!item) throw new Error(`item ${index} is not in flight`);
    return item.at;
  }

  planned(total: number, id = 'parts', most: number | null = null): Decided {
    return this.take({ type: 'planned', child: id, at: this.child(id)?.at as Identity, total, most });
  }

  succeeds(index: number, id = 'parts', output: unknown = index): Decided {
    return this.take({ type: 'itemSucceeded', child: id, at: this.at(index, id), item: index, output });
  }

  fails(index: number, error: typeof refused | typeof unheard = refused, id = 'parts'): Decided {
    return this.take({ type: 'itemFailed', child: id, at: this.at(index, id), item: index, error });
  }

  lost(index: number): Decided {
    return this.take({ type: 'itemLost', child: 'parts', at: this.at(index), item: index, error: gone });
  }

  get underWay(): readonly number[] {
    return Object.values(this.state.data.children)
      .flatMap(({ items }) => (items ? itemsUnderWay(items) : []))
      .map(({ index }) => index);
  }

  get record() {
    return (this.state.data.context as SagaContext).steps[0];
  }
}

describe('the items of a map', () => {
  it('are begun as far as there are places, and the next one when one has ended', () => {
    const run = new MapRun();
    expect(run.planned(4).effects.start.map(({ item }) => item?.index)).toEqual([0, 1]);
    expect(run.succeeds(1).effects.start.map(({ item }) => item?.index)).toEqual([2]);
    expect(run.underWay).toEqual([0, 2]);
    run.succeeds(2);
    expect(run.succeeds(0).effects.start).toEqual([]);
    const last = run.succeeds(3);
    // All are done: the map itself is begun, which collects what they came to.
    expect(last.effects.start.map(({ id, item }) => [id, item])).toEqual([['parts', undefined]]);
    expect(isDone(run.items() as never)).toBe(true);
    run.take({ type: 'succeeded', child: 'parts', at: run.child()?.at as Identity, output: [0, 1, 2, 3] });
    expect(run.state.data.status).toBe('done');
    expect(run.record).toMatchObject({ status: 'succeeded', result: [0, 1, 2, 3], items: { total: 4, begun: 4 } });
  });

  it('are rows when they have ended, with the number of their attempts', () => {
    const run = new MapRun();
    run.planned(3);
    expect(run.succeeds(0).items).toEqual([{ step: 0, round: 1, index: 0, state: 'succeeded', attempts: 1, result: '[0]' }]);
    expect(run.fails(1, unheard).items).toEqual([{ step: 0, round: 1, index: 1, state: 'open', attempts: 1, result: null }]);
    const [row, ...others] = run.fails(2).items ?? [];
    expect(row).toEqual({ step: 0, round: 1, index: 2, state: 'refused', attempts: 1, result: null });
    // With it the map has failed: what waited for its next attempt has ended as it stands.
    expect(others).toMatchObject([{ index: 1, state: 'unknown', attempts: 1 }]);
  });

  it('each belong to one attempt: what comes from an older one, or twice, changes nothing', () => {
    const run = new MapRun();
    run.planned(3);
    const first = run.at(0);
    run.fails(0, unheard);
    const stale: readonly RunEvent[] = [
      { type: 'itemSucceeded', child: 'parts', at: first, item: 0, output: 1 },
      { type: 'itemFailed', child: 'parts', at: first, item: 0, error: refused },
      { type: 'itemLost', child: 'parts', at: first, item: 0, error: gone },
      { type: 'planned', child: 'parts', at: run.child()?.at as Identity, total: 7, most: null },
      // It waits, and no attempt of it is under way.
      { type: 'itemSucceeded', child: 'parts', at: run.at(0), item: 0, output: 1 },
      { type: 'progressed', child: 'parts', at: first, item: 0, progress: 1 },
      // The map itself says nothing while its items are under way.
      { type: 'succeeded', child: 'parts', at: run.child()?.at as Identity, output: [] },
    ];
    expect(stale.map((event) => run.kindOf(event))).toEqual(stale.map(() => 'discarded'));
    const wait = waitingTimers(run.state.data)[0];
    if (!wait) throw new Error('it waits for nothing');
    run.take(dueEvent(wait));
    expect(run.kindOf(dueEvent(wait))).toBe('discarded');
  });

  it('wait for their next attempt by a deadline, and a run in which all of them do is asleep', () => {
    const run = new MapRun();
    run.planned(2);
    run.fails(0, unheard);
    expect(isUnderWay(run.state.data, 'parts')).toBe(true);
    run.now += 500;
    run.fails(1, unheard);
    expect(isUnderWay(run.state.data, 'parts')).toBe(false);
    expect(waitingTimers(run.state.data).map(({ id, due }) => [id, due])).toEqual([
      ['parts[0]', NOW + 1_000],
      ['parts[1]', NOW + 1_500],
    ]);
    expect(standingOf(run.state, { now: run.now, sleepMs: 100 })).toEqual({ status: 'sleeping', attention: false, due: NOW + 1_000 });
  });

  it('begin nothing while the run is paused, and begin where they were when it is resumed', () => {
    const run = new MapRun();
    run.planned(4);
    run.take({ type: 'paused' });
    expect(run.succeeds(0).effects.start).toEqual([]);
    expect(run.lost(1).effects.start).toEqual([]);
    expect(run.underWay).toEqual([]);
    expect(run.take({ type: 'resumed' }).effects.start.map(({ item }) => item?.index)).toEqual([1, 2]);
    expect(run.underWay.toSorted()).toEqual([1, 2]);
  });

  it('that were held back end as they stand when the run is canceled while it is paused', () => {
    const run = new MapRun();
    run.planned(2);
    run.take({ type: 'paused' });
    run.lost(0);
    run.succeeds(1);
    run.take({ type: 'sent', event: { type: 'cancel' } });
    expect(run.items()).toBeUndefined();
    expect(run.record).toMatchObject({ status: 'unknown', items: { begun: 2 } });
  });

  it('need a person after three losses in a row, while the others go on', () => {
    const run = new MapRun();
    run.planned(3);
    run.lost(0);
    run.lost(0);
    expect(run.lost(0).items).toMatchObject([{ index: 0, state: 'stuck', attempts: 3 }]);
    expect(run.items()?.stuck).toMatchObject([{ index: 0, record: { losses: 3 } }]);
    expect(run.underWay).toEqual([2, 1]);
    expect(standingOf(run.state, { now: NOW, sleepMs: 100 }).attention).toBe(true);
    run.take({ type: 'sent', event: { type: 'parts.retry' } });
    run.succeeds(1);
    expect(run.underWay.toSorted()).toEqual([0, 2]);
    expect(standingOf(run.state, { now: NOW, sleepMs: 100 }).attention).toBe(false);
  });
});

describe('a map that fails', () => {
  it('begins no more, tells those under way to stop, and ends when they have', () => {
    const run = new MapRun();
    run.planned(5);
    run.succeeds(0);
    const failing = run.fails(1);
    expect(failing.effects.abort).toEqual([{ id: 'parts', at: run.at(2) }]);
    expect(failing.effects.start).toEqual([]);
    expect(run.record).toBeUndefined();
    run.succeeds(2);
    expect(run.record).toMatchObject({
      status: 'unknown',
      failure: { message: 'parts[1]: no', class: 'hard', effect: 'maybe' },
      items: { begun: 3, refused: [1] },
    });
  });

  it('is refused if nothing of it happened', () => {
    const run = new MapRun();
    run.planned(5);
    run.fails(0);
    run.fails(1);
    expect(run.record).toMatchObject({ status: 'refused', failure: { effect: 'none' }, items: { begun: 2, refused: [0, 1] } });
    expect(run.state.data.value).toBe('failed');
  });

  it('is stopped before it has begun if it was not planned yet', () => {
    const run = new MapRun();
    run.take({ type: 'sent', event: { type: 'cancel' } });
    expect(run.record).toMatchObject({ status: 'refused', attempts: 0 });
    expect(run.state.data.value).toBe('canceled');
  });

  it('is undone from the last item that was begun to the first, without those that certainly did not happen', () => {
    const run = new MapRun();
    run.planned(5);
    run.succeeds(0);
    run.fails(1);
    run.succeeds(2);
    const undone: number[] = [];
    run.planned(3, 'parts.undo');
    while (run.items('parts.undo')) {
      const [index = -1] = run.underWay;
      undone.push(index);
      run.succeeds(index, 'parts.undo', undefined);
    }
    expect(undone).toEqual([2, 0]);
    expect(run.state.data.value).toBe('compensated');
  });

  it('says how its results are too large before all of them are there', () => {
    const run = new MapRun();
    run.planned(100, 'parts', 20);
    run.succeeds(0, 'parts', '12345678');
    expect(run.items()?.failure).toBeUndefined();
    run.succeeds(1, 'parts', '12345678');
    expect(run.items()?.failure).toMatchObject({ code: 'SC_PAYLOAD_TOO_LARGE' });
  });
});

describe('a map that nobody can go on with', () => {
  it('begins no more items once a hundred are stuck, and tries those again that a person has seen to', () => {
    const run = new MapRun();
    run.planned(300);
    for (let index = 0; index < 299; index++) run.succeeds(index);
    run.fails(299);
    run.planned(300, 'parts.undo');
    let tried = 0;
    for (; run.underWay.length > 0; tried++) run.fails(run.underWay[0] as number, refused, 'parts.undo');
    expect(tried).toBe(101);
    expect(run.items('parts.undo')?.stuck?.length).toBe(101);
    run.take({ type: 'sent', event: { type: 'parts.retry' } });
    expect(run.underWay.length).toBe(2);
    expect(run.items('parts.undo')?.again?.length).toBe(99);
    for (; run.underWay.length > 0; tried++) run.succeeds(run.underWay[0] as number, 'parts.undo', undefined);
    expect(tried).toBe(101 + 299);
    expect(run.state.data.value).toBe('compensated');
  });

  it('that has begun nothing has left nothing when it is terminated', () => {
    const run = new MapRun();
    run.take({ type: 'terminated' });
    expect(run.state.data.output).toEqual({ left: [] });
    const other = new MapRun();
    other.planned(1);
    other.take({ type: 'terminated' });
    expect(other.state.data.output).toEqual({ left: [{ step: 'parts', what: 'may have happened' }] });
  });
});

describe('what a map costs', () => {
  /** Characters of the journal entry of each item, in the middle of a map. */
  const sizes = (total: number): readonly number[] => {
    const run = new MapRun({ concurrency: 100 });
    run.planned(total);
    for (let index = 0; index < 900; index++) run.succeeds(index);
    return run.decided.slice(-500).map(({ event, change }) => encodeEntry({ at: NOW, event, change }).length);
  };

  it('is the same for an item of ten thousand as of a thousand, and does not grow on the way', () => {
    const few = sizes(1_000);
    const many = sizes(10_000);
    expect(Math.max(...many)).toBeLessThan(Math.max(...few) + 20);
    expect(Math.max(...many)).toBeLessThan(350);
    expect(many.at(-1)).toBeLessThanOrEqual((many[0] as number) + 10);
  });

  it('is bounded in memory by what is in flight', () => {
    const run = new MapRun({ concurrency: 3 });
    run.planned(10_000);
    const size = (): number => JSON.stringify(run.state.data).length;
    for (let index = 0; index < 10; index++) run.succeeds(index);
    const early = size();
    for (let index = 10; index < 5_000; index++) run.succeeds(index);
    expect(size()).toBeLessThan(early + 60);
  });

  it('is read back from its journal as it was', () => {
    const run = new MapRun();
    run.planned(6);
    run.succeeds(0);
    run.fails(1, unheard);
    run.lost(2);
    run.succeeds(2);
    const entries = run.decided.map(({ event, change }) => decodeEntry({ format: ENTRY_FORMAT, text: encodeEntry({ at: NOW, event, change }) }));
    expect(rebuild(undefined, entries)).toEqual(JSON.parse(JSON.stringify(run.state.data)));
  });
});

describe('what a map has been told of and could not take', () => {
  const faulted = (run: MapRun, ...events: readonly RunEvent[]): MapRun => {
    run.state = { ...run.state, data: { ...run.state.data, faults: events.map((event) => ({ event, error: refused })) } };
    return run;
  };

  it('is taken once a person has it tried again, as far as it is still of the present attempt', () => {
    const run = new MapRun();
    run.planned(2);
    const at = run.at(0);
    faulted(
      run,
      { type: 'itemSucceeded', child: 'parts', at, item: 0, output: 'a', undoData: 'before' },
      { type: 'itemSucceeded', child: 'parts', at, item: 0, output: 'b' },
      { type: 'progressed', child: 'parts', at: run.at(1), progress: 1 },
      { type: 'terminated' },
    );
    const { items } = run.take({ type: 'refitted' });
    expect(items).toMatchObject([{ index: 0, state: 'succeeded' }]);
    expect(run.underWay).toEqual([1]);
    expect(run.state.data.faults).toBeUndefined();
  });
});

it('very many items that a person leaves are counted, and named in part', () => {
  const run = new MapRun({ concurrency: 200 });
  run.planned(103);
  for (let index = 0; index < 102; index++) run.succeeds(index);
  run.fails(102);
  run.planned(103, 'parts.undo');
  for (const index of run.underWay.toReversed()) run.fails(index, refused, 'parts.undo');
  run.take({ type: 'sent', event: { type: 'parts.skip', reason: 'enough' } });
  const { left } = run.state.data.output as { left: readonly { items: readonly number[]; more: number; what: string }[] };
  expect(left).toMatchObject([{ what: 'undo skipped', more: 2 }]);
  expect(left[0]?.items).toHaveLength(100);
});

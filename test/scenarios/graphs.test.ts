import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { HardError } from '../../src/index.ts';
import { viewRun } from '../../src/runtime/history.ts';
import { fails, ok, Scripted } from '../chart/scripted.ts';
import { DIAMOND, graphSaga, Oracle, type Shape, shapes, WIDE } from '../chart/shapes.ts';
import { World } from '../runtime/harness.ts';

type How = 'succeeded' | 'refused' | 'unknown';
/** In turn: which of the attempts under way ends next, and how. */
type Script = readonly { readonly pick: number; readonly how: How }[];

const script = (failures: number): fc.Arbitrary<Script> =>
  fc.array(
    fc.record({
      pick: fc.nat(1_000),
      how: fc.oneof(
        { weight: 20, arbitrary: fc.constant('succeeded' as const) },
        { weight: failures, arbitrary: fc.constantFrom<How[]>('refused', 'unknown') },
      ),
    }),
    { minLength: 40, maxLength: 40 },
  );

const ERRORS = { refused: () => new HardError('no'), unknown: () => new Error('no answer') };

/** What a saga's chart and its durable run do with the same answers in the same order. */
async function agreement(shape: Shape, answers: Script): Promise<void> {
  const open = new Map<string, { resolve(value: unknown): void; reject(error: unknown): void }>();
  const begun: string[] = [];
  const graph = graphSaga(shape, (source) => {
    begun.push(source);
    return new Promise((resolve, reject) => open.set(source, { resolve, reject }));
  });
  const w = new World();
  const engine = await w.open([graph]);
  await engine.start(graph, {}, { id: 'r' });
  await w.clock.settle();
  const plain = new Scripted(graph);
  const oracle = new Oracle(shape);
  let seen = 0;
  for (let turn = 0; open.size > 0; turn++) {
    for (const source of begun.slice(seen)) expect(oracle.began(source)).toBeUndefined();
    seen = begun.length;
    expect(plain.begun).toEqual(begun);
    const { pick, how: wanted } = answers[turn % answers.length] as Script[number];
    const source = [...open.keys()][pick % open.size] as string;
    const attempt = open.get(source);
    open.delete(source);
    const how = source.endsWith('.undo') ? 'succeeded' : wanted;
    oracle.ended(source, how);
    if (how === 'succeeded') attempt?.resolve(1);
    else attempt?.reject(ERRORS[how]());
    await plain.answer(source, how === 'succeeded' ? ok(1) : fails(ERRORS[how]()));
    await w.clock.settle();
    const { states, data } = await viewRun(w.store, 'r');
    expect(states).toEqual(plain.states);
    expect(outlines(data.context)).toEqual(outlines(plain.context));
  }
  expect(plain.begun).toEqual(begun);
  expect(plain.states).toEqual([oracle.end]);
  expect(oracle.left).toBeUndefined();
  expect((await engine.run('r').outcome()).status).toBe(oracle.end);
  await w.close();
}

/** Without what an error says: its stack is of another call. */
function outlines(context: unknown): unknown {
  const { steps, undos, cause } = context as { steps: unknown[]; undos: unknown[]; cause: { kind: string; step?: string } | null };
  const outline = (record: unknown): unknown => record && { ...(record as object), failure: undefined };
  return { steps: steps.map(outline), undos: undos.map(outline), cause: cause && { kind: cause.kind, step: cause.step } };
}

/** Time to shrink what fails. */
const LONGEST_MS = 60_000;

describe('a graph, run durably and under plain createActor', () => {
  test.prop([shapes(12), script(3)])('does the same, in an order that the graph allows', agreement, LONGEST_MS);

  test.prop([script(2)], { numRuns: 20 })('a diamond', async (answers) => await agreement(DIAMOND, answers), LONGEST_MS);

  test.prop([script(1)], { numRuns: 5 })('50 steps in five lanes', async (answers) => await agreement(WIDE, answers), LONGEST_MS);

  it('and when nothing fails, all 50 steps are done', async () => await agreement(WIDE, [{ pick: 0, how: 'succeeded' }]));
});

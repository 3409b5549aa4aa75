import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { z } from 'zod';
import { differences, inShort } from '../../src/chart/difference.ts';
import { shapeOf } from '../../src/chart/fingerprint.ts';
import { saga } from '../../src/index.ts';
import type { SagaDefinition } from '../../src/saga/definition.ts';
import { Random } from '../../src/testing/simulate/random.ts';
import { randomSketch, sagaOf } from '../../src/testing/simulate/sketch.ts';

const trip = (options: object = {}) => saga('trip', { version: 1, input: z.any(), ...options });
const undo = { compensate: () => {} };
const shape = (one: { readonly machine: unknown; readonly definition: SagaDefinition }) => shapeOf(one.machine as never, one.definition);
const told = (before: unknown, after: unknown): readonly string[] => differences(shape(before as never), shape(after as never));

const two = trip()
  .step('flight', () => 1, undo)
  .step('hotel', () => 1, undo);

describe('what became of a chart', () => {
  it('is told by steps: added, removed, of another kind, after others, with an undo or without', () => {
    expect(
      told(
        two,
        trip()
          .step('flight', () => 1, undo)
          .step('car', () => 1, undo)
          .step('hotel', () => 1, undo),
      ),
    ).toEqual(['step car was added after flight', 'step hotel came after flight, and comes after car']);
    expect(
      told(
        two,
        trip().step('flight', () => 1, undo),
      ),
    ).toEqual(['step hotel was removed']);
    expect(
      told(
        two,
        trip()
          .step('flight', () => 1, undo)
          .read('hotel', () => 1),
      ),
    ).toEqual(expect.arrayContaining(['step hotel was a step, and is a read', 'step hotel has no undo any more']));
    expect(
      told(
        two,
        trip()
          .step('flight', () => 1, undo)
          .pivot('hotel', () => 1),
      ),
    ).toContain('step hotel was a step, and is a pivot');
  });

  it('is told by states and transitions where the steps are the same', () => {
    const checked = trip()
      .step('flight', () => 1, { ...undo, check: () => ({ verdict: 'open' }) as never })
      .step('hotel', () => 1, undo);
    const lines = told(two, checked);
    expect(lines[0]).toBe('state running.flight.checking was added');
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^running\.flight\.attempting.*, an error of flight: now it goes to running\.flight\.checking if judgedFailure\(flight, checking\)/,
      ),
    );
    expect(
      told(
        two,
        trip({ deadline: '1h' })
          .step('flight', () => 1, undo)
          .step('hotel', () => 1, undo),
      )[0],
    ).toBe('the chart: it hears the delay deadline.trip');
  });

  it('is told of a workflow, too', () => {
    const machine = (on: object, more: object = {}) =>
      shapeOf(createMachine({ id: 'm', initial: 'a', states: { a: { on }, b: {}, ...more } } as never) as never);
    expect(differences(machine({ go: 'b' }), machine({ go: { target: 'b', guard: 'ready' } }))).toEqual([
      'a, go: it no longer goes to b',
      'a, go: now it goes to b if ready',
    ]);
    expect(differences(machine({ go: 'b' }), machine({}, { c: {} }))).toEqual(['state c was added', 'a: it hears go no more']);
  });

  it('is nothing where the fingerprint is the same, and something where it is not', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { definition, machine } = sagaOf(randomSketch(new Random(seed)), saga as never) as unknown as { definition: SagaDefinition; machine: unknown };
      const one = shapeOf(machine as never, definition);
      expect(differences(one, one)).toEqual([]);
      const { definition: other, machine: changed } = sagaOf(randomSketch(new Random(seed + 100)), saga as never) as unknown as typeof definition & never;
      expect(differences(one, shapeOf(changed, other)).length).toBeGreaterThan(0);
    }
  });

  it('is short beside something else', () => {
    expect(inShort(['a', 'b'])).toBe('a; b');
    expect(inShort(['a', 'b', 'c', 'd', 'e', 'f'])).toBe('a; b; c; d; and 2 more');
  });
});

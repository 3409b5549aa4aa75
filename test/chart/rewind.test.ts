import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import { verify } from '../../src/testing/index.ts';

const undo = { compensate: () => {} };
const begin = (name: string, options: object = {}) => saga(name, { version: 1, input: z.unknown(), ...options });

describe('a run that is taken back by a person', () => {
  const shapes: Readonly<Record<string, { readonly of: object }>> = {
    'a chain': {
      of: begin('chain')
        .step('a', () => 1, undo)
        .read('look', () => 1)
        .step('b', () => 1, undo)
        .pivot('p', () => 1),
    },
    'branches side by side': {
      of: begin('branches')
        .parallel(
          (b) => b.step('a', () => 1, undo),
          (b) => b.step('b', () => 1, undo),
        )
        .pivot('p', () => 1),
    },
    'a loop': {
      of: begin('loop')
        .loop('rounds', (b) => b.step('a', () => 1, undo), { until: () => true, most: 2 })
        .step('b', () => 1, undo),
    },
    'a loop beside another branch': {
      of: begin('loop-beside').parallel(
        (b) => b.loop('rounds', (l) => l.step('a', () => 1, undo), { until: () => true, most: 2 }),
        (b) => b.step('b', () => 1, undo),
      ),
    },
    'a condition': {
      of: begin('condition')
        .when(
          'rich',
          () => true,
          (b) => b.step('a', () => 1, undo),
        )
        .step('b', () => 1, undo),
    },
    'a race': {
      of: begin('race')
        .race(
          'fastest',
          (b) => b.step('a', () => 1, undo),
          (b) => b.step('b', () => 1, undo),
        )
        .step('c', () => 1, undo),
    },
    'what a run may go on without': {
      of: begin('graceful')
        .step('a', () => 1, { ...undo, optional: true })
        .step('b', () => 1, undo),
    },
    'one undo at a time': {
      of: begin('serial', { compensation: 'serial' }).parallel(
        (b) => b.step('a', () => 1, undo),
        (b) => b.step('b', () => 1, undo),
      ),
    },
    'a savepoint': {
      of: begin('savepoint', { onFailure: 'toSavepoint' })
        .step('a', () => 1, undo)
        .savepoint('here')
        .step('b', () => 1, undo),
    },
    'what cannot be undone': {
      of: begin('reads')
        .read('a', () => 1)
        .read('b', () => 1),
    },
    'a signal that is waited for': {
      of: begin('waits', { signals: { go: z.unknown() } })
        .step('a', () => 1, undo)
        .waitFor('go', { timeout: '1h' })
        .step('b', () => 1, undo),
    },
    'many items': {
      of: begin('items')
        .step('a', () => 1, undo)
        .map(
          'all',
          () => [1, 2],
          () => 1,
          undo,
        ),
    },
  };
  for (const [what, { of }] of Object.entries(shapes)) {
    it(`is undone and done once, whenever that is and whichever step it goes back to: ${what}`, async () => {
      const found = await verify(of as never, { limits: { attempts: 1, rewinds: 1, faults: 2, states: 2_000 } });
      expect(found.violations).toEqual([]);
      expect(found.depth).toBeGreaterThanOrEqual(1);
    }, 60_000);
  }
});

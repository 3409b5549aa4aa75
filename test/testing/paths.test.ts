import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { saga } from '../../src/index.ts';
import { coverage, coverageTable, demandCoverage, shortestPaths, simplePaths } from '../../src/testing/index.ts';

const run = async () => 1;
const undo = { compensate: async () => {} };
const stay = saga('stay', { version: 1, input: z.any() })
  .step('room', run, undo)
  .pivot('pay', run, { check: () => undefined })
  .output(({ results }) => results.pay);

describe('paths of a chart', () => {
  const simple = simplePaths(stay);

  it('are told as a reader would tell them', () => {
    expect(simple.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'reaches completed: room succeeds → pay succeeds',
        'reaches completed: room succeeds → pay gets no answer → check of pay succeeds',
        'reaches failed: room is refused',
        'reaches compensated: room succeeds → pay is refused → undo of room succeeds',
        'reaches attention: room gets no answer → undo of room is refused',
      ]),
    );
    expect(new Set(simple.map(({ name }) => name)).size).toBe(simple.length);
  });

  for (const path of simplePaths(stay)) it(path.name, async () => await path.check({ results: { room: 7, pay: 8 } }));

  it('a cancel and a busy service can be part of them', async () => {
    const paths = simplePaths(stay, { cancel: true, outcomes: ['succeeds', 'is busy'], attempts: 2 });
    const canceled = paths.find(({ name }) => name === 'reaches canceled: cancel is asked for → room succeeds → undo of room succeeds');
    await canceled?.check();
    const retried = paths.find(({ name }) => name === 'reaches completed: room is busy → room succeeds → pay succeeds');
    await retried?.check();
    expect([canceled?.end, retried?.end]).toEqual(['canceled', 'completed']);
  });

  it('the shortest ones come to every end, and to every place where a person is needed', () => {
    const shortest = shortestPaths(stay);
    expect(new Set(shortest.map(({ end }) => end))).toEqual(new Set(['completed', 'compensated', 'failed', 'attention']));
    expect(shortest.length).toBeLessThan(simple.length);
  });

  it('say what they cover, and can be demanded to cover more', () => {
    const all = coverage(stay, simple);
    expect(all.states.missing).toEqual([]);
    expect(all.transitions.missing).toEqual([]);
    demandCoverage(all, 1);
    const some = coverage(stay, simple.slice(0, 2));
    expect(some.outcomes.covered).toBeLessThan(some.outcomes.total);
    expect(coverageTable(some)).toMatch(/^states +\d+ of +\d+ +\d+ % {2}missing: .*\ntransitions .*\noutcomes /);
    expect(() => demandCoverage(some, 0.9)).toThrowError(
      expect.objectContaining({ code: 'SC_COVERAGE', message: expect.stringMatching(/^only +\d+ % of the states are covered, less than +90 %$/) }),
    );
  });

  it('are not listed where there are too many of them', () => {
    const wide = saga('wide', { version: 1, input: z.any() }).parallel(
      (b) => b.step('a', run, undo).step('b', run, undo),
      (b) => b.step('c', run, undo).step('d', run, undo),
    );
    const refusal = (what: RegExp) => expect.objectContaining({ code: 'SC_PATHS', message: expect.stringMatching(what) });
    expect(() => simplePaths(wide, { limit: 1_000 })).toThrowError(refusal(/^saga wide has \d{3,} simple paths, more than the limit of 1000$/));
    expect(() => simplePaths(wide, { limit: 10 })).toThrowError(refusal(/^saga wide has more than 10 places$/));
    expect(() => coverage(wide, [], { limit: 10 })).toThrowError(refusal(/more than 10 places/));
  });

  it('come out otherwise where a step fails by itself', async () => {
    const moody = saga('moody', { version: 1, input: z.any() }).step('a', () => Promise.reject(new Error('by itself')), { ...undo, retry: 1 });
    const path = simplePaths(moody).find(({ end }) => end === 'completed');
    await expect(path?.check()).rejects.toMatchObject({
      code: 'SC_PATH_DIFFERS',
      message: expect.stringContaining('ended as compensated instead of completed'),
    });
    await expect(path?.check({ results: { a: 1 } })).resolves.toBeUndefined();
  });
});

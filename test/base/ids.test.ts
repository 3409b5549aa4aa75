import { describe, expect, it } from 'vitest';
import { checkRunId, timeOrderedIds } from '../../src/base/ids.ts';
import { ManualClock } from '../../src/testing/index.ts';

describe('ids', () => {
  it('sort by the time they were made, and do not repeat', async () => {
    const clock = new ManualClock();
    const ids = timeOrderedIds(clock);
    const made: string[] = [];
    for (let i = 0; i < 300; i++) {
      made.push(ids());
      await clock.advance(i % 50 === 0 ? 1 : 0);
    }
    expect(new Set(made).size).toBe(300);
    expect(made[0]?.length).toBe(26);
    expect([...made].map((id) => id.slice(0, 10))).toEqual([...made].map((id) => id.slice(0, 10)).sort());
  }, 20_000);

  for (const id of ['', 'x'.repeat(201), 'é'.repeat(101), 'a\u0000b', 'line\nbreak', '\ud800', 7 as never]) {
    it(`refuses ${JSON.stringify(id)}`, () => expect(() => checkRunId(id)).toThrowError(expect.objectContaining({ code: 'SC_RUN_ID' })));
  }
  for (const id of ['a', 'x'.repeat(200), 'Zoë/🚂 %20']) it(`takes ${JSON.stringify(id)}`, () => expect(checkRunId(id)).toBe(id));
});

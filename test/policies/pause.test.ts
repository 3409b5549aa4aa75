import { describe, expect, it } from 'vitest';
import { patienceMs } from '../../src/policies/patience.ts';
import { controlName, type Pausable, Pauses, pauseControl, readPause } from '../../src/policies/pause.ts';

const pause = (what: Pausable) => ({ what, at: 1, by: 'Ann', reason: null });

describe('a pause', () => {
  it.each(['everything', { saga: 'book-trip' }, { dependency: 'airline' }, { dependency: 'a:b\nc' }] as const)(
    '%j is kept as a setting and read back',
    (what) => {
      expect(readPause(pauseControl(pause(what)))).toEqual(pause(what));
    },
  );

  it('is not what another setting says', () => {
    for (const name of ['other', 'pause:', 'pause:saga:', 'pause:everything:x']) expect(readPause({ name, body: '{}' }), name).toBeUndefined();
  });

  it('has a name of its own', () => {
    expect(new Set(['everything', { saga: 'everything' }, { dependency: 'everything' }].map((what) => controlName(what as Pausable))).size).toBe(3);
  });
});

describe('the pauses that stand', () => {
  it('hold back what they name, the widest one first', () => {
    const pauses = new Pauses();
    const over = () => pauses.over({ saga: 's', dependency: 'd' })?.what;
    expect(over()).toBeUndefined();
    pauses.set([pause({ dependency: 'd' }), pause({ saga: 'other' })]);
    expect(over()).toEqual({ dependency: 'd' });
    expect(pauses.over({ saga: 's', dependency: undefined })).toBeUndefined();
    expect(pauses.over({ saga: 'd', dependency: 'other' })).toBeUndefined();
    pauses.set([pause({ dependency: 'd' }), pause({ saga: 's' })]);
    expect(over()).toEqual({ saga: 's' });
    pauses.set([...pauses.all, pause('everything')]);
    expect(over()).toEqual('everything');
    pauses.set([]);
    expect(over()).toBeUndefined();
  });
});

describe('who is turned away', () => {
  it('stays away between an eighth and a quarter of the time it has lasted, within bounds', () => {
    for (const [lasted, from, to] of [
      [0, 500, 1_000],
      [100_000, 12_500, 25_000],
      [86_400_000, 30_000, 60_000],
    ] as const) {
      const waits = Array.from({ length: 200 }, (_, i) => patienceMs(lasted, `run-${i}/a/run`));
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(from);
      expect(Math.max(...waits)).toBeLessThanOrEqual(to);
      expect(new Set(waits).size).toBeGreaterThan(120);
    }
  });

  it('stays away for as long, asked again', () => {
    expect(patienceMs(50_000, 'x')).toBe(patienceMs(50_000, 'x'));
  });
});

import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../src/policies/token-bucket.ts';
import { ManualClock } from '../../src/testing/index.ts';

function filled(limit: number, perMs: number) {
  const clock = new ManualClock();
  const bucket = new TokenBucket({ limit, perMs }, clock);
  const takeAll = (): number => {
    let taken = 0;
    for (; bucket.ready; taken++) bucket.take();
    return taken;
  };
  return { clock, bucket, takeAll };
}

describe('a token bucket', () => {
  it('gives its limit at once, and as many again in its time, one by one', async () => {
    const { clock, takeAll } = filled(3, 3_000);
    expect(takeAll()).toBe(3);
    await clock.advance(999);
    expect(takeAll()).toBe(0);
    await clock.advance(1);
    expect(takeAll()).toBe(1);
    await clock.advance(2_000);
    expect(takeAll()).toBe(2);
  });

  it('never holds more than its limit', async () => {
    const { clock, takeAll } = filled(3, 1_000);
    await clock.advance(3_600_000);
    expect(takeAll()).toBe(3);
  });

  it('gives no more than its limit in addition to what its time allows, over any span', async () => {
    const { clock, takeAll } = filled(7, 1_000);
    let taken = 0;
    for (let ms = 0; ms < 2_000; ms++) {
      taken += takeAll();
      await clock.advance(1);
    }
    expect(taken).toBe(7 + 13);
  });

  it('has a token at the time that it told, whatever its numbers', async () => {
    for (const [limit, perMs] of [
      [3, 1_000],
      [7, 100],
      [1, 1],
      [13, 86_400_000],
    ] as const) {
      const { clock, bucket, takeAll } = filled(limit, perMs);
      takeAll();
      for (let i = 0; i < 20; i++) {
        await clock.advance(bucket.stayAwayMs());
        expect(bucket.ready, `${limit} in ${perMs}`).toBe(true);
        bucket.take();
      }
    }
  });

  it('sends those that find none away for ever longer, so that they come back one by one', async () => {
    const { clock, bucket, takeAll } = filled(2, 2_000);
    takeAll();
    expect([bucket.stayAwayMs(), bucket.stayAwayMs(), bucket.stayAwayMs()]).toEqual([1_000, 2_000, 3_000]);
    await clock.advance(500);
    expect(bucket.stayAwayMs()).toBe(3_500);
    await clock.advance(60_000);
    takeAll();
    expect(bucket.stayAwayMs()).toBe(1_000);
  });
});

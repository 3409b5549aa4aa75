import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';

afterEach(() => vi.useRealTimers());

describe('the system clock', () => {
  it('waits longer than Node can, in pieces, and can be told not to', () => {
    vi.useFakeTimers();
    const fired = vi.fn();
    systemClock.after(2 ** 32, fired);
    const stop = systemClock.after(2 ** 32, () => fired('stopped'));
    vi.advanceTimersByTime(2 ** 31);
    stop();
    vi.advanceTimersByTime(2 ** 31 - 1);
    expect(fired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fired.mock.calls).toEqual([[]]);
  });
});

import { describe, expect, it } from 'vitest';
import { idempotencyKey, type KeyParts } from '../../src/base/key.ts';

const usual: KeyParts = { namespace: 'ns', run: 'trip-7', incarnation: 1, step: 'flight', round: 1, kind: 'run' };

describe('idempotency keys', () => {
  // Services remember these: a change here would do everything again that is under way.
  const golden: readonly [Partial<KeyParts>, string][] = [
    [{}, 'sc1:ns/trip-7/1/flight/-/1/run'],
    [{ kind: 'undo' }, 'sc1:ns/trip-7/1/flight/-/1/undo'],
    [{ round: 2 }, 'sc1:ns/trip-7/1/flight/-/2/run'],
    [{ incarnation: 3 }, 'sc1:ns/trip-7/3/flight/-/1/run'],
    [{ item: 12 }, 'sc1:ns/trip-7/1/flight/12/1/run'],
    [{ run: 'a/b' }, 'sc1:ns/a%2Fb/1/flight/-/1/run'],
    [{ run: 'a%2Fb' }, 'sc1:ns/a%252Fb/1/flight/-/1/run'],
    [{ run: 'Zoë 🚂' }, 'sc1:ns/Zo%C3%AB%20%F0%9F%9A%82/1/flight/-/1/run'],
    [{ namespace: 'eu:prod' }, 'sc1:eu%3Aprod/trip-7/1/flight/-/1/run'],
    [{ step: 'reserve-hotel_2' }, 'sc1:ns/trip-7/1/reserve-hotel_2/-/1/run'],
  ];
  for (const [parts, key] of golden) it(key, () => expect(idempotencyKey({ ...usual, ...parts })).toBe(key));
});

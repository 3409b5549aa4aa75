import { describe, expectTypeOf, it } from 'vitest';
import type { Storable } from '../../src/saga/types.ts';
import { begin, undo } from './trip.ts';

type Refused<Path extends string> = `${Path} cannot be stored: return plain JSON data`;

describe('a result', () => {
  it('may be what JSON can hold', () => {
    interface Line {
      readonly sku: string;
      readonly note?: string;
      readonly tags: readonly ('a' | 'b')[];
    }
    expectTypeOf<Storable<string | number | boolean | null | undefined>>().toBeUnknown();
    expectTypeOf<Storable<Line>>().toBeUnknown();
    expectTypeOf<Storable<Promise<readonly Line[]>>>().toBeUnknown();
    expectTypeOf<Storable<[number, Line]>>().toBeUnknown();
    expectTypeOf<Storable<Record<string, number>>>().toBeUnknown();
    expectTypeOf<Storable<{ ok: true } | { ok: false; because: string }>>().toBeUnknown();
    expectTypeOf<Storable<void>>().toBeUnknown();
    expectTypeOf<Storable<{ readonly data: unknown }>>().toBeUnknown();
  });

  it('says where it holds what cannot be stored', () => {
    expectTypeOf<Storable<Date>>().toEqualTypeOf<Refused<'result'>>();
    expectTypeOf<Storable<Promise<Map<string, number>>>>().toEqualTypeOf<Refused<'result'>>();
    expectTypeOf<Storable<() => void>>().toEqualTypeOf<Refused<'result'>>();
    expectTypeOf<Storable<bigint>>().toEqualTypeOf<Refused<'result'>>();
    expectTypeOf<Storable<{ at: Date }>>().toEqualTypeOf<Refused<'result.at'>>();
    expectTypeOf<Storable<{ at?: Date }>>().toEqualTypeOf<Refused<'result.at'>>();
    expectTypeOf<Storable<{ seats: { held: Set<string> }[] }>>().toEqualTypeOf<Refused<'result.seats[].held'>>();
    expectTypeOf<Storable<{ ok: true } | { ok: false; error: Error }>>().toEqualTypeOf<Refused<'result.error'>>();
    expectTypeOf<Storable<{ a: { b: { c: RegExp } } }>>().toEqualTypeOf<Refused<'result.a.b.c'>>();
  });

  it('is refused where the step is written, before its effect can happen', () => {
    // @ts-expect-error a Date
    begin.read('a', () => new Date());
    // @ts-expect-error a Map, awaited
    begin.read('a', async () => new Map<string, number>());
    // @ts-expect-error a function
    begin.pivot('a', () => () => 1);
    // @ts-expect-error a Date, nested
    begin.step('a', async () => ({ seats: [{ at: new Date() }] }), undo);
  });
});

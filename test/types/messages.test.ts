import { beforeAll, describe, expect, it } from 'vitest';
import { compile, errorsOf } from './compile.ts';

const begin = `
  import { z } from 'zod';
  import { saga } from './sagachart/index.js';
  const begin = saga('trip', { version: 1, input: z.object({}) });
  export const compensate = () => undefined;
  export const program = begin`;

const programs = {
  'right.ts': `${begin}
    .parallel((b) => b.step('hotel', () => ({ room: 7 }), { compensate }), (b) => b.read('seat', () => '12A'))
    .graph((g) => g.read('a', () => 1).read('b', () => 2).after('a', 'b').read('c', ({ results }) => results.hotel.room));`,
  'forgotten-undo.ts': `${begin}.step('hotel', () => ({ room: 7 }), { timeout: '10s' });`,
  'no-options.ts': `${begin}.step('hotel', () => ({ room: 7 }));`,
  'map-without-undo.ts': `${begin}.map('bags', () => ['a'], ({ item }) => item, { concurrency: 2 });`,
  'map-without-options.ts': `${begin}.map('bags', () => ['a'], ({ item }) => item);`,
  'map-after-the-pivot.ts': `${begin}.pivot('pay', () => 1).map('bags', () => ['a'], ({ item }) => item).map('tags', () => ['a'], ({ item }) => item, { compensate });`,
  'undo-of-a-read.ts': `${begin}.read('hotel', () => ({ room: 7 }), { compensate });`,
  'no-services.ts': `${begin}.read('hotel', () => ({ room: 7 }));
  import { memory, sagachart, type } from './sagachart/index.js';
  const needy = saga('needy', { version: 1, input: z.object({}), services: type<{ bank: string }>() });
  export const engine = sagachart({ sagas: [program, needy], store: memory() });`,
  'result-of-a-sibling.ts': `${begin}
    .parallel((b) => b.read('hotel', () => ({ room: 7 })), (b) => b.read('car', ({ results }) => results.hotel.room));`,
  'wrong-after.ts': `${begin}
    .graph((g) => g.read('validate', () => 1).read('enrich', () => 2).after('valid').read('save', () => 3));`,
};

describe('the compiler', () => {
  let output = '';
  beforeAll(() => {
    output = compile(programs);
  }, 120_000);

  it('has nothing to say about a right program', () => {
    expect(errorsOf(output, 'right.ts')).toEqual([]);
  });

  it('says of a map what it says of a step', () => {
    expect(errorsOf(output, 'map-without-undo.ts')).toEqual([expect.stringContaining("Property 'compensate' is missing")]);
    expect(errorsOf(output, 'map-without-options.ts')).toEqual([expect.stringContaining('say how it is undone: add { compensate }')]);
    expect(errorsOf(output, 'map-after-the-pivot.ts')).toEqual([expect.stringContaining('there is nothing to undo')]);
  });

  it('names the undo that was forgotten', () => {
    expect(errorsOf(output, 'forgotten-undo.ts')).toEqual([expect.stringContaining("Property 'compensate' is missing")]);
  });

  it('says what a step without options lacks', () => {
    expect(errorsOf(output, 'no-options.ts')).toEqual([expect.stringContaining('say how it is undone: add { compensate }, or use .read')]);
  });

  it('says why a read takes no undo', () => {
    expect(errorsOf(output, 'undo-of-a-read.ts')).toEqual([expect.stringContaining('there is nothing to undo: a .read changes nothing')]);
  });

  it('names the services that an engine was not given', () => {
    expect(errorsOf(output, 'no-services.ts')).toEqual([expect.stringContaining("Property 'services' is missing")]);
  });

  it('names the result that may not be there', () => {
    expect(errorsOf(output, 'result-of-a-sibling.ts')).toEqual([expect.stringContaining("Property 'hotel' does not exist")]);
  });

  it('lists the steps that a step can come after', () => {
    expect(errorsOf(output, 'wrong-after.ts')).toEqual([
      // The order of a union is the compiler's own business.
      expect.stringMatching(/Argument of type '"valid"' is not assignable to parameter of type '("validate" \| "enrich"|"enrich" \| "validate")'/),
    ]);
  });
});

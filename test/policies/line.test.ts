import { describe, expect, it } from 'vitest';
import { Line } from '../../src/policies/line.ts';

const all = (line: Line<string>): string[] => {
  const items: string[] = [];
  for (let item = line.shift(); item !== undefined; item = line.shift()) items.push(item);
  return items;
};

describe('a line', () => {
  it('is first in, first out, but for who goes before all others', () => {
    const line = new Line<string>();
    line.push('b');
    line.push('c');
    line.unshift('a');
    expect([line.first, line.size]).toEqual(['a', 3]);
    expect(all(line)).toEqual(['a', 'b', 'c']);
    expect([line.first, line.size]).toEqual([undefined, 0]);
    line.unshift('d');
    line.push('e');
    expect(all(line)).toEqual(['d', 'e']);
  });

  it.each(['a', 'b', 'c'])('can be left from anywhere: %s, once', (who) => {
    const line = new Line<string>();
    const leave = new Map(['a', 'b', 'c'].map((item) => [item, line.push(item)]));
    leave.get(who)?.();
    leave.get(who)?.();
    expect(line.size).toBe(2);
    expect(all(line)).toEqual(['a', 'b', 'c'].filter((item) => item !== who));
    for (const [, out] of leave) out();
    expect(line.size).toBe(0);
  });

  it('can be joined again by who has left it', () => {
    const line = new Line<string>();
    line.push('a')();
    line.push('a');
    expect(all(line)).toEqual(['a']);
  });
});

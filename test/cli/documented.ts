import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A row of a table of the page: what stands in backticks in its first cell, and its other cells. */
export interface Row {
  readonly name: string;
  readonly cells: readonly string[];
}

/** Tables of a section, by the head of their first column; without the section's title the text before the first one. */
export type Section = Readonly<Record<string, readonly Row[]>>;

/** docs/cli.md as tables, by section title. */
export function documented(): Readonly<Record<string, Section>> {
  const text = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8');
  const sections = text.split(/^## /m).slice(1);
  return Object.fromEntries(sections.map((section) => [titleOf(section), tablesOf(section)]));
}

function titleOf(section: string): string {
  return (section.split('\n', 1)[0] ?? '').replace(/ `.*/, '');
}

function tablesOf(section: string): Section {
  const tables = section.match(/(^\|.*\n)+/gm) ?? [];
  return Object.fromEntries(
    tables.map((table) => {
      const [head = [], , ...rows] = table.trim().split('\n').map(cellsOf);
      return [head[0] ?? '', rows.map(([name = '', ...cells]) => ({ name: name.replaceAll('`', ''), cells }))];
    }),
  );
}

function cellsOf(line: string): readonly string[] {
  return line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
}

/** What stands in backticks. */
export function quoted(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
}

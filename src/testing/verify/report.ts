import type { ReplayStep } from './replay.ts';

/** A path as a picture: a Mermaid sequence of the run, its steps, and what came from outside. */
export function sequenceOf(steps: readonly ReplayStep[]): string {
  const actors = [...new Set(steps.flatMap(({ began }) => began.map(stepOf)))];
  const lines = steps.flatMap(({ label, child, began, states }) => [
    ...(child === undefined || label.startsWith('the process dies') ? [`  Note over run: ${safe(label)}`] : [`  ${stepOf(child)}-->>run: ${safe(label)}`]),
    ...began.map((id) => `  run->>${stepOf(id)}: ${id === stepOf(id) ? 'run' : safe(id.slice(stepOf(id).length + 1))}`),
    ...(began.length === 0 && states.length === 1 ? [`  Note over run: ${safe(states[0] ?? '')}`] : []),
  ]);
  return ['sequenceDiagram', '  participant run', ...actors.map((actor) => `  participant ${actor}`), ...lines, ''].join('\n');
}

function stepOf(id: string): string {
  return id.split('.')[0] ?? id;
}

/** Mermaid ends a message at a semicolon, and reads a number sign as the beginning of an entity. */
function safe(text: string): string {
  return text.replaceAll(/[;#\n]/g, ' ');
}

/** A test that fails while a path leads to what is wrong. */
export function testOf(
  saga: string,
  { message, path, input, own }: { readonly message: string; readonly path: readonly string[]; readonly input: unknown; readonly own: boolean },
): string {
  const name = saga.replaceAll(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) => next?.toUpperCase() ?? '');
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
  return `import { expect, it } from 'vitest';
import { replay } from 'sagachart/testing';
// Where they are in your project.
import { ${own ? `${name}, world` : name} } from './${saga}.ts';

it(${quoted(`${saga}: ${message}`)}, async () => {
  const { violations } = await replay(${name}, {${own ? `\n    world,\n    input: ${JSON.stringify(input)},` : ''}
    path: [
${path.map((label) => `      ${quoted(label)},`).join('\n')}
    ],
  });
  expect(violations).toEqual([]);
});
`;
}

/** What happened, in order, a line each. */
export function pathText(path: readonly string[]): string {
  return path.map((label, i) => `  ${String(i + 1).padStart(2)}. ${label}`).join('\n');
}

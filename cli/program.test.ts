import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { createProgram } from './program.ts';
import { parsedVerb, silentSession, verbsOf } from './testing/parsed-verb.ts';

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

const paths = verbsOf(createProgram(silentSession)).map((verb) =>
  verb.parent?.parent ? `${verb.parent.name()} ${verb.name()}` : verb.name(),
);
const leaves = verbsOf(createProgram(silentSession)).filter((verb) => verb.commands.length === 0);
const shown = (verb: Command): boolean => verb.summary() !== '';

test('there is every verb of this version', () => {
  expect(paths.toSorted()).toEqual(
    expect.arrayContaining([
      'address',
      'audit show',
      'audit verify',
      'demo',
      'get',
      'inspect',
      'policy test',
      'seal new',
      'sign',
      'signer',
      'status',
      'up',
    ]),
  );
});

test.each([
  '',
  ...leaves.filter(shown).map((verb) => (verb.parent?.parent ? `${verb.parent.name()} ${verb.name()}` : verb.name())),
])('the examples in the help of holdfast %s can be pasted', async (path) => {
  const find = (program: Command): Command =>
    path
      .split(' ')
      .filter(Boolean)
      .reduce((at, name) => at.commands.find((verb) => verb.name() === name) ?? at, program);
  const help = helpOf(find(createProgram(silentSession)));
  const lines =
    help
      .split('Examples:\n')[1]
      ?.split('\n\n')[0]
      ?.split('\n')
      .map((line) => line.trim())
      .filter(Boolean) ?? [];
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) {
    const ran = await parsedVerb(line);
    if (path !== '') expect(ran, line).toBe(path.split(' ').at(-1));
  }
});

test.each(leaves.filter(shown).map((verb) => [verb.name(), verb] as const))(
  'every option and argument of %s is explained',
  (_, verb) => {
    expect(verb.description()).not.toBe('');
    for (const option of verb.options) expect(option.description, option.flags).not.toBe('');
    for (const argument of verb.registeredArguments) expect(argument.description, argument.name()).not.toBe('');
  },
);

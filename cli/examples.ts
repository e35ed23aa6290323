/** The end of a help text: lines that can be pasted. */
export const examples = (...lines: readonly string[]): string =>
  ['', 'Examples:', ...lines.map((line) => `  ${line}`), ''].join('\n');

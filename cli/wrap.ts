import { width } from './table.ts';

const columns = 80;

/** `text` in lines that fit a narrow terminal where its words do; all but the first begin with `indent` spaces. */
export function wrap(text: string, indent: number): readonly string[] {
  const [first = '', ...words] = text.split(/(?<=\S) (?=\S)/);
  const lines = [first];
  for (const word of words) {
    const last = lines.at(-1) ?? '';
    if (width(last) + 1 + width(word) <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(' '.repeat(indent) + word);
  }
  return lines;
}

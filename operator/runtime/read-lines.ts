import type { Readable } from 'node:stream';
import { KubeError } from './kube-error.ts';

/** A line holds one object, which etcd limits to 1.5 MiB, with what JSON adds to it. */
const mostLine = 16 * 1024 * 1024;

/** Lines of UTF-8, `heard` called at each arrival of bytes. Throws where the last has no end: it may be cut off. */
export async function* readLines(stream: Readable, heard: () => void): AsyncGenerator<string, void, undefined> {
  stream.setEncoding('utf8');
  let rest = '';
  for await (const chunk of stream as AsyncIterable<string>) {
    heard();
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > mostLine) throw new KubeError('a line is too long', { reason: 'Malformed' });
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  if (rest.trim() !== '') throw new KubeError('the last line is cut off', { reason: 'Malformed' });
}

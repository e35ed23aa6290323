import { isScalar, LineCounter, parseAllDocuments, visit } from 'yaml';
import type { Document, Node, Pair } from 'yaml';

/** Documents and values of one text; far above what people write, far below what stops a process. */
const maxDocuments = 1000;
const maxAliases = 100;
/** Values and characters of them once every alias stands for what it names. */
const maxExpanded = 4 * 1024 * 1024;

/**
 * The JSON values of a YAML text, one a document; null where a document is empty. JSON is YAML. Throws a SyntaxError
 * that says what is wrong and where, and never quotes the text: that could be a Secret.
 */
export function yamlDocuments(text: string): readonly unknown[] {
  const lines = new LineCounter();
  try {
    // The library compares each key with every other; checkKeys does not.
    const documents = [
      ...parseAllDocuments(text, {
        lineCounter: lines,
        prettyErrors: false,
        logLevel: 'silent',
        merge: true,
        uniqueKeys: false,
      }),
    ];
    if (documents.length > maxDocuments)
      throw new SyntaxError(`want at most ${maxDocuments} documents, got ${documents.length}`);
    const budget = { left: maxExpanded };
    return documents.map((document): unknown => {
      const [error] = document.errors;
      if (error)
        throw syntaxError(
          lines,
          error.pos[0],
          error.code === 'RESOURCE_EXHAUSTION' ? 'nested too deeply' : error.code.toLowerCase().replaceAll('_', ' '),
        );
      checkKeys(document, lines);
      return toJson(document.toJS({ maxAliasCount: maxAliases }), budget);
    });
  } catch (error) {
    if (error instanceof SyntaxError) throw error;
    // The library throws a ReferenceError on bombs of aliases.
    throw new SyntaxError(error instanceof ReferenceError ? 'has too many aliases, or one to nowhere' : 'is not YAML');
  }
}

const syntaxError = (lines: LineCounter, offset: number, message: string): SyntaxError => {
  const { line, col } = lines.linePos(offset);
  return new SyntaxError(`is not YAML at line ${line}, column ${col}: ${message}`);
};

/** A key written twice, of which readers would take one or the other, and keys that are not words. */
function checkKeys(document: Document, lines: LineCounter): void {
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const { key } of map.items as readonly Pair<Node | null>[]) {
        const at = key?.range?.[0] ?? 0;
        if (!isScalar(key)) throw syntaxError(lines, at, 'key is not a word');
        const name = String(key.value);
        if (seen.has(name)) throw syntaxError(lines, at, 'duplicate key');
        seen.add(name);
      }
    },
  });
}

/** A copy that is JSON and nothing else, because state keeps it as that; YAML 1.1 has dates, sets and bytes as well. */
function toJson(value: unknown, budget: { left: number }): unknown {
  budget.left -= 1 + (typeof value === 'string' ? value.length : 0);
  if (budget.left < 0) throw new SyntaxError('is too large once its aliases are written out');
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value === 0 ? 0 : value;
  if (Array.isArray(value)) return value.map((item: unknown) => toJson(item, budget));
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toJson(member, budget)]));
  throw new SyntaxError('has a value that JSON does not have, like a date or an infinite number: put it in quotes');
}

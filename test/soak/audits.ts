import { fromUtf8 } from '../../common/bytes.ts';
import { emptyHead, verifyChain, type Head } from '../../statement/audit.ts';
import type { ProcessWallet } from '../integration/signers/processes.ts';

type Entry = Readonly<Record<string, string>>;
type Log = { head: Head; readonly counted: Set<string>; readonly spent: Set<string> };

/** What the audit logs of a wallet of processes say, read on from where the last look ended. */
export class Audits {
  readonly #wallet: ProcessWallet;
  readonly #logs: ReadonlyMap<string, Log>;

  constructor(wallet: ProcessWallet) {
    this.#wallet = wallet;
    this.#logs = new Map(
      wallet.holders.map(({ name }) => [name, { head: emptyHead, counted: new Set(), spent: new Set() }]),
    );
  }

  /** Digests that any holder let a share go for or knows a signature of. */
  get spent(): ReadonlySet<string> {
    return new Set([...this.#logs.values()].flatMap(({ spent }) => [...spent]));
  }

  /** Which holder does not count which of {@link spent}. */
  get missing(): readonly string[] {
    const { spent } = this;
    return [...this.#logs].flatMap(([name, { counted }]) =>
      [...spent].filter((digest) => !counted.has(digest)).map((digest) => `${name} lacks ${digest}`),
    );
  }

  /** Throws where a log is no chain or does not go on from what it ended with before: then a record was lost. */
  async read(): Promise<void> {
    await Promise.all(
      [...this.#logs].map(async ([name, log]) => {
        const records = await this.#wallet.audit(name, log.head.sequence);
        log.head = verifyChain(records, log.head).head;
        for (const { record } of records) {
          const { type = '', digest = '' } = JSON.parse(fromUtf8(record)) as Entry;
          if (type !== 'Denied') log.counted.add(digest);
          if (type === 'Released' || type === 'Signed') log.spent.add(digest);
        }
      }),
    );
  }
}

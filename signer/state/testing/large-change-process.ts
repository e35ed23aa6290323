/** Makes one change of more pages than SQLite keeps in memory of a savepoint; argument: a folder for the database. */
import { join } from 'node:path';
import { Database } from '../database.ts';
import { digestOf, now } from './changes.ts';

const database = new Database(join(process.argv[2] ?? '', 'state.db'));
const digests = Array.from({ length: 500 }, (_, n) => digestOf(n));
const ledger = digests.map((digest) => ({ digest, at: now, effects: ' '.repeat(2_000), state: 'Reserved' as const }));
for (const change of [{ ledger }, { unreserve: digests }])
  for (const result of database.apply([{ ...change, now }])) process.stdout.write(`${result?.message ?? 'written'}\n`);
database.close();

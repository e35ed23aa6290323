import { Refused } from '../../common/errors.ts';

/** This holder never signs with `peer` under that key again. */
export class CounterpartyBanned extends Refused {
  readonly peer: string;
  constructor(peer: string, message: string) {
    super('CounterpartyBanned', message);
    this.peer = peer;
  }
}

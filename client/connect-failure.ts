import { quote } from '../common/bytes.ts';

/** What Node's error codes of a connection say. */
const meanings: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection closed by the other side',
  EPIPE: 'connection closed by the other side',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up',
};

/** Why a connection did not come about, in a few words, from an error's text by Node or grpc-js, which may quote the peer. */
export function connectFailure(text: string): string {
  const code = /\b(?:E[A-Z]{4,}|EAI_AGAIN)\b/.exec(text)?.[0] ?? '';
  if (meanings[code] !== undefined) return meanings[code];
  // What a handshake with another than the pinned certificate ends with, by OpenSSL or by the check of the pin.
  if (/self-signed certificate|unable to verify|another key than the pinned/i.test(text))
    return 'the server has another key than the pinned one';
  const last = /Last error: (?:Error: )?(.*?)(?:\. Resolution note: .*)?$/s.exec(text)?.[1] ?? text;
  return quote(last, 200);
}

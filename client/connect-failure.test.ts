import { expect, test } from 'vitest';
import { connectFailure } from './connect-failure.ts';

test.each([
  ['connect ECONNREFUSED 127.0.0.1:8001', 'connection refused'],
  [
    'No connection established. Last error: connect ECONNREFUSED 127.0.0.1:8001. Resolution note: ',
    'connection refused',
  ],
  ['getaddrinfo ENOTFOUND signer.example', 'no such host'],
  [
    'No connection established. Last error: Error: self-signed certificate',
    'the server has another key than the pinned one',
  ],
  ['No connection established. Last error: Error: something\nelse. Resolution note: x', '"something\\nelse"'],
  ['Connection dropped', '"Connection dropped"'],
])('%j is %s', (text, words) => {
  expect(connectFailure(text)).toBe(words);
});

import { expect, it } from 'vitest';
import { workerUrl } from './worker-url.ts';

it('finds a worker beside the source that starts it', () => {
  expect(workerUrl('file:///app/signer/state/sqlite-store.ts', 'database').href).toBe(
    'file:///app/signer/state/database-worker.ts',
  );
});

it('finds a worker beside the bundle, never the bundle itself', () => {
  expect(workerUrl('file:///app/dist/signer.js', 'database').href).toBe('file:///app/dist/database-worker.js');
});

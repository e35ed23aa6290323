import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { startDelays } from './delays.ts';

it('leads to each target through a process of its own, and to none once it is closed', async () => {
  const servers = await Promise.all(
    ['one', 'two'].map(async (name) => {
      const server = createServer((socket) => socket.end(name)).listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const targets = servers.map((server) => (server.address() as AddressInfo).port);
  const delays = await startDelays(1, targets);
  const names: string[] = [];
  for (const target of targets) {
    const socket = connect(delays.via.get(target) ?? 0, '127.0.0.1');
    for await (const bytes of socket) names.push(String(bytes));
  }
  expect(names).toEqual(['one', 'two']);
  delays.close();
  const gone = async (): Promise<string> => {
    for (;;) {
      const socket = connect(delays.via.get(targets[0] ?? 0) ?? 0, '127.0.0.1').resume();
      const [error] = (await Promise.race([once(socket, 'error'), once(socket, 'close').then(() => [])])) as [Error?];
      if (error !== undefined && 'code' in error && error.code === 'ECONNREFUSED') return 'refused';
    }
  };
  await expect(gone()).resolves.toBe('refused');
  for (const server of servers) server.close();
});

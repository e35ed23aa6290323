import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Has a port of a pod at an address of this machine for as long as `use` takes. No NetworkPolicy is in the way: it ends in the pod. */
export async function forwarded<T>(
  namespace: string,
  pod: string,
  port: number,
  use: (address: string) => Promise<T>,
): Promise<T> {
  const child = spawn('kubectl', ['-n', namespace, 'port-forward', `pod/${pod}`, `:${port}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said += text.toString();
  });
  try {
    for await (const line of createInterface(child.stdout)) {
      const [, address] = /^Forwarding from (127\.0\.0\.1:\d+) /.exec(line) ?? [];
      if (address !== undefined) return await use(address);
    }
    throw new Error(`kubectl port-forward to ${namespace}/${pod}: ${said.trim()}`);
  } finally {
    if (child.kill()) await once(child, 'exit');
  }
}

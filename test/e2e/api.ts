import { systemClock } from '../../common/clock.ts';
import { kubeCredentials } from '../../operator/runtime/credentials.ts';
import type { Credentials } from '../../operator/runtime/credentials.ts';
import { KubeClient } from '../../operator/runtime/kube-client.ts';

const clientAs = (change: (admin: Credentials) => Credentials): KubeClient =>
  new KubeClient({
    credentials: async () => change(await kubeCredentials()()),
    clock: systemClock,
    userAgent: 'holdfast-e2e',
  });

/** The API server as whoever administers the cluster sees it, for requests that kubectl has no words for. */
export const adminClient = (): KubeClient => clientAs((admin) => admin);

/** With all rights, under another name: what refuses is not RBAC. */
export const clientNamed = (user: string): KubeClient =>
  clientAs((admin) => ({
    ...admin,
    headers: { ...admin.headers, 'Impersonate-User': user, 'Impersonate-Group': 'system:masters' },
  }));

/** With the token of a ServiceAccount and nothing of the administrator's: a server looks at a certificate first. */
export const clientOf = (token: string): KubeClient =>
  clientAs(({ server, tls: { ca } }) => ({
    server,
    namespace: undefined,
    headers: { Authorization: `Bearer ${token}` },
    tls: ca === undefined ? {} : { ca },
  }));

import type { RequestOptions } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { KubeConfig } from '@kubernetes/client-node';

/** Whom to speak to and as whom, at one moment: tokens and certificates are replaced while a process runs. */
export type Credentials = {
  readonly server: URL;
  /** The namespace of the context; in a cluster, the pod's own. */
  readonly namespace: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Pick<
    ConnectionOptions,
    'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'servername' | 'rejectUnauthorized'
  >;
};

export type ReadCredentials = () => Promise<Credentials>;

/**
 * Credentials of `file`'s current context; without `file`, of $KUBECONFIG, ~/.kube/config, or the service account of
 * the pod that this runs in. Everything is read anew each time, files and exec plugins too: client-node would keep a
 * token for a minute after it was replaced. Throws where there is no such configuration, or one with a proxy.
 */
export function kubeCredentials(file?: string): ReadCredentials {
  return async () => {
    const config = new KubeConfig();
    if (file !== undefined) config.loadFromFile(file);
    else {
      config.loadFromDefault();
      if (isMadeUp(config))
        throw new Error('no kubeconfig ($KUBECONFIG, ~/.kube/config), and no token of a service account as a pod has');
    }
    return credentialsOf(config);
  };
}

/** Where client-node finds nothing it supposes a server on this machine. */
const isMadeUp = (config: KubeConfig): boolean =>
  config.getCurrentContext() === 'loaded-context' && config.getCurrentCluster()?.server === 'http://localhost:8080';

export async function credentialsOf(config: KubeConfig): Promise<Credentials> {
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error('kubeconfig: no cluster: want a current-context that names one');
  // client-node has agents for proxies, but they cannot be pooled as ours are.
  if (cluster.proxyUrl) throw new Error(`kubeconfig: cluster ${cluster.name}: proxy-url is not supported`);
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  // Said always: an environment variable would decide where nothing is.
  const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized = true, auth, headers = {} } = options;
  const given = { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized };
  return {
    server: new URL(cluster.server),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace?.trim(),
    headers: {
      ...(typeof auth === 'string' ? { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {}),
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value).trim()])),
    },
    tls: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

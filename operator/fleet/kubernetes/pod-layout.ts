/*
 * What images, pod templates and the chart's admission policies have to agree on. `images/Dockerfile` and
 * `charts/holdfast/templates/` repeat these values; test/chart/ holds them to what is here.
 */

/** The ports of every signer. */
export const signerPorts = { sign: 8443, peer: 7443, metrics: 9090 } as const;

/** The user and group of every process, in every image. */
export const runAs = 65_532;

/** Folder of the bundles in an image. */
export const programs = '/app';

/** Node in an image. */
export const nodeBinary = '/usr/local/bin/node';

/** Where a pod mounts what its containers read and write. */
export const mounts = {
  /** The volume of the signer's state. Its root belongs to the kubelet; the state is a folder in it. */
  state: '/var/lib/holdfast',
  /** The Secret with the seal's key, in the signer's container. */
  seal: '/etc/holdfast/seal',
  /** The socket between signer and sidecar, in memory. */
  hsm: '/run/holdfast/hsm',
  /** The Secret with the token's PIN, in the sidecar only. */
  pin: '/etc/holdfast/pin',
  /** The volume of a token in files, in the sidecar only. */
  token: '/var/lib/holdfast-token',
} as const;

export const files = {
  state: `${mounts.state}/state`,
  sealKey: `${mounts.seal}/kek`,
  socket: `${mounts.hsm}/hsm.sock`,
  pin: `${mounts.pin}/pin`,
} as const;

/** Names of containers; no pod has others. */
export const containers = { signer: 'signer', sidecar: 'hsm', token: 'token' } as const;

/** Names of volumes, which are those of their mounts; no pod has others. */
export type VolumeName = keyof typeof mounts;

/** Names of environment variables of the signer's container; the others have none. */
export const environmentNames: readonly string[] = ['GLIBC_TUNABLES'];

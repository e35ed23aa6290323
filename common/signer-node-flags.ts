/**
 * Flags of Node for a signer process. The heaps are bounded: under load a signer holds 150 MB instead of 280, at the
 * same rate. One thread collects garbage: helpers cost a tenth of the processor time where cores are few. SIGUSR1
 * would open a debugger's port, and with it the heap, to every user of the machine.
 */
export const signerNodeFlags: readonly string[] = [
  '--max-semi-space-size=2',
  '--max-old-space-size=96',
  '--single-threaded-gc',
  '--disable-sigusr1',
];

/**
 * What a signer's environment needs by the role of its holder. At a Backup memory that is given back is overwritten at
 * once (glibc's mallopt(3), M_PERTURB): libraries free buffers with parts of shares that nobody else has a hold of. The
 * others have their shares open all the time, and would pay for it with each signature.
 */
export const signerEnvironment = (role: 'Infrastructure' | 'Client' | 'Backup'): Readonly<Record<string, string>> =>
  role === 'Backup' ? { GLIBC_TUNABLES: 'glibc.malloc.perturb=165:glibc.malloc.tcache_count=0' } : {};

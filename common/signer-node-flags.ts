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
 * GLIBC_TUNABLES for a signer whose seal is an HSM: memory that is given back is overwritten at once. Libraries free
 * buffers with parts of shares that nobody else has a hold of. At a Backup it costs nothing that counts.
 */
export const overwriteFreed = 'glibc.malloc.perturb=165:glibc.malloc.tcache_count=0';

/**
 * Flags of Node for a signer process. The heaps are bounded: under load a signer holds 150 MB instead of 280, at the
 * same rate. One thread collects garbage: helpers cost a tenth of the processor time where cores are few. SIGUSR1
 * would open a debugger's port, and with it the heap, to every user of the machine.
 */
export const signerNodeFlags: readonly string[] = [
  '--max-semi-space-size=8',
  '--max-old-space-size=96',
  '--single-threaded-gc',
  '--disable-sigusr1',
];

/**
 * What a signer's environment needs by the role of its holder, for glibc's malloc. Two arenas in place of eight a core:
 * each keeps what its threads freed, some 15 MB of an idle signer. Thresholds that stay as they begin (mallopt(3)), else
 * each large buffer that was freed has more be kept: another 10 MB. At a Backup memory that is given back is overwritten
 * at once (mallopt(3), M_PERTURB): libraries free buffers with parts of shares that nobody else has a hold of. The
 * others have their shares open all the time, and would pay for it with each signature.
 */
export function signerEnvironment(role: 'Infrastructure' | 'Client' | 'Backup'): Readonly<Record<string, string>> {
  const overwriteFreed = role === 'Backup' ? ['glibc.malloc.perturb=165', 'glibc.malloc.tcache_count=0'] : [];
  return { GLIBC_TUNABLES: [...keepLittle, ...overwriteFreed].join(':') };
}

/** The thresholds are glibc's first ones, in bytes. */
const keepLittle = [
  'glibc.malloc.arena_max=2',
  'glibc.malloc.trim_threshold=131072',
  'glibc.malloc.mmap_threshold=131072',
];

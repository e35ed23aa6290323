import { signerNodeFlags } from '../../common/signer-node-flags.ts';
import { nodeBinary, programs } from '../../operator/fleet/kubernetes/pod-layout.ts';

/** A command for a signer's container: its own program, but for one bit of each share of a signature that it gives. */
export const lyingSigner: readonly string[] = [
  ...[nodeBinary, '--import'],
  `data:text/javascript,${encodeURIComponent(`
    import { registerHooks } from 'node:module';
    const honest = 'value: { session: round.session, shares: [...shares] }';
    const lying = 'value: { session: round.session, shares: [...shares].map((s) => s.map((b, i) => i === 0 ? b ^ 1 : b)) }';
    registerHooks({
      load(url, context, next) {
        const loaded = next(url, context);
        if (!url.endsWith('/signer.js')) return loaded;
        const text = Buffer.from(loaded.source).toString();
        if (text.split(honest).length !== 2) throw new Error('the signer gives its shares elsewhere');
        return { ...loaded, source: text.replace(honest, lying) };
      },
    });`)}`,
  ...signerNodeFlags,
  `${programs}/signer.js`,
];
